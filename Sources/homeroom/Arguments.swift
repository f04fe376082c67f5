/// The words of a call, taken one by one.
struct Arguments {
    private var words: [String]

    init(_ words: [String]) {
        self.words = words
    }

    /// Takes `--name VALUE` out of the words; nil when it is not there.
    mutating func option(_ name: String) throws(CommandError) -> String? {
        guard let index = words.firstIndex(of: "--" + name) else { return nil }
        guard index + 1 < words.count else { throw .usage("--\(name) needs a value") }
        defer { words.removeSubrange(index...index + 1) }
        return words[index + 1]
    }

    /// Takes `--name` out of the words.
    mutating func flag(_ name: String) -> Bool {
        guard let index = words.firstIndex(of: "--" + name) else { return false }
        words.remove(at: index)
        return true
    }

    /// The next word; `what` names it where it is missing.
    mutating func next(_ what: String) throws(CommandError) -> String {
        guard let word = words.first else { throw .usage("\(what) is missing") }
        guard !word.hasPrefix("--") else { throw .usage("unknown option \(word)") }
        words.removeFirst()
        return word
    }

    var isEmpty: Bool { words.isEmpty }

    func refuseRest() throws(CommandError) {
        if let word = words.first { throw .usage("unexpected `\(word)`") }
    }
}
