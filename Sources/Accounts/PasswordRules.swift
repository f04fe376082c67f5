/// What a contract asks of a new password. Nothing is ever trimmed or normalised.
package struct PasswordRules: Sendable {
    /// In characters (Unicode scalars, as Python counts them).
    package let shortest: Int
    package let longest: Int?
    package let refusesCommon: Bool
    package let refusesNumeric: Bool
    /// The fields that a password must not resemble, in the order of their check.
    package let dissimilarTo: [Field]

    /// In bytes of UTF-8: bounds the work of hashing.
    static let mostBytes = 1024

    package init(
        shortest: Int, longest: Int? = nil, refusesCommon: Bool = false, refusesNumeric: Bool = false,
        dissimilarTo: [Field] = []
    ) {
        self.shortest = shortest
        self.longest = longest
        self.refusesCommon = refusesCommon
        self.refusesNumeric = refusesNumeric
        self.dissimilarTo = dissimilarTo
    }

    /// All rules that a password breaks, in the order of Django's validators: similarity last, as in document 1.
    func violations(of password: String, username: String?, email: String?) -> [Rule] {
        var rules: [Rule] = []
        guard password.utf8.count <= PasswordRules.mostBytes else {
            // A character has at most four bytes. The rest costs time that grows with the length.
            if let longest, password.utf8.count > 4 * longest { rules.append(.tooLong(longest)) }
            return rules + [.tooManyBytes(PasswordRules.mostBytes)]
        }
        let count = password.unicodeScalars.count
        if count < shortest { rules.append(.tooShort(shortest)) }
        if let longest, count > longest { rules.append(.tooLong(longest)) }
        let lowered = password.lowercased()
        if refusesCommon, CommonPasswords.contains(lowered.trimmed) { rules.append(.common) }
        if refusesNumeric, !password.isEmpty, password.unicodeScalars.allSatisfy(\.isPythonDigit) {
            rules.append(.numeric)
        }
        let attributes: [Field: String] = [.username: username ?? "", .email: email ?? ""]
        if let field = dissimilarTo.first(where: { Similarity.isTooClose(lowered, to: attributes[$0] ?? "") }) {
            rules.append(.similar(to: field))
        }
        return rules
    }
}

extension Unicode.Scalar {
    /// str.isdigit: also ² and ①, but neither ½ nor 八.
    fileprivate var isPythonDigit: Bool {
        switch properties.numericType {
        case .decimal, .digit: true
        case .numeric, nil: false
        @unknown default: false
        }
    }
}

/// The passwords that are guessed first.
enum CommonPasswords {
    /// Whether Django's list holds a password, which must be in lower case.
    static func contains(_ password: String) -> Bool {
        var password = password
        return password.withUTF8 { wanted in
            commonPasswordList.withUTF8Buffer { list in
                guard !wanted.isEmpty, !wanted.contains(UInt8(ascii: "\n")) else { return false }
                var low = 0
                var high = list.count
                // Binary search over the lines: `low` always stands at the beginning of one.
                while low < high {
                    var start = (low + high) / 2
                    while start > low, list[start - 1] != UInt8(ascii: "\n") { start -= 1 }
                    let end = list[start...].firstIndex(of: UInt8(ascii: "\n")) ?? list.count
                    let line = list[start..<end]
                    if line.elementsEqual(wanted) { return true }
                    if line.lexicographicallyPrecedes(wanted) { low = end + 1 } else { high = start }
                }
                return false
            }
        }
    }
}

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
