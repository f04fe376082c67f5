import Database
import Glibc
import Secrets

/// Everything a person or an operator can do with accounts; knows neither HTTP nor JSON.
///
/// Each thread has its own, for it owns a database connection. Each thing one can do is a file: `Registration`, `SignIn`,
/// `Renewal`, `Profile`, `PasswordChange`, `Administration`.
package final class Accounts {
    let database: Connection
    let dependencies: Dependencies
    var counted = Usage()
    /// What number the next account of an import will have, if nobody registers meanwhile; nil before the first batch.
    var expectedID: UInt64?
    /// Who makes the calls that follow, for the log. Set before each request.
    package var actor = Actor.unknown

    /// What all threads share.
    package struct Dependencies: Sendable {
        /// What the operator has set.
        package let settings: Settings
        /// Signs and verifies the tokens.
        package let signer: TokenSigner
        /// Where tokens, salts and ids come from.
        package let random: RandomSource
        /// The avatars' files.
        package let media: MediaStore
        /// How many passwords may be hashed at a time, and apart from that how many pictures decoded: a picture that takes
        /// long holds up no sign-in.
        package let hashing: SharedSemaphore
        /// How many pictures may be decoded at a time.
        package let pictures: SharedSemaphore
        /// The clock.
        package let now: @Sendable () -> Instant
        /// Waits so long, for a database that is away.
        let pause: @Sendable (Duration) -> Void
        /// Writes to the log; called on any thread.
        package let report: @Sendable (SecurityEvent) -> Void
        let passwordForms = PasswordForms()
        let failedSources = FailedLoginSources()

        package init(
            settings: Settings, signer: TokenSigner, random: RandomSource, media: MediaStore, hashing: SharedSemaphore,
            pictures: SharedSemaphore, now: @escaping @Sendable () -> Instant,
            pause: @escaping @Sendable (Duration) -> Void = { usleep(UInt32($0 / .microseconds(1))) },
            report: @escaping @Sendable (SecurityEvent) -> Void
        ) {
            self.settings = settings
            self.signer = signer
            self.random = random
            self.media = media
            self.hashing = hashing
            self.pictures = pictures
            self.now = now
            self.pause = pause
            self.report = report
        }
    }

    /// Accounts of one database, over a connection that nobody else uses.
    package init(database: Connection, dependencies: Dependencies) {
        self.database = database
        self.dependencies = dependencies
    }

    /// The present time by the clock of the dependencies.
    package var now: Instant { dependencies.now() }

    /// Logs what was done with an account.
    func report(_ action: AccountAction, _ accountID: UInt64?) {
        dependencies.report(.account(action, accountID: accountID, actor: actor))
    }

    /// What a call has cost, for the log and the counters.
    package struct Usage: Sendable {
        /// Statements that were sent.
        package var roundTrips = 0
        /// Time spent waiting for the database.
        package var database = Duration.zero
        /// Connections to the database that were lost or could not be made.
        package var losses = 0
        /// Time spent hashing passwords.
        package var hashing = Duration.zero
        /// Time spent decoding pictures.
        package var decoding = Duration.zero
        /// Uploads that are no picture or too large.
        package var picturesRefused = 0
        /// Time spent waiting for a core to hash or decode on.
        package var waiting = Duration.zero

        /// Nothing used yet.
        package init() {}
    }

    /// Returns the usage since the last call, and begins anew.
    package func takeUsage() -> Usage {
        var usage = counted
        counted = Usage()
        // What the connection has counted stays there: take what was there before from it.
        counted.roundTrips = -database.waits.roundTrips
        counted.database = .zero - database.waits.time
        counted.losses = -database.waits.losses
        usage.roundTrips += database.waits.roundTrips
        usage.database += database.waits.time
        usage.losses += database.waits.losses
        return usage
    }

    /// Runs `body` once a permit to hash is free, and measures the wait and the work.
    func withHashingPermit<T, Failure: Error>(_ body: () throws(Failure) -> T) throws(Failure) -> T {
        let begin = ContinuousClock.now
        return try dependencies.hashing.withPermit { () throws(Failure) in
            try counting(\.hashing, since: begin, body)
        }
    }

    /// Runs `body` once a permit to decode is free, and measures the wait and the work; nil when none is free in time.
    func withPicturePermit<T, Failure: Error>(_ body: () throws(Failure) -> T) throws(Failure) -> T? {
        let begin = ContinuousClock.now
        return try dependencies.pictures.withPermit(within: Accounts.pictureTimeout) { () throws(Failure) in
            try counting(\.decoding, since: begin, body)
        }
    }

    /// With the wait for a thread (20 s) and the time a picture may take (`AvatarDecoder`, 22 s) this is less than nginx waits
    /// for an answer to an upload: `fastcgi_read_timeout`, 60 s.
    private static let pictureTimeout = Duration.seconds(15)

    private func counting<T, Failure: Error>(
        _ work: WritableKeyPath<Usage, Duration>, since begin: ContinuousClock.Instant,
        _ body: () throws(Failure) -> T
    ) throws(Failure) -> T {
        let start = ContinuousClock.now
        counted.waiting += start - begin
        defer { counted[keyPath: work] += ContinuousClock.now - start }
        return try body()
    }

    /// Translates the errors of the database to those of this target.
    @discardableResult
    func refusing<T>(_ body: () throws(DatabaseError) -> T) throws(AccountsError) -> T {
        do throws(DatabaseError) {
            return try body()
        } catch {
            throw AccountsError(error)
        }
    }
}
