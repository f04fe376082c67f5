import Mail

/// A syntactically valid address: dot-atom `@` domain, also internationalised. (RFC 5321 §4.1.2, RFC 6531 §3.3)
package struct EmailAddress: Sendable {
    let text: String
    /// The form in which it is compared.
    package let canonical: CanonicalName

    /// Bytes. (RFC 3696 erratum 1690)
    static let longest = 254

    /// Throws the rule that `text` breaks.
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
