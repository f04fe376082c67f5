import Glibc

/// Writes all bytes to a descriptor that blocks, again from where a signal interrupted.
///
/// - Parameter path: what the error calls the file.
package func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String = ""
) throws(SystemError) {
    var start = 0
    while start < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let count = write(descriptor, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        // No file takes nothing of something; one that did would keep us for ever.
        guard count > 0 else { throw SystemError("write", path, code: count < 0 ? errno : EIO) }
        start += count
    }
}

/// Writes all bytes to a descriptor that blocks, again from where a signal interrupted.
///
/// - Parameter path: what the error calls the file.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String = "") throws(SystemError) {
    let result = bytes.withUnsafeBytes { bytes in
        Result { () throws(SystemError) in try writeAll(bytes, to: descriptor, path: path) }
    }
    try result.get()
}
