/// One thing wrong with one field.
package struct Violation: Sendable, Equatable {
    package let field: Field
    package let rule: Rule

    package init(_ field: Field, _ rule: Rule) {
        self.field = field
        self.rule = rule
    }
}
