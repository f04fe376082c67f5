/// Where a process that the parent starts finds what it is handed.
///
/// A reload starts the program that is installed by then from the parent that runs, so a number never means anything else.
package enum InheritedDescriptor: Int32 {
    /// The listening socket; systemd gives it to the parent under the same number. (sd_listen_fds(3))
    case listening = 3
    /// The ends of the handover, into which and out of which workers pass their connections on.
    case handoverEntrance = 4
    case handoverExit = 5
    /// The file of the semaphore that all workers share.
    case permits = 6
    /// Where a process says that it is ready.
    case ready = 7
    /// The file of the counters that all processes share.
    case metrics = 8
}
