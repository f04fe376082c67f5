/// A parser that reads strangers' bytes, and what must hold whatever they are.
///
/// To add one: its value in a file beside this one, its name in `all`, and first files in `Tests/Fuzz/Corpus/<name>`.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Throws what does not hold. What must never happen at all, such as a read past the end, may end the process.
    package let check: @Sendable (_ bytes: [UInt8]) throws(Broken) -> Void

    package static let all: [FuzzTarget] = [
        json, multipart, disposition, urlEncoded, cookie, host, mediaType, fields, token, passwordHash, picture, names,
        variables, requests, longTexts,
    ]
}

/// A fact that a target found not to hold.
package struct Broken: Error, CustomStringConvertible {
    package let description: String
}

/// Throws unless it holds.
func require(_ holds: Bool, _ fact: @autoclosure () -> String) throws(Broken) {
    guard holds else { throw Broken(description: fact()) }
}

/// The bytes as Swift gets them from a C string: broken UTF-8 repaired.
func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
}

/// What stands before the first line break, and what behind it.
func firstLine(_ bytes: [UInt8]) -> (line: String, rest: [UInt8]) {
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    return (text(bytes[..<end]), Array(bytes[min(end + 1, bytes.count)...]))
}
