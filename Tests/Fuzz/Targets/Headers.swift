import HTTP

extension FuzzTarget {
    /// A Cookie header.
    static let cookie = FuzzTarget(name: "cookie") { bytes throws(Broken) in
        guard let value = Cookie.value(named: "sessionid", in: text(bytes)) else { return }

        try require(
            value.utf8.count + "sessionid=".utf8.count <= text(bytes).utf8.count, "the value is longer than all")
        let again = Cookie.value(named: "sessionid", in: "a=1; sessionid=\"\(value)\"")
        try require(again.map { Array($0.utf8) } == Array(value.utf8), "the same value in quotes is read as another")
    }

    /// A Host.
    static let host = FuzzTarget(name: "host") { bytes throws(Broken) in
        let host = text(bytes)
        guard Host.isValid(host) else { return }

        try require(host.utf8.count <= 260, "a host of \(host.utf8.count) bytes")
        let others = host.utf8.filter { byte in
            !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || "-._:[]".utf8.contains(byte))
        }
        try require(others.isEmpty, "\(others) stand in it")
    }

    /// A Content-Type.
    static let mediaType = FuzzTarget(name: "mediatype") { bytes throws(Broken) in
        guard let type = MediaType(text(bytes)) else { return }

        try require(type.essence.utf8.count <= text(bytes).utf8.count, "the type is longer than all")
        try require(type.essence.split(separator: "/").count == 2, "the type has not two halves")
        try require(MediaType(type.essence)?.essence == type.essence, "the type in lower case is another")
        guard let boundary = type.parameter("boundary") else { return }
        let escaped = boundary.unicodeScalars.map { "\"\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let again = MediaType("\(type.essence);boundary=\"\(escaped)\"")?.parameter("boundary")
        try require(again == boundary, "the same boundary in quotes is read as another")
    }
}
