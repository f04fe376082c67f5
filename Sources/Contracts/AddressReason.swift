import HTTP

/// Why a text is no email address, in the words of email-validator 2.4, which Pydantic asks.
///
/// Letter by letter as Unicode's scalars, each looked at a few times: what Swift takes for one letter can be all of the
/// text, and to compare two such takes the square of their length.
func addressReason(_ value: Fields.Value?) -> String {
    guard case .text(let text)? = value else { return notAnAddress }
    // Beyond that nobody wants to know more than the length.
    if text.utf8.count > 8 * 254 { return lengthReason(text) ?? notAnAddress }
    let scalars = text.unicodeScalars.drop(while: \.properties.isWhitespace)
    guard let end = scalars.lastIndex(where: { !$0.properties.isWhitespace }),
        case let halves = scalars[...end].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false),
        halves.count == 2
    else { return "An email address must have an @-sign." }
    return localReason(Array(halves[0])) ?? domainReason(Array(halves[1])) ?? lengthReason(text) ?? notAnAddress
}

private let notAnAddress = "The email address contains an invalid character."

private func localReason(_ local: [Unicode.Scalar]) -> String? {
    if local.isEmpty { return "There must be something before the @-sign." }
    let strange = local.filter { !isAtomic($0, or: "!#$%&'*+-/=?^_`{|}~.") }
    if !strange.isEmpty { return "The email address contains invalid characters before the @-sign: \(list(strange))." }
    if let reason = unsafeReason(local) { return reason }
    if local.last == "." { return "An email address cannot have a period immediately before the @-sign." }
    if local.first == "." { return "An email address cannot start with a period." }
    if local.holds("..") { return "An email address cannot have two periods in a row." }
    let excess = bytes(local[...]) - 64
    return excess > 0 ? "The email address is too long before the @-sign \(tooMany(excess))." : nil
}

private func domainReason(_ domain: [Unicode.Scalar]) -> String? {
    if domain.isEmpty { return "There must be something after the @-sign." }
    let strange = domain.filter { !isAtomic($0, or: "-.") }
    if !strange.isEmpty { return "The part after the @-sign contains invalid characters: \(list(strange))." }
    if let reason = unsafeReason(domain) { return reason }
    if domain.last == "." { return "An email address cannot end with a period." }
    if domain.first == "." { return "An email address cannot have a period immediately after the @-sign." }
    if domain.holds("..") { return "An email address cannot have two periods in a row." }
    if domain.last == "-" { return "An email address cannot end with a hyphen." }
    if domain.first == "-" { return "An email address cannot have a hyphen immediately after the @-sign." }
    if domain.holds(".-") || domain.holds("-.") {
        return "An email address cannot have a period and a hyphen next to each other."
    }
    let labels = domain.split(separator: ".")
    if let excess = labels.map({ bytes($0) - 63 }).first(where: { $0 > 0 }) {
        return "After the @-sign, periods cannot be separated by so many characters \(tooMany(excess))."
    }
    if labels.count < 2 { return "The part after the @-sign is not valid. It should have a period." }
    if labels.last?.last?.properties.isAlphabetic != true {
        return "The part after the @-sign is not valid. It is not within a valid top-level domain."
    }
    return nil
}

private func lengthReason(_ text: String) -> String? {
    let excess = text.utf8.count - 254
    return excess > 0 ? "The email address is too long \(tooMany(excess))." : nil
}

/// In UTF-8.
private func bytes(_ scalars: ArraySlice<Unicode.Scalar>) -> Int {
    scalars.reduce(0) { $0 + UTF8.width($1) }
}

extension [Unicode.Scalar] {
    /// Whether these two stand side by side.
    fileprivate func holds(_ pair: String) -> Bool {
        zip(self, dropFirst()).contains { pair.unicodeScalars.elementsEqual([$0, $1]) }
    }
}

private func tooMany(_ excess: Int) -> String {
    "(\(excess) character\(excess > 1 ? "s" : "") too many)"
}

/// Control, format and space characters, and a combining mark at the beginning.
private func unsafeReason(_ part: [Unicode.Scalar]) -> String? {
    let rest = part.dropFirst().filter { !isShown($0) && !isMark($0) }
    let unsafe = part.prefix(1).filter { !isShown($0) } + rest
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
