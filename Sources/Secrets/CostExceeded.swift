/// A hash of a known form that would take too long to check, or too much memory.
struct CostExceeded: Error {
    /// `pbkdf2: iterations: 20000000 is too much, at most 10000000 is accepted`
    let text: String

    /// Throws where `value` is above `ceiling`.
    static func check(_ value: Int, _ name: String, _ ceiling: Int) throws(CostExceeded) {
        guard value > ceiling else { return }
        throw CostExceeded(text: "\(name): \(value) is too much, at most \(ceiling) is accepted")
    }
}
