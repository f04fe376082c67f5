import Accounts
import CLinux
import Contracts
import FastCGI
import Glibc
import Mail
import Server
import System

/// `homeroom serve`: the parent, and `homeroom worker`, which only it starts.
enum Serve {
    static func run(_ configuration: Configuration, file: String?, _ arguments: inout Arguments) throws(CommandError)
        -> Int32
    {
        try arguments.refuseRest()
        // What would stop every worker stops the parent first, with a line for the operator.
        let root = try CompositionRoot(configuration)
        let user = try workersUser(configuration)
        let listening: Int32
        do throws(ListeningSocket.Failure) {
            listening = try ListeningSocket.open(path: configuration.socket, group: configuration.socketGroup)
        } catch {
            throw .refused(error.description)
        }
        if let user { try giveMedia(of: root, to: user) }
        // A worker that crashes ends at once, and another takes its place. Swift's runtime would stop its threads and write a
        // backtrace first, which now and then waits for one of them for ever; and registers may point at a key.
        setenv("SWIFT_BACKTRACE", "enable=no", 0)
        let executable = try Executable.path()
        let rest =
            ["--parent", String(getpid()), "--ready", "\(InheritedDescriptor.ready.rawValue)"]
            + ["--metrics", "\(InheritedDescriptor.metrics.rawValue)"] + (file.map { ["--config", $0] } ?? [])
        do throws(SystemError) {
            let permits = try SharedSemaphore.makeFile(count: CompositionRoot.permits)
            let numbers = try Metrics.makeFile()
            let supervisor = try Supervisor(
                arguments: [executable, "worker"] + rest, listening: listening, handover: try Handover(),
                permits: permits, metrics: Metrics(file: numbers, role: .parent), notify: .inherited(),
                count: configuration.workers,
                companions: configuration.mail == nil ? [] : [[executable, "mailer"] + rest],
                trial: [executable, "worker", "--try"] + rest, log: root.log)
            return supervisor.run()
        } catch {
            throw .refused("serve: \(error)")
        }
    }

    static func runWorker(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let isTrial = arguments.flag("try")
        let ready = try arguments.option("ready").flatMap(Int32.init)
        let numbers = try arguments.option("metrics").flatMap(Int32.init)
        var signals = Supervisor.signals
        guard try becomeChild(configuration, &arguments, &signals) else { return 0 }
        let router = Router(
            trustedOrigins: configuration.trustedOrigins, cookieSameSite: configuration.cookieSameSite)
        let metrics = Metrics(file: isTrial ? nil : numbers, role: .worker, targets: router.targets)
        let root = try CompositionRoot(configuration, permits: InheritedDescriptor.permits.rawValue, metrics: metrics)
        if isTrial { return 0 }
        Exchange.prepareProcess()
        root.dependencies.media.prepare()
        do throws(SystemError) {
            let worker = try Worker(
                listening: InheritedDescriptor.listening.rawValue,
                handover: Handover(
                    entrance: InheritedDescriptor.handoverEntrance.rawValue,
                    exit: InheritedDescriptor.handoverExit.rawValue),
                options: configuration.worker,
                router: router, log: root.log, metrics: metrics,
                permits: AccountPermits(file: InheritedDescriptor.permits.rawValue),
                makeAccounts: { root.accounts() },
                makeCheck: { root.healthCheck() })
            root.log.writeBehind { metrics.logLinesDropped.add(UInt64($0)) }
            defer { root.log.end() }
            if let ready { ReadyPipe.report(on: ready) }
            worker.run {
                while true {
                    switch homeroom_wait_signal(&signals, -1) {
                    case SIGTERM, SIGINT: return .stop
                    case SIGUSR1: return .replaced
                    default: continue
                    }
                }
            }
        } catch {
            throw .refused("worker: \(error)")
        }
        return 0
    }

    /// `homeroom mailer`, likewise: sends what is due, one mail at a time.
    static func runMailer(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let ready = try arguments.option("ready").flatMap(Int32.init)
        let numbers = try arguments.option("metrics").flatMap(Int32.init)
        var signals = Supervisor.signals
        guard try becomeChild(configuration, &arguments, &signals), let mail = configuration.mail else { return 0 }
        let metrics = Metrics(file: numbers, role: .mailer)
        let root = try CompositionRoot(configuration, metrics: metrics)
        let accounts = root.accounts()
        if let ready { ReadyPipe.report(on: ready) }
        repeat {
            do throws(AccountsError) {
                while try accounts.deliverNext(
                    publicURL: mail.publicURL,
                    send: { message, id throws(MailTransport.Failure) in
                        try mail.transport.send(message, seconds: CompositionRoot.now().seconds, id: id)
                        metrics.mailsSent.add()
                    })
                {}
            } catch {
                root.log.write("mail waits", message: "\(error)")
            }
        } while ![SIGTERM, SIGINT, SIGUSR1].contains(homeroom_wait_signal(&signals, mailPause))
        return 0
    }

    /// Seconds between two looks into the outbox.
    private static let mailPause = 1.0

    /// What every child of the parent does first. False when the parent, which named itself, is gone already.
    private static func becomeChild(
        _ configuration: Configuration, _ arguments: inout Arguments, _ signals: inout sigset_t
    ) throws(CommandError) -> Bool {
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        guard let parent = try arguments.option("parent").flatMap(pid_t.init) else {
            throw .usage("only `homeroom serve` starts this")
        }
        try arguments.refuseRest()
        if let user = try workersUser(configuration) { try become(user) }
        // After the change of user, which would forget it.
        _ = homeroom_die_with_parent(SIGTERM)
        return getppid() == parent
    }

    private struct User {
        let name: String
        let id: uid_t
        let group: gid_t
    }

    /// Whom workers become; nil when they stay who they are, which root must not: it could do all that a stranger makes it do.
    private static func workersUser(_ configuration: Configuration) throws(CommandError) -> User? {
        guard geteuid() == 0 else { return nil }
        guard let name = configuration.user else {
            throw .refused(
                "HOMEROOM_USER: not set, and the service does not run as root. Name whom workers become, e.g. homeroom")
        }
        guard let user = getpwnam(name)?.pointee else {
            throw .refused("HOMEROOM_USER: there is no user `\(name)`. Make one with: adduser --system --group \(name)")
        }
        guard user.pw_uid != 0 else {
            throw .refused(
                "HOMEROOM_USER: `\(name)` is root, as whom the service does not run. Name another, e.g. homeroom")
        }
        return User(name: name, id: user.pw_uid, group: user.pw_gid)
    }

    private static func become(_ user: User) throws(CommandError) {
        guard initgroups(user.name, user.group) == 0, setgid(user.group) == 0, setuid(user.id) == 0 else {
            throw .refused("HOMEROOM_USER: cannot become `\(user.name)`: \(String(cString: strerror(errno)))")
        }
    }

    private static func giveMedia(of root: CompositionRoot, to user: User) throws(CommandError) {
        do throws(MediaStore.Failure) {
            try root.dependencies.media.give(to: user.id, user.group)
        } catch {
            throw .refused("HOMEROOM_MEDIA: \(error)")
        }
    }
}

/// This program's own file.
enum Executable {
    /// Its path, also after it was replaced by a newer one.
    static func path() throws(CommandError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { throw .refused("/proc/self/exe: \(String(cString: strerror(errno)))") }
        let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
    }
}
