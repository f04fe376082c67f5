import Contracts
import FastCGI
import Glibc
import Server
import System

// supervise COUNT PROGRAM ARGUMENT…: the parent alone, over a program that is no worker. It has a process of its own,
// because it takes signals. Ends also when standard input does, so that it cannot outlive the test.

//
// supervise count NUMBER: counts so often in the metrics that are its descriptor 7, says so, and waits until standard
// input ends.

let words = CommandLine.arguments
if words.count == 3, words[1] == "count", let number = Int(words[2]) {
    let metrics = Metrics(
        file: 7, role: .worker, targets: (0..<5).map { Router.Target(contract: "c", path: "/\($0)") })
    metrics.heavy.busy.add(2)
    for index in 0..<number {
        metrics.mailsSent.add()
        metrics.request(index % 5, status: 200, microseconds: 3)
    }
    print("counted")
    fflush(nil)
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) > 0 {}
    exit(0)
}
guard words.count > 2, let count = Int(words[1]) else { exit(2) }

var signals = Supervisor.signals
pthread_sigmask(SIG_BLOCK, &signals, nil)

_ = POSIXThread(name: "leash") {
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) > 0 {}
    kill(getpid(), SIGTERM)
}

let supervisor = try Supervisor(
    arguments: Array(words[2...]), listening: STDIN_FILENO, handover: try Handover(), notify: .inherited(),
    count: count, log: Log(now: { "2025-07-26T07:42:39Z" }))
exit(supervisor.run())
