/// A multipart/form-data body as browsers send it. (RFC 7578)
package struct MultipartForm: Sendable {
    package enum Part: Sendable {
        case text(String, String)
        case file(String, name: String, [UInt8])
    }

    package let body: [UInt8]
    package let type: String

    package init(_ parts: [Part], boundary: String = "----homeroom-7MA4YWxkTrZu0gW") {
        var body: [UInt8] = []
        for part in parts {
            body += "--\(boundary)\r\n".utf8
            switch part {
            case .text(let name, let value):
                body += "Content-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
            case .file(let name, let filename, let content):
                body += "Content-Disposition: form-data; name=\"\(name)\"; filename=\"\(filename)\"\r\n".utf8
                body += "Content-Type: application/octet-stream\r\n\r\n".utf8
                body += content
                body += "\r\n".utf8
            }
        }
        self.body = body + Array("--\(boundary)--\r\n".utf8)
        type = "multipart/form-data; boundary=\(boundary)"
    }
}
