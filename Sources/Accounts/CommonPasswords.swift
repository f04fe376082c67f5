/// The passwords that are guessed first.
enum CommonPasswords {
    /// Whether Django's list holds a password, which must be in lower case.
    static func contains(_ password: String) -> Bool {
        var password = password
        return password.withUTF8 { wanted in
            commonPasswordList.withUTF8Buffer { list in
                guard !wanted.isEmpty, !wanted.contains(UInt8(ascii: "\n")) else { return false }
                var low = 0
                var high = list.count
                // Binary search over the lines: `low` always stands at the beginning of one.
                while low < high {
                    var start = (low + high) / 2
                    while start > low, list[start - 1] != UInt8(ascii: "\n") { start -= 1 }
                    let end = list[start...].firstIndex(of: UInt8(ascii: "\n")) ?? list.count
                    let line = list[start..<end]
                    if line.elementsEqual(wanted) { return true }
                    if line.lexicographicallyPrecedes(wanted) { low = end + 1 } else { high = start }
                }
                return false
            }
        }
    }
}
