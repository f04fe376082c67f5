import HTTP

/// A language in which contract 6 speaks.
enum Language: String {
    case chinese = "zh"
    case english = "en"

    /// What is looked at of a header, in bytes.
    private static let longest = 1024

    /// The one that `Accept-Language` prefers (RFC 9110 §12.5.4); nil where it names neither, or is longer than anybody's.
    init?(accepted header: String) {
        guard header.utf8.count <= Language.longest else { return nil }
        var best: (language: Language, weight: Double)?
        for range in header.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = range.split(separator: UInt8(ascii: ";")).map { part in
                String(Substring(part.drop(while: { $0 == 0x20 || $0 == 0x09 }))).lowercased()
            }
            guard let tag = parts.first, let language = Language(rawValue: String(tag.prefix { $0.isLetter })) else {
                continue
            }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if weight > best?.weight ?? 0 { best = (language, weight) }
        }
        guard let best else { return nil }
        self = best.language
    }
}
