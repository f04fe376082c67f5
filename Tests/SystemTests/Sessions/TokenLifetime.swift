import Foundation
import JSON
import Testing

/// Seconds between a JWT's `iat` and `exp`.
func lifetime(_ token: String?) throws -> Int64 {
    let parts = try #require(token).split(separator: ".")
    try #require(parts.count == 3)
    var payload = String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")
    while !payload.count.isMultiple(of: 4) { payload += "=" }
    let bytes = try #require(Data(base64Encoded: payload))
    guard case .object(let claims) = try JSON.parse(Array(bytes)), case .integer(let end)? = claims["exp"],
        case .integer(let start)? = claims["iat"]
    else { throw Document.Missing(section: "token", label: "exp, iat") }
    return end - start
}
