import CLinux
import Foundation

/// `homeroom.conf` in the stack's folder: `KEY=value` lines, what every `homeroom … --config` reads.
///
/// Paths and users are made right at each start, because the folder may have moved. Secrets are made once. What
/// else stands in the file stays.
package struct StackSettings: Sendable {
    private var lines: [String]

    /// Reads the folder's file or makes it; what `folder` decides is right afterwards.
    ///
    /// - Parameter publicURL: what links in mails begin with.
    package init(_ folder: Folder, publicURL: String = "http://127.0.0.1:8000") throws(StackError) {
        let isThere = access(folder.settings, F_OK) == 0
        lines = try isThere ? FileSystem.read(folder.settings).split(separator: "\n").map(String.init) : []
        if !isThere { lines = ["# Made by `homeroom dev`, which sets paths and users again at each start."] }

        for own in Self.own(folder, service: 0) { self[own.key] = own.value }
        self["HOMEROOM_SOCKET_GROUP"] = Folder.isRoot ? "www-data" : nil
        self["HOMEROOM_USER"] = Folder.isRoot ? folder.webUser.name : nil
        self["HOMEROOM_MEDIA"] = folder.media
        self["HOMEROOM_MAIL_URL"] = publicURL
        keep("HOMEROOM_MAIL", "file:\(folder.mail)")
        keep("HOMEROOM_DATABASE_NAME", "homeroom")
        keep("HOMEROOM_DATABASE_USER", "homeroom")
        keep("HOMEROOM_DATABASE_PASSWORD", Self.secret(bytes: 16))
        keep("HOMEROOM_DATABASE_OWNER", "homeroom_owner")
        keep("HOMEROOM_DATABASE_OWNER_PASSWORD", Self.secret(bytes: 16))
        keep("HOMEROOM_TOKEN_KEY", Self.secret(bytes: 32))
        try FileSystem.replace(folder.settings, with: lines.joined(separator: "\n") + "\n")
    }

    /// What is each service's own, where there are several: its socket, and the databases in the order in which it uses them.
    static func own(_ folder: Folder, service index: Int) -> [(key: String, value: String)] {
        let sockets = folder.databaseSockets
        let databases = ([sockets[index]] + sockets[..<index] + sockets[(index + 1)...]).joined(separator: ",")
        return [
            ("HOMEROOM_SOCKET", folder.sockets[index]),
            (sockets.count > 1 ? "HOMEROOM_DATABASE_HOST" : "HOMEROOM_DATABASE_SOCKET", databases),
        ]
    }

    /// Whether a key's value follows from the stack, so that nobody's environment may say otherwise.
    package static func isDecided(_ key: String) -> Bool {
        ["SOCKET", "USER", "DATABASE_", "MEDIA", "MAIL_URL", "TOKEN_KEY"].contains { key.hasPrefix("HOMEROOM_" + $0) }
    }

    /// A key's value; setting nil takes its line away.
    package private(set) subscript(key: String) -> String? {
        get { lines.last { Self.key(of: $0) == key }.map { String($0.drop { $0 != "=" }.dropFirst()) } }
        set {
            let place = lines.firstIndex { Self.key(of: $0) == key } ?? lines.count
            lines.removeAll { Self.key(of: $0) == key }
            if let newValue { lines.insert("\(key)=\(newValue)", at: min(place, lines.count)) }
        }
    }

    private mutating func keep(_ key: String, _ value: String) {
        if self[key] == nil { self[key] = value }
    }

    private static func key(of line: String) -> String? {
        guard !line.hasPrefix("#"), let end = line.firstIndex(of: "=") else { return nil }
        return line[..<end].trimmingCharacters(in: .whitespaces)
    }

    private static func secret(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<bytes).map { _ in
            let byte = UInt8.random(in: 0...255, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
