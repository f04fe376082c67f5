import Glibc

/// The bytes of a file as UTF-8, read a piece at a time; what was read is wiped.
final class TextReader {
    /// Bytes of the file that were read so far.
    private(set) var position: Int64 = 0
    /// Of the file; nil where it is none, such as a pipe.
    let size: Int64?
    private let path: String
    private let descriptor: Int32
    private var converter: iconv_t?
    private let encoding: String
    private var raw: [UInt8] = []
    private var isAtEnd = false
    private var chunk: [UInt8] = []
    private var index = 0

    private static let chunkBytes = 65_536

    /// - Parameters:
    ///   - path: of the file; `-` is standard input.
    ///   - encoding: as iconv names it. nil takes the bytes as they are.
    init(_ path: String, encoding: String?) throws(CommandError) {
        self.path = path
        self.encoding = encoding ?? ""
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .refused("\(path): \(String(cString: strerror(errno)))") }
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isFile ? Int64(status.st_size) : nil
        if status.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw .refused("\(path): is a folder. Give a file")
        }
        guard let encoding else { return }
        let converter = iconv_open("UTF-8", encoding)
        guard converter != iconv_t(bitPattern: -1) else {
            close(descriptor)
            throw .usage("--encoding \(encoding): no such encoding. There are utf-8, gb18030, gbk, utf-16 and others")
        }
        self.converter = converter
    }

    deinit {
        for index in chunk.indices { chunk[index] = 0 }
        for index in raw.indices { raw[index] = 0 }
        if let converter { iconv_close(converter) }
        close(descriptor)
    }

    /// The next byte; nil at the end.
    func next() throws(CommandError) -> UInt8? {
        if index == chunk.count {
            try refill()
            if index == chunk.count { return nil }
        }
        defer { index += 1 }
        return chunk[index]
    }

    /// Up to 64 KiB that come next, without taking them.
    func peek() throws(CommandError) -> ArraySlice<UInt8> {
        if index == chunk.count { try refill() }
        return chunk[index...]
    }

    func skip(_ count: Int) { index += count }

    /// The next line without its end; nil behind the last. Of one that is longer than `max` only the beginning is kept.
    func nextLine(max: Int) throws(CommandError) -> (bytes: [UInt8], isTooLong: Bool)? {
        var line: [UInt8] = []
        var isTooLong = false
        var isThere = false
        while case let piece = try peek(), !piece.isEmpty {
            isThere = true
            let end = piece.firstIndex(of: 0x0A)
            let part = piece[..<(end ?? piece.endIndex)]
            if line.count + part.count <= max { line += part } else { isTooLong = true }
            skip(part.count + (end == nil ? 0 : 1))
            if end != nil { break }
        }
        return isThere ? (line, isTooLong) : nil
    }

    private func refill() throws(CommandError) {
        for index in chunk.indices { chunk[index] = 0 }
        index = 0
        chunk.removeAll(keepingCapacity: true)
        while chunk.isEmpty, !isAtEnd {
            var new = [UInt8](repeating: 0, count: TextReader.chunkBytes)
            let count = read(descriptor, &new, new.count)
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw .refused("\(path): \(String(cString: strerror(errno)))")
            }
            isAtEnd = count == 0
            position += Int64(count)
            guard let converter else {
                chunk = Array(new[..<count])
                continue
            }
            raw += new[..<count]
            try convert(with: converter)
        }
    }

    private func convert(with converter: iconv_t) throws(CommandError) {
        var output = [UInt8](repeating: 0, count: 4 * raw.count + 16)
        var (inputLeft, outputLeft) = (raw.count, output.count)
        let result = raw.withUnsafeMutableBytes { input in
            output.withUnsafeMutableBytes { out in
                var from = input.baseAddress?.assumingMemoryBound(to: CChar.self)
                var to = out.baseAddress?.assumingMemoryBound(to: CChar.self)
                return iconv(converter, &from, &inputLeft, &to, &outputLeft)
            }
        }
        // EINVAL: a character that is not there as a whole yet.
        if result == -1, errno != EINVAL || isAtEnd {
            let place = position - Int64(inputLeft)
            let wayOut =
                encoding.uppercased() == "UTF-8"
                ? "Save it as CSV UTF-8, or say what it is: --encoding gb18030 for GBK and GB2312, as Excel in China writes"
                : "Say with --encoding what it is"
            throw .refused("\(path): no \(encoding) at byte \(place). \(wayOut)")
        }
        for index in 0..<(raw.count - inputLeft) { raw[index] = 0 }
        raw.removeFirst(raw.count - inputLeft)
        chunk = Array(output[..<(output.count - outputLeft)])
        for index in output.indices { output[index] = 0 }
        if let zero = chunk.firstIndex(of: 0) {
            throw .refused(
                "\(path): has a NUL byte near byte \(position - Int64(chunk.count - zero)): it is no text, or UTF-16. "
                    + "Save it as CSV UTF-8, or say --encoding utf-16")
        }
    }
}
