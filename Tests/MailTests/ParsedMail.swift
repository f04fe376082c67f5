import DevStack

/// A message as Python's email module reads it, which knows the standards better than we do.
struct ParsedMail {
    /// What Python finds against the standards.
    let defects: String
    let headers: [String: String]
    /// `text/plain` and `text/html`, in their order.
    let types: [String]
    let charsets: [String]
    let encodings: [String]
    let contents: [String]

    private static let script = #"""
        import sys, email, email.policy
        mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
        parts = [part for part in mail.walk() if not part.is_multipart()]
        defects = [defect for part in mail.walk() for defect in part.defects]
        defects += [defect for value in mail.values() for defect in value.defects]
        fields = [
            [str(defects) if defects else ""],
            [text for name, value in mail.items() for text in (name, str(value))],
            [part.get_content_type() for part in parts],
            [part.get_content_charset() for part in parts],
            [part["Content-Transfer-Encoding"] for part in parts],
            [part.get_content() for part in parts],
        ]
        sys.stdout.buffer.write("\x1e".join("\x1f".join(field) for field in fields).encode())
        """#

    init(_ message: [UInt8]) throws {
        let python = try Program("/usr/bin/python3", ["-c", Self.script])
        let fields = try python.output(input: String(decoding: message, as: UTF8.self))
            .split(separator: "\u{1e}", omittingEmptySubsequences: false)
            .map { $0.split(separator: "\u{1f}", omittingEmptySubsequences: false).map(String.init) }
        defects = fields[0][0]
        let pairs = stride(from: 0, to: fields[1].count - 1, by: 2).map { (fields[1][$0], fields[1][$0 + 1]) }
        headers = Dictionary(pairs) { $0 + "\n" + $1 }
        types = fields[2]
        charsets = fields[3]
        encodings = fields[4]
        contents = fields[5]
    }
}
