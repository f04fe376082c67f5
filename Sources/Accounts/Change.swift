/// What becomes of a value that an account may have.
enum Change<Value: Sendable>: Sendable {
    /// It stays as it is.
    case keep
    /// The account has none afterwards.
    case clear
    case set(Value)

    var isKeep: Bool {
        if case .keep = self { true } else { false }
    }

    /// The new value; nil where it is cleared, and where it stays.
    var newValue: Value? {
        if case .set(let value) = self { value } else { nil }
    }

    /// The value after the change of one that was `old`.
    func applied(to old: Value?) -> Value? { isKeep ? old : newValue }
}
