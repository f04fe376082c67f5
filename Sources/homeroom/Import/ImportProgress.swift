import Glibc

/// Tells a terminal how far an import is, how quick, and how long it may take: twice a second.
struct ImportProgress {
    /// How much of a whole.
    struct Share {
        let done: Int64
        let of: Int64
    }

    private let begin = ContinuousClock.now
    private var last = ContinuousClock.now
    private let isShown = isatty(STDERR_FILENO) == 1
    private var wasShown = false

    mutating func show(_ count: Int, _ share: Share?) {
        guard isShown, ContinuousClock.now - last > .milliseconds(500) else { return }
        last = ContinuousClock.now
        wasShown = true
        let seconds = (last - begin) / .seconds(1)
        var text = "\r\u{1B}[K\(count) records, \(Int(Double(count) / seconds)) a second"
        if let share, share.done > 0, share.of >= share.done {
            let left = Int(seconds * Double(share.of - share.done) / Double(share.done))
            text += ", \(100 * share.done / max(1, share.of)) %, \(left / 60) min \(left % 60) s left"
        }
        write(STDERR_FILENO, text, text.utf8.count)
    }

    /// Makes room for a line.
    mutating func clear() {
        if wasShown { write(STDERR_FILENO, "\r\u{1B}[K", 4) }
        wasShown = false
    }
}
