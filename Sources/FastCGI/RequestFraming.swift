import CLinux
import Glibc

/// How much of a request has arrived on a connection, by the framing of its records. It is looked at without being taken:
/// libfcgi, which reads it later, would wait in the middle of a record for a peer that has stopped sending.
package enum RequestFraming: Equatable {
    case nothing
    /// Not all of it.
    case partial
    /// All of it: reading it waits for nobody.
    case whole
    /// Its variables, and more of the body than a socket's buffer is sure to hold.
    case long
    /// Nothing, and the peer will send no more; or what is no request.
    case closed

    /// Bytes that a request may have to be waited for as a whole. A socket's buffer holds more than twice as much.
    /// (unix(7), net.core.wmem_default)
    package static let maxAwaited = 65_536

    /// - Parameter buffer: `maxAwaited` bytes to look into.
    package init(on descriptor: Int32, buffer: UnsafeMutableRawBufferPointer) {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        guard count > 0 else {
            self = count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .closed
            return
        }
        self = RequestFraming(of: UnsafeRawBufferPointer(rebasing: buffer[..<count]), isFull: count == buffer.count)
    }

    /// What has come once a request is there as a whole, or time is up.
    package static func awaited(on descriptor: Int32, until end: ContinuousClock.Instant) -> RequestFraming {
        withUnsafeTemporaryAllocation(byteCount: maxAwaited, alignment: 16) { buffer in
            while true {
                let framing = RequestFraming(on: descriptor, buffer: buffer)
                guard framing == .nothing || framing == .partial, .now < end else { return framing }
                // Not poll(2): it would tell of the part that has come, again and again.
                usleep(2000)
            }
        }
    }

    /// - Parameters:
    ///   - bytes: FastCGI records from the first byte of a request on.
    ///   - isFull: whether more may have arrived than was looked at.
    package init(of bytes: UnsafeRawBufferPointer, isFull: Bool) {
        var start = 0
        var order = RecordOrder()
        var variables = VariableLengths()
        while start + RecordHeader.length <= bytes.count {
            let header = RecordHeader(UnsafeRawBufferPointer(rebasing: bytes[start...]))
            guard order.admit(header) else {
                self = .closed
                return
            }
            let content = start + RecordHeader.length
            let next = start + header.recordLength
            guard next <= bytes.count else { break }
            let part = UnsafeRawBufferPointer(rebasing: bytes[content..<content + header.contentLength])
            let isGood =
                switch header.type {
                // The role of a responder.
                case .beginRequest: part[0] == 0 && part[1] == 1
                case .variables: variables.add(part) && (!order.hasVariables || variables.isComplete)
                default: true
                }
            guard isGood else {
                self = .closed
                return
            }
            if order.isEnded {
                self = .whole
                return
            }
            start = next
        }
        self = !isFull ? .partial : order.hasVariables ? .long : .closed
    }
}

/// What stands before each record. (FastCGI Specification 1.0, §3.3)
struct RecordHeader {
    /// In bytes.
    static let length = 8

    enum Kind: UInt8 {
        case beginRequest = 1
        case variables = 4
        case body = 5
    }

    /// nil for what no web server sends to a responder.
    let type: Kind?
    let id: UInt16
    let contentLength: Int
    let paddingLength: Int

    /// - Parameter bytes: at least eight.
    init(_ bytes: UnsafeRawBufferPointer) {
        type = bytes[0] == 1 ? Kind(rawValue: bytes[1]) : nil
        id = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        contentLength = Int(bytes[4]) << 8 | Int(bytes[5])
        paddingLength = Int(bytes[6])
    }

    /// The header itself included.
    var recordLength: Int { RecordHeader.length + contentLength + paddingLength }
}

/// The records of one request in their order. (FastCGI Specification 1.0, §5 and §8)
///
/// Nothing is admitted but what a web server sends to a responder: libfcgi writes past its buffer for some other records,
/// and gives up the process over lengths that it cannot allocate. (fcgiapp.c ProcessManagementRecord, ReadParams, 2.4.2)
struct RecordOrder {
    private var id: UInt16 = 0
    /// Whether the record that ends the variables was admitted.
    private(set) var hasVariables = false
    /// Whether the record that ends the body, and with it the request, was admitted.
    private(set) var isEnded = false

    mutating func admit(_ header: RecordHeader) -> Bool {
        // libfcgi takes what fills up the first record, or an empty one, for the next one.
        guard header.paddingLength == 0 || (header.type != .beginRequest && header.contentLength > 0) else {
            return false
        }
        switch header.type {
        case .beginRequest:
            guard id == 0, header.id != 0, header.contentLength == 8 else { return false }
            id = header.id
        case .variables:
            guard id != 0, header.id == id, !hasVariables else { return false }
            hasVariables = header.contentLength == 0
        case .body:
            guard header.id == id, hasVariables, !isEnded else { return false }
            isEnded = header.contentLength == 0
        case nil:
            return false
        }
        return true
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
            guard rest <= RequestFraming.maxAwaited else { return false }
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
