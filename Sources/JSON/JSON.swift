/// A JSON value whose objects keep their members in the order they were written.
package enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits; `-0` is 0.
    case integer(Int64)
    /// Any other number. One that is not finite is written as `null`.
    case double(Double)
    case string(String)
    case array([JSON])
    case object(Object)

    /// The members of an object: in order, repeated names included.
    package struct Object: Sendable, Equatable {
        package var members: [Member]

        package init(_ members: [Member] = []) {
            self.members = members
        }

        /// The value of the last member of that name; nil when there is none.
        ///
        /// Names are compared byte by byte: as Strings, `K` would also find the kelvin sign.
        package subscript(name: String) -> JSON? {
            members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
    }

    /// One name and value of an object.
    package struct Member: Sendable, Equatable {
        package let name: String
        package let value: JSON

        package init(name: String, value: JSON) {
            self.name = name
            self.value = value
        }
    }
}

extension JSON.Object: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(elements.map { JSON.Member(name: $0, value: $1) })
    }
}

extension JSON: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Object(elements.map { Member(name: $0, value: $1) }))
    }
}

extension JSON: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: JSON...) {
        self = .array(elements)
    }
}

extension JSON: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) {
        self = .string(value)
    }
}

extension JSON: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) {
        self = .integer(value)
    }
}

extension JSON: ExpressibleByFloatLiteral {
    package init(floatLiteral value: Double) {
        self = .double(value)
    }
}

extension JSON: ExpressibleByBooleanLiteral {
    package init(booleanLiteral value: Bool) {
        self = .bool(value)
    }
}

extension JSON: ExpressibleByNilLiteral {
    package init(nilLiteral: ()) {
        self = .null
    }
}
