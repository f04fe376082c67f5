import JSON

/// The body of a request.
enum Body {
    case none
    case json(String)
    case form(String)
    case parts([Part])
    case other(type: String?, [UInt8])

    struct Part {
        let name: String
        /// nil for a text field.
        var filename: String?
        let content: [UInt8]

        static func text(_ name: String, _ text: String) -> Part { Part(name: name, content: Array(text.utf8)) }
        static func file(_ name: String, _ filename: String, _ content: [UInt8]) -> Part {
            Part(name: name, filename: filename, content: content)
        }
    }

    static func json(_ json: JSON) -> Body { .other(type: "application/json", json.bytes) }

    var type: String? {
        switch self {
        case .none: nil
        case .json: "application/json"
        case .form: "application/x-www-form-urlencoded"
        case .parts: "multipart/form-data; boundary=limit"
        case .other(let type, _): type
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .none: []
        case .json(let text), .form(let text): Array(text.utf8)
        case .other(_, let bytes): bytes
        case .parts(let parts):
            parts.flatMap { part in
                let file = part.filename.map { "; filename=\"\($0)\"\r\nContent-Type: application/octet-stream" } ?? ""
                let head = "--limit\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(file)\r\n\r\n"
                return Array(head.utf8) + part.content + Array("\r\n".utf8)
            } + Array("--limit--\r\n".utf8)
        }
    }
}
