import Accounts
import Contracts
import FastCGI
import HTTP

/// A request on its way from the door to whoever answers it, with the connection that it came on.
final class Visit: @unchecked Sendable {
    let exchange: Exchange
    let request: Request
    let destination: Contracts.Destination
    /// What it asks about the service itself, if it does.
    let question: Health.Question?
    /// When there was something of it to take in.
    let begin: ContinuousClock.Instant
    /// What the request shows to say whose it is, where that is looked up beforehand.
    var proof: Proof?
    /// The same with what was found.
    var known: Call.Known?
    /// How long the database took for what is known.
    var lookup = Duration.zero
    /// Its account's share of the pictures in work, where it brings one.
    var picture: AccountPermits.Permit?
    /// Whether it has waited too long for a thread.
    var isLate = false
    /// Whether its connection waits for the peer, which may still be sending the body.
    var isBlocking = false

    init(_ exchange: Exchange, begin: ContinuousClock.Instant, publicURL: String?, contracts: Contracts) {
        self.exchange = exchange
        self.begin = begin
        request = Request(exchange, publicURL: publicURL)
        destination = contracts.destination(of: request)
        question =
            destination.isNowhere
            ? Health.Question(path: request.path, mark: exchange.variable(Health.Question.mark)) : nil
    }
}
