/// Why a value of a type with a rule could not be made.
package struct Rejection: Error {
    package let rule: Rule
}
