/// The text of a statement: literals only, joined with `+`.
package struct SQL: Sendable, ExpressibleByStringLiteral {
    let text: String

    /// Only the compiler makes a `StaticString`, so it holds no input.
    package init(stringLiteral literal: StaticString) {
        text = literal.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
    }

    private init(text: String) { self.text = text }

    /// One text behind the other.
    package static func + (left: SQL, right: SQL) -> SQL { SQL(text: left.text + right.text) }
}
