/// A field as the client sent it: absent ≠ null ≠ "" ≠ something that is no text.
package enum Entry: Sendable, Equatable {
    case absent, null, notText
    case text(String)
    case flag(Bool)

    /// Without white space around a text.
    package var trimmed: Entry {
        if case .text(let text) = self { .text(text.trimmed) } else { self }
    }
}

extension Entry {
    /// Whether it is this text, byte for byte.
    func isText(_ text: String) -> Bool {
        if case .text(let own) = self { own.utf8.elementsEqual(text.utf8) } else { false }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
