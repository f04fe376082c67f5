import HTTP

extension FuzzTarget {
    /// A Cookie header.
    static let cookie = FuzzTarget(name: "cookie") { bytes throws(Broken) in
        let values = Cookie.values(named: "sessionid", in: text(bytes))

        try require(values.count <= Cookie.most, "\(values.count) values")
        let length = values.reduce(0) { $0 + "sessionid=".utf8.count + $1.utf8.count }
        try require(length <= text(bytes).utf8.count, "the values are longer than all")
        let written = values.compactMap { Cookie(name: "sessionid", value: $0)?.header }
        try require(written.count == values.count, "a value is none that a cookie can have")
        let quoted = values.map { "sessionid=\"\($0)\"" }.joined(separator: ";")
        try require(Cookie.values(named: "sessionid", in: quoted) == values, "in quotes they are read as others")
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
