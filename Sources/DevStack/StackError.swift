import Glibc
import System

/// What keeps a part of the development stack from running; `description` names the thing, the value and the way out.
package enum StackError: Error, Equatable {
    /// A program that is not installed.
    case missing(String)
    /// A file of a package that only several databases need.
    case packageMissing(String, file: String)
    /// A system call on a file or socket.
    case system(SystemError)
    /// A socket's path that does not fit into `sun_path`.
    case pathTooLong(String)
    /// A character in the folder's path that MariaDB's or nginx's settings cannot hold.
    case pathUnusable(String)
    /// A folder with things in it that are not ours.
    case folderForeign(String)
    /// A folder that was made with another number of databases.
    case folderOfOthers(String, nodes: Int)
    /// A folder that `user` cannot enter.
    case folderUnreachable(String, user: String)
    /// A folder in which another stack runs; `holder` is what it wrote into the lock file.
    case folderInUse(String, holder: String)
    case portInUse(UInt16, option: String)
    /// A user id without a name.
    case userUnknown(String)
    /// A program that ended when it should have gone on or succeeded. Status: exit code, or 128 + signal.
    case ended(String, status: Int32, output: String)
    /// A program that did not do its work in time.
    case late(String, seconds: Int, output: String)
}

extension StackError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let program):
            "\(program): not found in PATH or /usr/sbin. Install what is needed with: make packages"
        case .packageMissing(let package, let file):
            "\(file): not found. It comes with the package \(package); install what --nodes needs with: make node-packages"
        case .system(let error):
            "\(error.path): \(error.call): \(error.reason)"
        case .pathTooLong(let path):
            """
            \(path): \(path.utf8.count) bytes, a unix socket's path has at most \(SocketAddress.maxPathLength). \
            Choose a shorter folder with: --data DIR
            """
        case .pathUnusable(let path):
            "\(path): has one of \" \\ $ * ? [ or a control character, or with --nodes a comma. Choose another folder with: --data DIR"
        case .folderForeign(let path):
            "\(path): not empty, and not made by `homeroom dev`. Choose another folder with: --data DIR"
        case .folderOfOthers(let path, let nodes):
            "\(path): made with --nodes \(nodes). Start it with that, or choose another folder with: --data DIR"
        case .folderUnreachable(let path, let user):
            "\(path): the user \(user) cannot enter it. Choose another folder with: --data DIR"
        case .folderInUse(let path, let holder):
            "\(path): in use by \(holder). Stop that, or choose another folder with: --data DIR"
        case .portInUse(let port, let option):
            "127.0.0.1:\(port): port in use. Choose another with: \(option) PORT"
        case .userUnknown(let user):
            "\(user): no such user in /etc/passwd, and MariaDB knows users by name"
        case .ended(let program, let status, let output):
            "\(program): ended with status \(status)\(Self.indented(output))"
        case .late(let program, let seconds, let output):
            "\(program): not ready after \(seconds) s\(Self.indented(output))"
        }
    }

    private static func indented(_ output: String) -> String {
        output.split(separator: "\n").map { "\n  " + $0 }.joined()
    }
}
