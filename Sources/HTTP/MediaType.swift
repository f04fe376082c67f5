/// A Content-Type, such as `multipart/form-data; boundary=x` (RFC 9110 §8.3.1).
package struct MediaType: Sendable, Equatable {
    /// Type and subtype in lower case: `application/json`.
    package let essence: String
    private let parameters: [Parameter]

    /// nil when the value begins with no media type. Parameters that are none change nothing: `application/json; utf-8`.
    package init?(_ value: String) {
        let text = Array(value.utf8)
        let type = HeaderText.trimmed(text.prefix { $0 != UInt8(ascii: ";") })
        let halves = type.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy(HeaderText.isToken) else { return nil }
        essence = String(decoding: type, as: UTF8.self).lowercased()
        parameters = Parameter.all(in: text.drop { $0 != UInt8(ascii: ";") }.dropFirst(), .escaped)
    }

    /// The value of the first parameter of that name, which is given in lower case.
    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}
