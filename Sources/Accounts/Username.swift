/// A name that may stand in the username column.
package struct Username: Sendable {
    let text: String
    /// The form in which it is compared.
    package let canonical: CanonicalName

    /// In characters.
    package static let longest = 150

    /// Letters and digits of any script, combining marks after a letter, and `@ . + - _`.
    package init(_ text: String, length: ClosedRange<Int>) throws(Rejection) {
        // A character has at most four bytes.
        guard text.utf8.count <= 4 * length.upperBound else { throw Rejection(rule: .tooLong(length.upperBound)) }
        let count = text.unicodeScalars.count
        guard count >= length.lowerBound else { throw Rejection(rule: .tooShort(length.lowerBound)) }
        guard count <= length.upperBound else { throw Rejection(rule: .tooLong(length.upperBound)) }
        canonical = CanonicalName(text)
        guard canonical.key.unicodeScalars.count <= Username.longest else {
            throw Rejection(rule: .tooLong(length.upperBound))
        }
        let others: Set<Unicode.Scalar> = ["@", ".", "+", "-", "_"]
        guard text.unicodeScalars.isMadeOfLetters(or: others), canonical.key.unicodeScalars.isMadeOfLetters(or: others)
        else {
            throw Rejection(rule: text.unicodeScalars.contains("\0") ? .nulCharacter : .malformed)
        }
        self.text = text
    }

    /// A username for somebody who gave none: the local part of the email without what no username may have.
    package static func base(of email: EmailAddress) -> String {
        let local = email.text.unicodeScalars.prefix { $0 != "@" }
        let kept = String(
            String.UnicodeScalarView(
                local.filter { CollectionOfOne($0).isMadeOfLetters(or: [".", "+", "-", "_"]) }))
        return kept.isEmpty ? "user" : kept
    }

    var isAddress: Bool { canonical.isAddress }
}
