import Accounts
import FastCGI
import Glibc

/// Removes what is over, now and then, in small batches, on a thread that nobody waits for.
struct Janitor {
    /// Seconds between two rounds.
    private static let pause: UInt32 = 60

    let makeAccounts: @Sendable () -> Accounts
    let log: Log

    func start() {
        // Never joined: it ends with the process, and a batch is one statement.
        _ = WorkerThread(name: "janitor") {
            let accounts = makeAccounts()
            while true {
                // Not all processes at the same time.
                sleep(Janitor.pause + UInt32.random(in: 0..<Janitor.pause))
                do throws(Refusal) {
                    while try accounts.sweep() {}
                } catch {
                    log.write("sweep failed", message: "\(error)")
                }
            }
        }
    }
}
