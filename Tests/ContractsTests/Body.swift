import JSON
import TestSupport

/// The body of a request.
enum Body {
    case none
    case json(String)
    case form(String)
    case parts([MultipartForm.Part])
    case other(type: String?, [UInt8])

    static func json(_ json: JSON) -> Body { .other(type: "application/json", json.bytes) }

    var type: String? {
        switch self {
        case .none: nil
        case .json: "application/json"
        case .form: "application/x-www-form-urlencoded"
        case .parts: MultipartForm([]).type
        case .other(let type, _): type
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .none: []
        case .json(let text), .form(let text): Array(text.utf8)
        case .other(_, let bytes): bytes
        case .parts(let parts): MultipartForm(parts).body
        }
    }
}
