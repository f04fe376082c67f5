import CLinux
import Glibc
import Synchronization

/// Detects password spraying: a source that fails to sign in with many accounts, too seldom with each to lock it. Counts in
/// this process alone, in bounded memory.
final class FailedLoginSources: Sendable {
    /// Different accounts or names within the window that are reported, once a window.
    static let maxSubjects = 10
    /// Seconds.
    static let window: Int64 = 900
    /// Sources that are remembered; the one that began first is forgotten for one more.
    private static let capacity = 4096

    private struct Failures {
        let start: Instant
        var subjects: Set<[UInt8]> = []
    }

    private let sources = Mutex<[String: Failures]>([:])

    /// Counts a failure; true when its source is to be reported.
    func count(_ source: String, _ subject: [UInt8], now: Instant) -> Bool {
        sources.withLock { sources in
            var failures = sources[source] ?? Failures(start: now)
            if now >= failures.start + FailedLoginSources.window || failures.start > now {
                failures = Failures(start: now)
            }
            let isOver = failures.subjects.count >= FailedLoginSources.maxSubjects
            if !isOver { failures.subjects.insert(subject) }
            if sources[source] == nil, sources.count >= FailedLoginSources.capacity,
                let oldest = sources.min(by: { $0.value.start < $1.value.start })
            {
                sources[oldest.key] = nil
            }
            sources[source] = failures
            return !isOver && failures.subjects.count >= FailedLoginSources.maxSubjects
        }
    }

    /// The source that an address belongs to: an IPv4 address, or the first 64 bits of an IPv6 address, of which one client
    /// has all: `2001:db8:1:2::/64`. An address of neither kind stands for itself.
    static func source(of address: String) -> String {
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
        return withUnsafeMutableBytes(of: &bytes) { bytes in
            // ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2)
            if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
                return bytes.dropFirst(12).map(String.init).joined(separator: ".")
            }
            for index in 8..<16 { bytes[index] = 0 }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard inet_ntop(AF_INET6, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return address }
            let end = text.firstIndex(of: 0) ?? text.endIndex
            return String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/64"
        }
    }
}

extension Accounts {
    /// Notes a failed login for its source.
    func noteFailure(of subject: LoginSubject) {
        guard case .client(let address) = actor else { return }
        let source = FailedLoginSources.source(of: address)
        if dependencies.failedSources.count(source, subject.digest, now: now) {
            dependencies.report(.manyFailedLogins(source: source))
        }
    }
}
