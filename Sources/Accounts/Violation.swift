/// One thing wrong with one field.
package struct Violation: Sendable, Equatable {
    /// The field that breaks the rule.
    package let field: Field
    /// The rule that is broken.
    package let rule: Rule

    /// `field` breaks `rule`.
    package init(_ field: Field, _ rule: Rule) {
        self.field = field
        self.rule = rule
    }
}
