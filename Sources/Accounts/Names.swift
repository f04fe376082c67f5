import Foundation
import Mail
import Secrets

/// The form in which usernames and emails are compared: NFKC and case-folded, so that names which differ only in case
/// or width are one name, and the domain of an address as its A-labels. (Unicode Standard §3.13.5, toNFKC_Casefold;
/// invisible characters are refused beforehand)
package struct CanonicalName: Sendable, Equatable {
    package let key: String

    /// In bytes: the longest username, of which a character can have four. An address is shorter.
    private static let longest = 4 * Username.longest

    package init(_ name: String) {
        // Normalising takes the square of the length. A longer name is nobody's: a digest stands for it, behind a zero byte
        // that is in no name, so that it costs the same statements as a name and its failures are counted.
        guard name.utf8.count <= CanonicalName.longest else {
            key = "\0" + hex(sha256(name))
            return
        }
        let scalars = name.unicodeScalars
        guard let at = scalars.firstIndex(where: CanonicalName.isAt) else {
            key = CanonicalName.folded(name)
            return
        }
        let domain = String(scalars[scalars.index(after: at)...])
        let compared = MailAddress.asciiDomain(domain) ?? CanonicalName.folded(domain)
        key = CanonicalName(local: String(scalars[..<at]), domain: compared).key
    }

    /// - Parameter domain: in the form in which it is compared.
    fileprivate init(local: String, domain: String) {
        key = CanonicalName.folded(local) + "@" + domain
    }

    private static func folded(_ name: String) -> String {
        if name.utf8.allSatisfy({ $0 < 0x80 }) { return name.lowercased() }
        // Folding can leave a form that is not normal, and normalising one that is not folded: repeat until it is still.
        var key = name
        for _ in 0..<4 {
            let next = key.precomposedStringWithCompatibilityMapping
                .folding(options: .caseInsensitive, locale: nil)
                .precomposedStringWithCompatibilityMapping
            if next.unicodeScalars.elementsEqual(key.unicodeScalars) { break }
            key = next
        }
        return key
    }

    /// Those that NFKC makes an `@` of.
    private static func isAt(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "@" || scalar == "\u{FF20}" || scalar == "\u{FE6B}"
    }

    package static func == (one: CanonicalName, other: CanonicalName) -> Bool {
        one.key.utf8.elementsEqual(other.key.utf8)
    }
}

/// A name that may stand in the username column.
package struct Username: Sendable {
    let text: String
    package let canonical: CanonicalName

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

/// A syntactically valid address: dot-atom `@` domain, also internationalised. (RFC 5321 §4.1.2, RFC 6531 §3.3)
package struct EmailAddress: Sendable {
    let text: String
    package let canonical: CanonicalName

    /// Bytes. (RFC 3696 erratum 1690)
    static let longest = 254

    package init(_ text: String) throws(Rejection) {
        let tooLong = Rejection(rule: .tooManyBytes(EmailAddress.longest))
        guard text.utf8.count <= EmailAddress.longest else { throw tooLong }
        guard !text.unicodeScalars.contains("\0") else { throw Rejection(rule: .nulCharacter) }
        let halves = text.unicodeScalars.split(separator: "@", omittingEmptySubsequences: false).map { String($0) }
        guard halves.count == 2, EmailAddress.hasLetters(domain: halves[1]),
            let domain = MailAddress.asciiDomain(halves[1])
        else { throw Rejection(rule: .malformed) }
        canonical = CanonicalName(local: halves[0], domain: domain)
        guard canonical.key.utf8.count <= EmailAddress.longest else { throw tooLong }
        guard EmailAddress.isLocal(halves[0]), EmailAddress.isValid(canonical.key) else {
            throw Rejection(rule: .malformed)
        }
        self.text = text
    }

    /// Whether mail to it goes where mail to another one of the same canonical form goes: NFKC makes one name of spellings
    /// that are different mailboxes to a mail server.
    func isMailbox(_ other: String) -> Bool {
        func local(_ address: String) -> [UInt8] {
            address.utf8.prefix { $0 != UInt8(ascii: "@") }.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
        }
        return local(text) == local(other)
    }

    /// Whether it is short enough for an account whose username is its email.
    var fitsUsername: Bool {
        max(text.unicodeScalars.count, canonical.key.unicodeScalars.count) <= Username.longest
    }

    // RFC 5322 §3.2.3, atext without letters and digits.
    private static let atoms = Set<Unicode.Scalar>("!#$%&'*+-/=?^_`{|}~".unicodeScalars)

    /// Of the form in which addresses are compared, whose domain is ASCII.
    private static func isValid(_ key: String) -> Bool {
        let halves = key.unicodeScalars.split(separator: "@", omittingEmptySubsequences: false).map { String($0) }
        guard halves.count == 2, isLocal(halves[0]), hasLetters(domain: halves[1]) else { return false }
        let labels = halves[1].utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy {
                (1...63).contains($0.count) && $0.first != UInt8(ascii: "-") && $0.last != UInt8(ascii: "-")
            }
    }

    private static func isLocal(_ local: String) -> Bool {
        (1...64).contains(local.utf8.count)
            && local.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0.isMadeOfLetters(or: atoms)
            }
    }

    /// Labels of letters, digits and hyphens, with a letter in the last one.
    private static func hasLetters(domain: String) -> Bool {
        let labels = domain.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { $0.isMadeOfLetters(or: ["-"]) } && labels.last?.contains(where: isLetter) == true
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}

/// Why a value of a type with a rule could not be made.
package struct Rejection: Error {
    package let rule: Rule
}

extension CanonicalName {
    /// Only an email can be one.
    var isAddress: Bool { key.utf8.contains(UInt8(ascii: "@")) }
}

extension Sequence<Unicode.Scalar> {
    /// Letters, decimal digits and the `others`; combining marks only after a letter; nothing invisible.
    fileprivate func isMadeOfLetters(or others: Set<Unicode.Scalar>) -> Bool {
        var isAfterLetter = false
        for scalar in self {
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
