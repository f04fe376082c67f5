/// What a person may say of themselves, and how long it may be, in characters.
struct Details: Sendable {
    var fullName: String?
    var firstName: String?
    var lastName: String?
    var phone: String?

    static let limits: [(field: Field, most: Int)] = [
        (.fullName, 100), (.firstName, 100), (.lastName, 100), (.phone, 32),
    ]
}
