import Foundation
import Mail
import Secrets

/// The form in which usernames and emails are compared: NFKC and case-folded, so that names which differ only in case
/// or width are one name, and the domain of an address as its A-labels. (Unicode Standard §3.13.5, toNFKC_Casefold;
/// invisible characters are refused beforehand)
package struct CanonicalName: Sendable, Equatable {
    /// The text that the unique indexes hold.
    package let key: String

    /// In bytes: the longest username, of which a character can have four. An address is shorter.
    private static let longest = 4 * Username.longest

    /// The form of any text; whether it is a name at all is not looked at.
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
    init(local: String, domain: String) {
        key = CanonicalName.folded(local) + "@" + domain
    }

    /// Expects a text of bounded length.
    static func folded(_ name: String) -> String {
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

extension CanonicalName {
    /// Only an email can be one.
    var isAddress: Bool { key.utf8.contains(UInt8(ascii: "@")) }
}
