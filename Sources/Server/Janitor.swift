import Accounts
import Glibc
import System

/// Removes what is over and replaces a decoder that ended, now and then, on a thread that nobody waits for.
struct Janitor {
    /// Seconds between two rounds, at most.
    private static let pause: UInt32 = 60

    /// Files are looked at once in so many rounds.
    private static let roundsPerHour = 80

    let makeAccounts: @Sendable () -> Accounts
    let log: Log

    func start() {
        do throws(SystemError) {
            // It ends with the process, and a batch is one statement.
            try POSIXThread.detach(name: "janitor") { run() }
        } catch {
            log.write("sweep failed", message: "\(error)")
        }
    }

    private func run() {
        let accounts = makeAccounts()
        var round = 0
        while true {
            // A failure is the next round's matter: until then the counts of before hold.
            try? accounts.refreshPasswordForms()
            // Not all processes at the same time.
            sleep(Janitor.pause / 2 + UInt32.random(in: 0...Janitor.pause / 2))
            accounts.prepareDecoder()
            do throws(AccountsError) {
                while try accounts.sweep() {}
                round += 1
                if round % Janitor.roundsPerHour == 1 { _ = try accounts.cleanMedia() }
            } catch {
                log.write("sweep failed", message: "\(error)")
            }
        }
    }
}
