/// Django's UserAttributeSimilarityValidator. (django/contrib/auth/password_validation.py, 4.2)
enum Similarity {
    private static let limit = 0.7
    /// In bytes. What is longer is no username and no email, and refused as such.
    private static let longestAttribute = 4 * Username.longest

    /// Whether a password, in lower case, resembles an attribute or one of its parts.
    static func isTooClose(_ password: String, to attribute: String) -> Bool {
        guard attribute.utf8.count <= longestAttribute else { return false }
        let attribute = attribute.lowercased()
        // Python's re.split(r"\W+"): parts of letters, digits and underscores.
        let parts = attribute.unicodeScalars.split {
            !($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_")
        }
        let letters = Array(password.unicodeScalars)
        return (parts.map { Array($0) } + [Array(attribute.unicodeScalars)]).contains { part in
            guard !part.isEmpty, !isFarLonger(letters.count, than: part.count) else { return false }
            return quickRatio(letters, part) >= limit
        }
    }

    private static func isFarLonger(_ password: Int, than part: Int) -> Bool {
        password >= 10 * part && Double(part) < limit / 2 * Double(password)
    }

    /// difflib.SequenceMatcher.quick_ratio: letters in common, whatever their order, doubled, to all letters.
    private static func quickRatio(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Double {
        var available: [Unicode.Scalar: Int] = [:]
        for letter in right { available[letter, default: 0] += 1 }
        var matches = 0
        for letter in left {
            guard let count = available[letter], count > 0 else { continue }
            available[letter] = count - 1
            matches += 1
        }
        return 2 * Double(matches) / Double(left.count + right.count)
    }
}
