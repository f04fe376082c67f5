import JSON

/// The fields of a body, whichever way they were sent. Absent ≠ null ≠ "" ≠ something else.
package struct Fields: Sendable {
    package enum Value: Sendable, Equatable {
        case null
        case text(String)
        case flag(Bool)
        /// A JSON number, array or object.
        case other(JSON)
        /// A file part, whose content went to the sink; `hasName` is false where a browser had no file chosen.
        case file(hasName: Bool, size: Int)
    }

    /// The ways to send fields.
    package enum Encoding: Sendable {
        case json, form, multipart
        /// The body is the file itself.
        case picture
    }

    package enum Failure: Error, Equatable {
        /// In words for the client: what is wrong with the body.
        case malformed(String)
        /// Why it is not JSON, and after how many characters.
        case notJSON(JSON.ParseError, character: Int)
        /// JSON, but no object.
        case notAnObject
        /// `Content-Type` as sent, or "" without one.
        case unsupportedMediaType(String)
        case tooLarge
        case cutShort
    }

    /// Takes the content of a file part, chunk by chunk.
    package typealias Sink = (UnsafeRawBufferPointer) -> Void

    /// A JSON or urlencoded body, and the text parts of a multipart one, in bytes.
    package static let largestText = 64 << 10
    /// A multipart body or a picture, in bytes: an avatar of 5 MiB with its fields.
    package static let largestMultipart = 6 << 20
    package static let maxFields = 64
    package static let maxDepth = 32

    private var values: [(name: String, value: Value)] = []
    /// Whether there was no body at all.
    package private(set) var isAbsent = true

    package init() {}

    /// What a body of such values would be read as.
    package init(samples: [(name: String, value: JSON)]) {
        isAbsent = false
        values = samples.map { ($0.name, Value($0.value)) }
    }

    /// The last value sent under a name; nil when there is none.
    package subscript(name: String) -> Value? {
        // Byte by byte: as Strings, long names with many marks would take the square of their length.
        values.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The body as a JSON object, to show a client what it sent.
    package var object: JSON.Object {
        JSON.Object(
            values.map { name, value in
                switch value {
                case .null: .init(name: name, value: .null)
                case .text(let text): .init(name: name, value: .string(text))
                case .flag(let flag): .init(name: name, value: .bool(flag))
                case .other(let json): .init(name: name, value: json)
                case .file: .init(name: name, value: .null)
                }
            })
    }

    /// Reads the body of a request. An empty one has no fields, whatever its type.
    ///
    /// - Parameters:
    ///   - isMarkSkipped: whether JSON may have a byte order mark before it.
    ///   - fileField: the field whose content, if it is sent as a part, goes to a sink; that of other files is dropped.
    ///   - makeSink: called for each such part that has content or a name.
    package init(
        of request: Request, accepting encodings: [Encoding], isMarkSkipped: Bool = false, fileField: String? = nil,
        makeSink: () -> Sink? = { nil }
    ) throws(Failure) {
        guard request.contentLength > 0 else { return }
        isAbsent = false
        guard let type = request.contentType, let encoding = Encoding(type), encodings.contains(encoding) else {
            throw .unsupportedMediaType(request.header("content-type") ?? "")
        }
        let limit = [.multipart, .picture].contains(encoding) ? Fields.largestMultipart : Fields.largestText
        guard request.contentLength <= limit else { throw .tooLarge }
        switch encoding {
        case .json: try readJSON(request, isMarkSkipped: isMarkSkipped)
        case .form: try readForm(request)
        case .multipart: try readMultipart(request, boundary: type.parameter("boundary") ?? "", fileField, makeSink)
        case .picture: try readPicture(request, fileField, makeSink)
        }
    }

    private mutating func readJSON(_ request: Request, isMarkSkipped: Bool) throws(Failure) {
        var body = try wholeBody(request)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if isMarkSkipped, body.starts(with: mark) { body.removeFirst(mark.count) }
        let value: JSON
        do throws(JSON.ParseError) {
            value = try JSON.parse(body, maximumDepth: Fields.maxDepth)
        } catch {
            let before = String(decoding: body[..<error.offset], as: UTF8.self)
            throw .notJSON(error, character: before.unicodeScalars.count)
        }
        guard case .object(let object) = value else { throw .notAnObject }
        values = object.members.map { ($0.name, Value($0.value)) }
    }

    private mutating func readForm(_ request: Request) throws(Failure) {
        let body = try wholeBody(request)
        do throws(URLEncodedError) {
            values = try URLEncoded.fields(in: body.span, atMost: Fields.maxFields).map { ($0.name, .text($0.value)) }
        } catch {
            let reason =
                switch error {
                case .tooManyFields: "more than \(Fields.maxFields) fields"
                case .notUTF8: "a field is not UTF-8"
                }
            throw .malformed("Form parse error - \(reason)")
        }
    }

    private mutating func readMultipart(
        _ request: Request, boundary: String, _ fileField: String?, _ makeSink: () -> Sink?
    ) throws(Failure) {
        do throws(MultipartError<BodyCutShort>) {
            var reader = try MultipartReader(boundary: boundary, maximumParts: Fields.maxFields, read: request.read)
            var left = Fields.largestText
            while let part = try reader.nextPart() {
                let isFileField = fileField.map { $0.utf8.elementsEqual(part.name.utf8) } ?? false
                var hasMore = try reader.nextChunk()
                // Some clients give a file no name at all.
                guard part.filename != .absent || isFileField && hasMore else {
                    let text = try reader.text(atMost: left)
                    left -= text.utf8.count
                    values.append((part.name, .text(text)))
                    continue
                }
                // A part with neither name nor content is what a browser sends for "no file chosen".
                var size = 0
                let sink = isFileField && (hasMore || part.filename == .given) ? makeSink() : nil
                while hasMore {
                    reader.withChunk { chunk in
                        size += chunk.count
                        sink?(chunk)
                    }
                    hasMore = try reader.nextChunk()
                }
                values.append((part.name, .file(hasName: part.filename == .given, size: size)))
            }
            try reader.readToEnd()
        } catch {
            throw Failure(error)
        }
    }

    private mutating func readPicture(
        _ request: Request, _ fileField: String?, _ makeSink: () -> Sink?
    ) throws(Failure) {
        guard let fileField, let sink = makeSink() else { return }
        var size = 0
        let isWhole = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while size < request.contentLength {
                guard let count = try? request.read(buffer), count > 0 else { return false }
                sink(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                size += count
            }
            return true
        }
        guard isWhole else { throw .cutShort }
        values.append((fileField, .file(hasName: true, size: size)))
    }

    private func wholeBody(_ request: Request) throws(Failure) -> [UInt8] {
        var isCutShort = false
        let body = [UInt8](unsafeUninitializedCapacity: request.contentLength) { buffer, count in
            while count < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...]))
                do throws(BodyCutShort) {
                    let read = try request.read(rest)
                    if read == 0 { break }
                    count += read
                } catch {
                    isCutShort = true
                    break
                }
            }
        }
        if isCutShort || body.count < request.contentLength { throw .cutShort }
        return body
    }
}

extension Fields.Value {
    fileprivate init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .flag(flag)
        case .string(let text): self = .text(text)
        case .integer, .double, .array, .object: self = .other(json)
        }
    }
}

extension Fields.Encoding {
    fileprivate init?(_ type: MediaType) {
        switch type.essence {
        case "application/json": self = .json
        case "application/x-www-form-urlencoded": self = .form
        case "multipart/form-data": self = .multipart
        default:
            // Which picture it is is told by its content.
            guard type.essence.hasPrefix("image/") else { return nil }
            self = .picture
        }
    }
}

extension Fields.Failure {
    fileprivate init(_ error: MultipartError<BodyCutShort>) {
        let reason: String
        switch error {
        case .malformed(let text): reason = text
        case .missingEnd: reason = "the closing boundary is missing"
        case .tooManyParts: reason = "more than \(Fields.maxFields) fields"
        case .headersTooLarge: reason = "a part's headers are too large"
        case .fieldTooLarge:
            self = .tooLarge
            return
        case .body:
            self = .cutShort
            return
        }
        self = .malformed("Multipart form parse error - \(reason)")
    }
}
