import FastCGI
import Glibc
import Server

// supervise COUNT PROGRAM ARGUMENT…: the parent alone, over a program that is no worker. It has a process of its own,
// because it takes signals. Ends also when standard input does, so that it cannot outlive the test.

let words = CommandLine.arguments
guard words.count > 2, let count = Int(words[1]) else { exit(2) }

var signals = Supervisor.signals
pthread_sigmask(SIG_BLOCK, &signals, nil)

_ = WorkerThread(name: "leash") {
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) > 0 {}
    kill(getpid(), SIGTERM)
}

let supervisor = Supervisor(
    arguments: Array(words[2...]), listening: STDIN_FILENO, handover: try Handover(), count: count, log: Log(now: { "2025-07-26T07:42:39Z" }))
exit(supervisor.run())
