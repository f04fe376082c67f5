import Accounts
import Contracts
import FastCGI
import HTTP

/// A request with the FastCGI connection that it came on. Belongs to one thread at a time, which hands it on to the next.
final class IncomingRequest: @unchecked Sendable {
    let context: RequestContext
    let exchange: Exchange
    /// When there was something of it to take in.
    let begin: ContinuousClock.Instant
    /// How long the database took to find its session.
    var lookupTime = Duration.zero
    /// Its account's share of the pictures in work, where it brings one.
    var picturePermit: AccountPermits.Permit?
    /// Whether its connection waits for the peer, which may still be sending the body.
    var isBlocking = false

    /// - Parameter publicURL: what absolute URLs begin with; nil takes the request's own scheme and host.
    init(_ exchange: Exchange, begin: ContinuousClock.Instant, publicURL: String?, router: Router) {
        self.exchange = exchange
        self.begin = begin
        context = RequestContext(Request(exchange, publicURL: publicURL), router: router)
    }
}
