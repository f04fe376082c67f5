/// What a contract asks of a new password. Nothing is ever trimmed or normalised.
package struct PasswordRules: Sendable {
    /// In characters (Unicode scalars, as Python counts them).
    package let shortest: Int
    /// In characters; nil for no limit but that of bytes.
    package let longest: Int?
    /// Whether the passwords that are guessed first are refused.
    package let refusesCommon: Bool
    /// Whether passwords of digits alone are refused.
    package let refusesNumeric: Bool
    /// The fields that a password must not resemble, in the order of their check.
    package let dissimilarTo: [Field]

    /// In bytes of UTF-8: bounds the work of hashing.
    static let maxBytes = 1024

    /// Without arguments only the length counts.
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
        guard password.utf8.count <= PasswordRules.maxBytes else {
            // A character has at most four bytes. The rest costs time that grows with the length.
            if let longest, password.utf8.count > 4 * longest { rules.append(.tooLong(longest)) }
            return rules + [.tooManyBytes(PasswordRules.maxBytes)]
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
