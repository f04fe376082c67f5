import Foundation

/// The form in which usernames and emails are compared: NFKC and case-folded, so that names which differ only in case
/// or width are one name. (Unicode Standard §3.13.5, toNFKC_Casefold; invisible characters are refused beforehand)
package struct CanonicalName: Sendable, Equatable {
    package let key: String

    /// Only an email can hold an `@`.
    var isAddress: Bool { key.utf8.contains(UInt8(ascii: "@")) }

    init(_ name: String) {
        if name.utf8.allSatisfy({ $0 < 0x80 }) {
            key = name.lowercased()
            return
        }
        // Folding can leave a form that is not normal, and normalising one that is not folded: repeat until it is still.
        var key = name
        for _ in 0..<4 {
            let next = key.precomposedStringWithCompatibilityMapping
                .folding(options: .caseInsensitive, locale: nil)
                .precomposedStringWithCompatibilityMapping
            if next.unicodeScalars.elementsEqual(key.unicodeScalars) { break }
            key = next
        }
        self.key = key
    }
}

/// A name that may stand in the username column.
package struct Username: Sendable {
    let text: String
    package let canonical: CanonicalName

    package static let longest = 150

    /// Letters and digits of any script, combining marks after a letter, and `@ . + - _`.
    package init(_ text: String, length: ClosedRange<Int>) throws(Rejection) {
        let count = text.unicodeScalars.count
        guard count >= length.lowerBound else { throw Rejection(rule: .tooShort(length.lowerBound)) }
        guard count <= length.upperBound else { throw Rejection(rule: .tooLong(length.upperBound)) }
        canonical = CanonicalName(text)
        guard canonical.key.unicodeScalars.count <= Username.longest else {
            throw Rejection(rule: .tooLong(length.upperBound))
        }
        let others: Set<Unicode.Scalar> = ["@", ".", "+", "-", "_"]
        guard text.isMadeOfLetters(or: others), canonical.key.isMadeOfLetters(or: others) else {
            throw Rejection(rule: text.unicodeScalars.contains("\0") ? .nulCharacter : .malformed)
        }
        self.text = text
    }

    /// A username for somebody who gave none: the local part of the email without what no username may have.
    package static func base(of email: EmailAddress) -> String {
        let local = email.text.prefix { $0 != "@" }
        let kept = String(
            String.UnicodeScalarView(
                local.unicodeScalars.filter { scalar in
                    String(scalar).isMadeOfLetters(or: [".", "+", "-", "_"])
                }))
        return kept.isEmpty ? "user" : kept
    }

    var isAddress: Bool { canonical.isAddress }
}

/// A syntactically valid address: dot-atom `@` domain, also internationalised. (RFC 5321 §4.1.2, RFC 6531 §3.3)
package struct EmailAddress: Sendable {
    let text: String
    package let canonical: CanonicalName

    /// Bytes. (RFC 3696 erratum 1690)
    static let longest = 254

    package init(_ text: String) throws(Rejection) {
        guard !text.unicodeScalars.contains("\0") else { throw Rejection(rule: .nulCharacter) }
        let canonical = CanonicalName(text)
        guard text.utf8.count <= EmailAddress.longest, canonical.key.utf8.count <= EmailAddress.longest else {
            throw Rejection(rule: .tooManyBytes(EmailAddress.longest))
        }
        guard EmailAddress.isValid(text), EmailAddress.isValid(canonical.key) else {
            throw Rejection(rule: .malformed)
        }
        self.text = text
        self.canonical = canonical
    }

    /// Whether it is short enough for an account whose username is its email.
    var fitsUsername: Bool {
        max(text.unicodeScalars.count, canonical.key.unicodeScalars.count) <= Username.longest
    }

    // RFC 5322 §3.2.3, atext without letters and digits.
    private static let atoms = Set<Unicode.Scalar>("!#$%&'*+-/=?^_`{|}~".unicodeScalars)

    private static func isValid(_ text: String) -> Bool {
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count == 2, (1...64).contains(halves[0].utf8.count) else { return false }
        let labels = halves[1].split(separator: ".", omittingEmptySubsequences: false)
        return halves[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0.isMadeOfLetters(or: atoms)
        } && labels.count >= 2 && labels.allSatisfy(isLabel) && labels.last?.contains(where: \.isLetter) == true
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.isMadeOfLetters(or: ["-"])
    }
}

/// Why a value of a type with a rule could not be made.
package struct Rejection: Error {
    package let rule: Rule
}

extension StringProtocol {
    /// Letters, decimal digits and the `others`; combining marks only after a letter; nothing invisible.
    fileprivate func isMadeOfLetters(or others: Set<Unicode.Scalar>) -> Bool {
        var isAfterLetter = false
        for scalar in unicodeScalars {
            if scalar.properties.isDefaultIgnorableCodePoint { return false }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
                isAfterLetter = true
            case .nonspacingMark, .spacingMark:
                guard isAfterLetter else { return false }
            case .decimalNumber:
                isAfterLetter = false
            default:
                guard others.contains(scalar) else { return false }
                isAfterLetter = false
            }
        }
        return true
    }
}
