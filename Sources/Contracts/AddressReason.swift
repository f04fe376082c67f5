import HTTP

/// Why a text is no email address, in the words of email-validator 2.4, which Pydantic asks.
func addressReason(_ value: Fields.Value?) -> String {
    guard case .text(let text)? = value else { return notAnAddress }
    let bare = text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
    let halves = String(bare).split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2 else { return "An email address must have an @-sign." }
    return localReason(halves[0]) ?? domainReason(halves[1]) ?? lengthReason(text) ?? notAnAddress
}

private let notAnAddress = "The email address contains an invalid character."

private func localReason(_ local: Substring) -> String? {
    if local.isEmpty { return "There must be something before the @-sign." }
    let strange = local.unicodeScalars.filter { !isAtomic($0, or: "!#$%&'*+-/=?^_`{|}~.") }
    if !strange.isEmpty { return "The email address contains invalid characters before the @-sign: \(list(strange))." }
    if let reason = unsafeReason(local) { return reason }
    if local.hasSuffix(".") { return "An email address cannot have a period immediately before the @-sign." }
    if local.hasPrefix(".") { return "An email address cannot start with a period." }
    if local.contains("..") { return "An email address cannot have two periods in a row." }
    let excess = local.utf8.count - 64
    return excess > 0 ? "The email address is too long before the @-sign \(tooMany(excess))." : nil
}

private func domainReason(_ domain: Substring) -> String? {
    if domain.isEmpty { return "There must be something after the @-sign." }
    let strange = domain.unicodeScalars.filter { !isAtomic($0, or: "-.") }
    if !strange.isEmpty { return "The part after the @-sign contains invalid characters: \(list(strange))." }
    if let reason = unsafeReason(domain) { return reason }
    if domain.hasSuffix(".") { return "An email address cannot end with a period." }
    if domain.hasPrefix(".") { return "An email address cannot have a period immediately after the @-sign." }
    if domain.contains("..") { return "An email address cannot have two periods in a row." }
    if domain.hasSuffix("-") { return "An email address cannot end with a hyphen." }
    if domain.hasPrefix("-") { return "An email address cannot have a hyphen immediately after the @-sign." }
    if domain.contains(".-") || domain.contains("-.") {
        return "An email address cannot have a period and a hyphen next to each other."
    }
    let labels = domain.split(separator: ".")
    if let excess = labels.map({ $0.utf8.count - 63 }).first(where: { $0 > 0 }) {
        return "After the @-sign, periods cannot be separated by so many characters \(tooMany(excess))."
    }
    if labels.count < 2 { return "The part after the @-sign is not valid. It should have a period." }
    if labels.last?.last?.isLetter != true {
        return "The part after the @-sign is not valid. It is not within a valid top-level domain."
    }
    return nil
}

private func lengthReason(_ text: String) -> String? {
    let excess = text.utf8.count - 254
    return excess > 0 ? "The email address is too long \(tooMany(excess))." : nil
}

private func tooMany(_ excess: Int) -> String {
    "(\(excess) character\(excess > 1 ? "s" : "") too many)"
}

/// Control, format and space characters, and a combining mark at the beginning.
private func unsafeReason(_ part: Substring) -> String? {
    let rest = part.unicodeScalars.dropFirst().filter { !isShown($0) && !isMark($0) }
    let unsafe = part.unicodeScalars.prefix(1).filter { !isShown($0) } + rest
    return unsafe.isEmpty ? nil : "The email address contains unsafe characters: \(list(unsafe))."
}

/// Letters, numbers, punctuation and symbols.
private func isShown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .spaceSeparator, .lineSeparator, .paragraphSeparator, .control,
        .format, .surrogate, .privateUse, .unassigned:
        false
    default: true
    }
}

private func isMark(_ scalar: Unicode.Scalar) -> Bool {
    [.nonspacingMark, .spacingMark, .enclosingMark].contains(scalar.properties.generalCategory)
}

private func isAtomic(_ scalar: Unicode.Scalar, or others: String) -> Bool {
    if !scalar.isASCII { return true }
    return scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || others.unicodeScalars.contains(scalar)
}

/// Each once and sorted: `','`, `SPACE`, `U+0000`.
private func list(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    Set(scalars).sorted().map { scalar in
        if scalar == "\\" { return "\"\\\"" }
        if scalar == "'" { return "\"'\"" }
        if isShown(scalar) { return "'\(scalar)'" }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return scalar.properties.name ?? "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }.joined(separator: ", ")
}
