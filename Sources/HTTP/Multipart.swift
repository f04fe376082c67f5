import Glibc

/// Why a multipart body cannot be read further.
package enum MultipartError<BodyError: Error>: Error {
    /// With the reason in plain words.
    case malformed(String)
    /// The body ended before the closing delimiter.
    case missingEnd
    case tooManyParts
    case headersTooLarge
    /// A text field is longer than the limit it was read with.
    case fieldTooLarge
    /// The body could not be read.
    case body(BodyError)
}

extension MultipartError: Equatable where BodyError: Equatable {}

private let bufferBytes = 64 << 10
private let longestHeaders = 8 << 10
/// Blanks behind a delimiter; RFC 2046 sets no limit, and nobody sends any.
private let longestPadding = 128

/// Reads multipart/form-data part by part, in one buffer of fixed size (RFC 7578, RFC 2046 §5.1.1).
///
///     while let part = try reader.nextPart() {
///         while try reader.nextChunk() {
///             try reader.withChunk { bytes in … }
///         }
///     }
///     try reader.readToEnd()
///
/// After an error only `readToEnd` makes sense.
package struct MultipartReader<BodyError: Error>: ~Copyable {
    /// Reads up to `buffer.count` bytes of the body; 0 at its end.
    package typealias Read = (_ buffer: UnsafeMutableRawBufferPointer) throws(BodyError) -> Int

    private enum State {
        case preamble
        case content
        /// Behind a delimiter, before its CRLF.
        case delimiter
        case epilogue
    }

    private enum Candidate {
        case content
        /// What it is shows only with more of the body.
        case unknown
        case delimiter(length: Int)
        case closingDelimiter(length: Int)
    }

    private let read: Read
    private let delimiter: [UInt8]
    private let maximumParts: Int
    private let buffer: UnsafeMutableRawBufferPointer
    /// What is read and not taken; the present chunk is the first `chunkLength` bytes of it.
    private var unread: Range<Int>
    private var chunkLength = 0
    private var state = State.preamble
    private var parts = 0

    /// Throws `.malformed` when the boundary is not 1 to 200 printable characters of ASCII.
    package init(
        boundary: String, maximumParts: Int = 64, read: @escaping Read
    ) throws(MultipartError<BodyError>) {
        guard Self.isBoundary(boundary) else { throw .malformed("the boundary is not 1 to 200 printable characters") }
        delimiter = [UInt8]("\r\n--\(boundary)".utf8)
        self.maximumParts = maximumParts
        self.read = read
        buffer = .allocate(byteCount: bufferBytes, alignment: 16)
        // The first delimiter may have no line before it: give it the CRLF that all others have.
        buffer.copyBytes(from: "\r\n".utf8)
        unread = 0..<2
    }

    deinit {
        buffer.deallocate()
    }

    /// Goes to the next part, past what is left of the present one; nil behind the last.
    package mutating func nextPart() throws(MultipartError<BodyError>) -> Part? {
        while try advance() {}
        guard state == .delimiter else { return nil }
        guard parts < maximumParts else { throw .tooManyParts }
        parts += 1
        let part = try takeHeaders()
        // RFC 2046 §5.1.1: where there is no content, the line that ends the headers may be the delimiter's.
        if try !takeDelimiter() {
            take(2)
            state = .content
        }
        return part
    }

    /// Goes to the next bytes of the present part's content, which `withChunk` shows; false at its end.
    package mutating func nextChunk() throws(MultipartError<BodyError>) -> Bool {
        guard state == .content else { return false }
        return try advance()
    }

    /// The present chunk, in place: the bytes are only there during the call.
    package func withChunk<Result, Failure>(
        _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try use(UnsafeRawBufferPointer(rebasing: buffer[unread.prefix(chunkLength)]))
    }

    /// The present chunk and the rest of the part as text; throws `.fieldTooLarge` when that has more than `limit` bytes.
    package mutating func text(atMost limit: Int) throws(MultipartError<BodyError>) -> String {
        var bytes: [UInt8] = []
        repeat {
            guard chunkLength <= limit - bytes.count else { throw .fieldTooLarge }
            withChunk { bytes.append(contentsOf: $0) }
        } while try nextChunk()
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("a text field is not UTF-8") }
        return text
    }

    /// Reads and forgets all that is left of the body, wherever the reader stands.
    package mutating func readToEnd() throws(MultipartError<BodyError>) {
        state = .epilogue
        chunkLength = 0
        repeat { take(unread.count) } while try readMore()
    }

    /// Makes a chunk of what stands before the next delimiter; false when nothing does, and the delimiter is taken.
    private mutating func advance() throws(MultipartError<BodyError>) -> Bool {
        guard state == .content || state == .preamble else { return false }
        take(chunkLength)
        chunkLength = lengthBeforeDelimiter()
        while chunkLength == 0 {
            if try takeDelimiter() { return false }
            chunkLength = lengthBeforeDelimiter()
        }
        return true
    }

    /// Bytes that are content for sure: up to a delimiter or what may become one.
    private func lengthBeforeDelimiter() -> Int {
        var position = unread.lowerBound
        while let index = indexOfReturn(from: position) {
            guard case .content = candidate(at: index) else { return index - unread.lowerBound }
            position = index + 1
        }
        return unread.count
    }

    /// Takes a delimiter, but not its CRLF; false, and nothing taken, when something else is next.
    private mutating func takeDelimiter() throws(MultipartError<BodyError>) -> Bool {
        while true {
            switch candidate(at: unread.lowerBound) {
            case .content:
                return false
            case .unknown:
                guard try readMore() else { throw .missingEnd }
            case .delimiter(let length):
                take(length)
                state = .delimiter
                return true
            case .closingDelimiter(let length):
                take(length)
                state = .epilogue
                return true
            }
        }
    }

    /// What begins at the CR at `start`. A line that goes on behind the boundary is content: `--boundaryX`.
    private func candidate(at start: Int) -> Candidate {
        var index = start
        for byte in delimiter {
            guard index < unread.upperBound else { return .unknown }
            guard buffer[index] == byte else { return .content }
            index += 1
        }
        let wordEnd = index
        let paddingEnd = min(wordEnd + longestPadding, unread.upperBound)
        while index < paddingEnd, HeaderText.isBlank(buffer[index]) { index += 1 }

        return switch (byte(at: index), byte(at: index + 1)) {
        case (UInt8(ascii: "\r"), UInt8(ascii: "\n")): .delimiter(length: index - start)
        case (UInt8(ascii: "-"), UInt8(ascii: "-")) where index == wordEnd: .closingDelimiter(length: index + 2 - start)
        case (nil, _), (UInt8(ascii: "\r"), nil), (UInt8(ascii: "-"), nil): .unknown
        default: .content
        }
    }

    /// Takes the lines between a delimiter and a blank line, but not the blank line's CRLF.
    private mutating func takeHeaders() throws(MultipartError<BodyError>) -> Part {
        // The delimiter's CRLF is still there, so that even no lines at all end in CRLF CRLF.
        let longest = 2 + longestHeaders
        var searched = 0
        var length = lengthBeforeBlankLine(from: searched)
        while length == nil {
            searched = max(0, unread.count - 3)
            guard searched <= longest else { throw .headersTooLarge }
            guard try readMore() else { throw .missingEnd }
            length = lengthBeforeBlankLine(from: searched)
        }
        guard let length, length <= longest else { throw .headersTooLarge }

        let lines = UnsafeRawBufferPointer(rebasing: buffer[unread.prefix(length)])
        take(length + 2)
        do throws(MalformedPart) {
            return try Part(headers: lines)
        } catch {
            throw .malformed(error.reason)
        }
    }

    /// nil when no blank line is there yet.
    private func lengthBeforeBlankLine(from searched: Int) -> Int? {
        var position = unread.lowerBound + searched
        while let index = indexOfReturn(from: position) {
            if buffer[index..<unread.upperBound].starts(with: "\r\n\r\n".utf8) { return index - unread.lowerBound }
            position = index + 1
        }
        return nil
    }

    private func indexOfReturn(from position: Int) -> Int? {
        guard position < unread.upperBound, let base = buffer.baseAddress,
            let found = memchr(base + position, 0x0D, unread.upperBound - position)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// nil behind what is read.
    private func byte(at index: Int) -> UInt8? {
        index < unread.upperBound ? buffer[index] : nil
    }

    private mutating func take(_ count: Int) {
        unread = unread.dropFirst(count)
    }

    /// Moves what is unread to the buffer's beginning and reads more behind it; false at the body's end.
    private mutating func readMore() throws(MultipartError<BodyError>) -> Bool {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[unread]))
        let free = UnsafeMutableRawBufferPointer(rebasing: buffer[unread.count...])
        let count: Int
        do throws(BodyError) {
            count = try read(free)
        } catch {
            throw .body(error)
        }
        precondition(0...free.count ~= count, "read gave \(count) bytes for a buffer of \(free.count)")
        unread = 0..<unread.count + count
        return count > 0
    }

    /// More than the 70 characters of RFC 2046 §5.1.1, and others: clients send `====================`, `gL/9oQx`, `*****`.
    private static func isBoundary(_ boundary: String) -> Bool {
        1...200 ~= boundary.utf8.count && boundary.utf8.allSatisfy(HeaderText.isPrintable)
    }
}
