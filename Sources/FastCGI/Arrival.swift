import Glibc

/// How much of a request has arrived on a connection. It is looked at without being taken: libfcgi, which reads it later,
/// would wait in the middle of a record for a peer that has stopped sending.
package enum Arrival: Equatable {
    case nothing
    /// Not all of it.
    case partial
    /// All of it: reading it waits for nobody.
    case whole
    /// Its variables, and as much of the body as is worth waiting for.
    case long
    /// Nothing, and the peer will send no more; or what is no request.
    case closed

    /// Bytes that a request may have to be waited for as a whole. A socket's buffer holds more than twice as much.
    /// (unix(7), net.core.wmem_default)
    package static let mostAwaited = 65_536

    private static let headerLength = 8

    /// - Parameter buffer: `mostAwaited` bytes to look into.
    package init(on descriptor: Int32, buffer: UnsafeMutableRawBufferPointer) {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        guard count > 0 else {
            self = count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .closed
            return
        }
        self = Arrival(of: UnsafeRawBufferPointer(rebasing: buffer[..<count]), isFull: count == buffer.count)
    }

    /// Takes nothing but what a web server sends to a responder: libfcgi writes past its buffer for some other records,
    /// and gives up the process over lengths that it cannot allocate. (fcgiapp.c ProcessManagementRecord, ReadParams, 2.4.2)
    ///
    /// - Parameters:
    ///   - bytes: FastCGI records from the first byte of a request on.
    ///   - isFull: whether more may have arrived than was looked at.
    package init(of bytes: UnsafeRawBufferPointer, isFull: Bool) {
        var start = 0
        var id: UInt16 = 0
        var variables = VariableLengths()
        var hasVariables = false
        // FastCGI Specification 1.0, §3.3, §5 and §8.
        while start + Arrival.headerLength <= bytes.count {
            let type = bytes[start + 1]
            let record = UInt16(bytes[start + 2]) << 8 | UInt16(bytes[start + 3])
            let length = Int(bytes[start + 4]) << 8 | Int(bytes[start + 5])
            let content = start + Arrival.headerLength
            let next = content + length + Int(bytes[start + 6])
            // libfcgi does not skip what fills up the first record.
            let isExpected =
                start == 0 ? type == 1 && record != 0 && next == 16 : record == id && (type == 4 || type == 5)
            guard bytes[start] == 1, isExpected else {
                self = .closed
                return
            }
            guard next <= bytes.count else { break }
            switch type {
            case 1:
                id = record
                // The role of a responder.
                guard bytes[content] == 0, bytes[content + 1] == 1 else {
                    self = .closed
                    return
                }
            case 4 where !hasVariables:
                hasVariables = length == 0
                let part = UnsafeRawBufferPointer(rebasing: bytes[content..<content + length])
                guard variables.add(part), !hasVariables || variables.isComplete else {
                    self = .closed
                    return
                }
            case 5 where hasVariables:
                guard length > 0 else {
                    self = .whole
                    return
                }
            default:
                self = .closed
                return
            }
            start = next
        }
        self = !isFull ? .partial : hasVariables ? .long : .closed
    }
}

/// The lengths of variables, which may be spread over records. (FastCGI Specification 1.0, §3.4)
private struct VariableLengths {
    /// Bytes of the present name and value that are still to come.
    private var rest = 0
    /// The length of a name whose value's length is still to come.
    private var name: Int?
    /// A length of four bytes, as far as it has come.
    private var pending = 0
    private var pendingBytes = 0

    /// Whether it ends with a variable.
    var isComplete: Bool { rest == 0 && name == nil && pendingBytes == 0 }

    /// False when a variable is longer than any that is waited for.
    mutating func add(_ part: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < part.count {
            if rest > 0 {
                let step = min(rest, part.count - index)
                rest -= step
                index += step
                continue
            }
            let byte = Int(part[index])
            index += 1
            if pendingBytes == 0, byte < 0x80 {
                take(byte)
            } else {
                pending = pendingBytes == 0 ? byte & 0x7F : pending << 8 | byte
                pendingBytes += 1
                guard pendingBytes == 4 else { continue }
                pendingBytes = 0
                take(pending)
            }
            guard rest <= Arrival.mostAwaited else { return false }
        }
        return true
    }

    private mutating func take(_ length: Int) {
        guard let name else {
            name = length
            return
        }
        rest = name + length
        self.name = nil
    }
}
