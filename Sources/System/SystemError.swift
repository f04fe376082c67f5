import Glibc

/// A system call that failed.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// `open`, as in the manual.
    package let call: String
    /// The file or program that it was about; empty where it was about none.
    package let path: String
    /// An `errno`.
    package let code: Int32

    package init(_ call: String, _ path: String = "", code: Int32) {
        self.call = call
        self.path = path
        self.code = code
    }

    /// `No such file or directory`.
    package var reason: String { String(cString: strerror(code)) }

    /// `open /srv/media: No such file or directory`.
    package var description: String { "\(call)\(path.isEmpty ? "" : " \(path)"): \(reason)" }
}
