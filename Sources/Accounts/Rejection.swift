/// Why a value of a type with a rule could not be made.
package struct Rejection: Error {
    /// The rule that the value breaks.
    package let rule: Rule
}
