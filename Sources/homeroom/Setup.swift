import CLinux
import Database
import DevStack
import Foundation
import Glibc
import Secrets
import System

/// `homeroom setup`: all that an installed program needs on its machine, step by step. Each step leaves alone what is there,
/// so that it can be run again at any time, also after it was killed.
final class Setup {
    static let settings = "/etc/homeroom/homeroom.conf"
    private static let tokenKey = "/etc/homeroom/token-key"
    private static let user = "homeroom"

    /// Where `make install` or the package has put everything: `/usr/local`, `/usr`.
    let prefix: String
    let site: NginxSite
    /// Says what is missing, and changes nothing.
    let isDryRun: Bool
    /// Whether services are enabled and started, which a package's scripts do by themselves. What runs is reloaded anyhow.
    let starts: Bool
    private var failures: [String] = []

    static func run(file: String?, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        guard file == nil else { throw .usage("setup takes no --config: its settings are in \(settings)") }
        let isDryRun = arguments.flag("dry-run")
        let starts = !arguments.flag("no-start")
        let options = try NginxSite.Options(&arguments)
        try arguments.refuseRest()
        guard geteuid() == 0 else { throw .refused("setup: makes a user and a database, so it needs root") }
        let prefix = URL(filePath: try Executable.path()).deletingLastPathComponent().deletingLastPathComponent().path
        guard access(prefix + "/share/homeroom/sql/users.sql", R_OK) == 0 else {
            throw .refused(
                "setup: \(prefix)/share/homeroom/sql/users.sql is not there: this program is not installed. "
                    + "Run: make install")
        }
        homeroom_line_buffer_output()
        homeroom_leave_no_core()
        let setup = Setup(
            prefix: prefix, site: NginxSite(prefix: prefix, options: options, isDryRun: isDryRun),
            isDryRun: isDryRun, starts: starts)
        try setup.run()
        return 0
    }

    private init(prefix: String, site: NginxSite, isDryRun: Bool, starts: Bool) {
        self.prefix = prefix
        self.site = site
        self.isDryRun = isDryRun
        self.starts = starts
    }

    private func run() throws(CommandError) {
        let lock = try isDryRun ? nil : lock()
        defer { if let lock { close(lock) } }
        guard step("user", makeUser), step("folders", makeFolders), step("key", makeKey),
            step("settings", writeSettings)
        else { return try finish() }
        let configuration: Configuration
        do throws(CommandError) {
            configuration = try self.configuration()
        } catch {
            fail("settings", error)
            return try finish()
        }
        let hasSchema =
            step("database", { () throws(CommandError) in try makeDatabase(configuration) })
            && step("schema", { () throws(CommandError) in try migrate(configuration) })
        let hasSite = step("nginx", { () throws(CommandError) in try site.make(configuration) })
        if hasSite, let host = site.options.host {
            step("address") { () throws(CommandError) in try writeAddress(host) }
        }
        if hasSchema, step("service", { () throws(CommandError) in try start(configuration) }), starts { check() }
        try finish()
    }

    /// One setup at a time.
    private func lock() throws(CommandError) -> Int32 {
        let folder = "/etc/homeroom"
        guard mkdir(folder, 0o750) == 0 || errno == EEXIST else { throw Self.refusal("mkdir", folder) }
        let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw Self.refusal("open", folder) }
        if flock(lock, LOCK_EX | LOCK_NB) != 0 {
            print("another setup is at work, waiting for its end")
            while flock(lock, LOCK_EX) != 0 { guard errno == EINTR else { throw Self.refusal("flock", folder) } }
        }
        return lock
    }

    @discardableResult
    private func step(_ name: String, _ body: () throws(CommandError) -> String) -> Bool {
        do throws(CommandError) {
            print("\(name): \(try body())")
            return true
        } catch {
            fail(name, error)
            return false
        }
    }

    private func fail(_ name: String, _ error: CommandError) {
        switch error {
        case .refused(let text), .usage(let text):
            // Some begin with their subject.
            let rest = text.hasPrefix("\(name): ") ? text.dropFirst(name.count + 2) : text[...]
            print("\(name): FAILED, \(rest)")
        }
        failures.append(name)
    }

    private func finish() throws(CommandError) {
        guard failures.isEmpty else {
            throw .refused(
                "setup: not done: \(failures.joined(separator: ", ")). Put right what its lines say, and run it again: "
                    + "homeroom setup")
        }
    }

    // MARK: The steps; each answers with what it found or did.

    private func makeUser() throws(CommandError) -> String {
        if User.first(of: [Self.user]) != nil { return "`\(Self.user)` is there" }
        if isDryRun { return "would make `\(Self.user)`" }
        try Self.execute("systemd-sysusers", [prefix + "/lib/sysusers.d/homeroom.conf"])
        guard User.first(of: [Self.user]) != nil else {
            throw .refused("systemd-sysusers made no user `\(Self.user)`: see \(prefix)/lib/sysusers.d/homeroom.conf")
        }
        return "made `\(Self.user)`"
    }

    private func makeFolders() throws(CommandError) -> String {
        if isDryRun { return "would make /etc/homeroom and /var/lib/homeroom, or put their rights right" }
        try Self.execute("systemd-tmpfiles", ["--create", prefix + "/lib/tmpfiles.d/homeroom.conf"])
        return "/etc/homeroom, /var/lib/homeroom"
    }

    private func makeKey() throws(CommandError) -> String {
        if access(Self.tokenKey, F_OK) == 0 { return "\(Self.tokenKey) is there" }
        if isDryRun { return "would make \(Self.tokenKey)" }
        try Self.write(hex(RandomSource.system.bytes(32)) + "\n", to: Self.tokenKey)
        return "made \(Self.tokenKey)"
    }

    private func writeSettings() throws(CommandError) -> String {
        let example = prefix + "/share/homeroom/homeroom.conf"
        let present = try? String(contentsOfFile: Self.settings, encoding: .utf8)
        guard present != nil || access(Self.settings, F_OK) != 0 else { throw Self.refusal("read", Self.settings) }
        if present != nil { return "\(Self.settings) is there" }
        if isDryRun { return "would make \(Self.settings)" }
        guard let text = try? String(contentsOfFile: example, encoding: .utf8) else {
            throw Self.refusal("read", example)
        }
        try Self.write(text, to: Self.settings)
        return "made \(Self.settings)"
    }

    /// Names the host in the settings, unless they name one.
    private func writeAddress(_ host: String) throws(CommandError) -> String {
        let line = "HOMEROOM_PUBLIC_URL=https://\(host)"
        if isDryRun { return "would set \(line), unless it is set" }
        guard var text = try? String(contentsOfFile: Self.settings, encoding: .utf8) else {
            throw Self.refusal("read", Self.settings)
        }
        if let present = text.firstMatch(of: /(?m)^\s*HOMEROOM_PUBLIC_URL(_FILE)?\s*=.*$/) {
            return "\(present.output.0) stands in \(Self.settings), and stays"
        }
        if let place = text.firstRange(of: /(?m)^#HOMEROOM_PUBLIC_URL=.*$/) {
            text.replaceSubrange(place, with: line)
        } else {
            text += "\(line)\n"
        }
        try Self.write(text, to: Self.settings)
        return line
    }

    private func configuration() throws(CommandError) -> Configuration {
        let isThere = access(Self.settings, F_OK) == 0
        let file = isThere || !isDryRun ? Self.settings : prefix + "/share/homeroom/homeroom.conf"
        var environment = ProcessInfo.processInfo.environment
        // Some other file, of which nothing is used.
        if isDryRun, access(Self.tokenKey, F_OK) != 0 { environment["HOMEROOM_TOKEN_KEY_FILE"] = file }
        return try Configuration(file: file, environment: environment)
    }

    /// The database, its user and that user's rights; where the database is on other machines that is theirs.
    private func makeDatabase(_ configuration: Configuration) throws(CommandError) -> String {
        let owner = configuration.owner
        guard case .socket(let path) = owner.transports[0] else {
            return "skipped, it is on \(owner.transports[0]): make it there, see \(prefix)/share/homeroom/sql/users.sql"
        }
        guard owner.database == "homeroom", configuration.database.user == Self.user else {
            return "skipped, another database or user is set: make them as \(prefix)/share/homeroom/sql/users.sql does"
        }
        let users = prefix + "/share/homeroom/sql/users.sql"
        guard let script = try? String(contentsOfFile: users, encoding: .utf8) else {
            throw Self.refusal("read", users)
        }
        if isDryRun { return "would make `homeroom` and its user at \(path), or put their rights right" }
        let server = DatabaseAddress(
            transport: .socket(path: path), database: "", user: owner.user, password: owner.password)
        do throws(DatabaseError) {
            try Connection(server, isMigrating: true).execute(script)
        } catch {
            throw .refused("\(error) (\(path) as \(owner.user)). Is mariadbd running?")
        }
        return "`homeroom` and its user at \(path)"
    }

    private func migrate(_ configuration: Configuration) throws(CommandError) -> String {
        if isDryRun { return "would bring it to version \(Migration.newest)" }
        try Migrate.migrate(configuration)
        return "version \(Migration.newest)"
    }

    /// Starts the service, or has a running one take up program and settings without losing a request.
    private func start(_ configuration: Configuration) throws(CommandError) -> String {
        guard Systemd.isRunning else {
            return "skipped, systemd does not run here. The service is: homeroom serve --config \(Self.settings)"
        }
        let isActive = Systemd.isActive("homeroom")
        let enabled = starts ? "enabled and " : ""
        guard isActive || starts else { return "not started" }
        if isDryRun { return "would be \(enabled)\(isActive ? "reloaded" : "started")" }
        if starts {
            try Self.execute("systemctl", ["daemon-reload"])
            try Self.execute("systemctl", ["--quiet", "enable", "homeroom.service"])
        }
        guard isActive else {
            try Self.execute("systemctl", ["start", "homeroom.service"])
            return "\(enabled)started"
        }
        try Systemd.reload("homeroom")
        // What the workers of the version before wrote until their end.
        try Migrate.migrate(configuration)
        return "\(enabled)reloaded"
    }

    /// As the service's user, who must be able to read and write what it needs.
    private func check() {
        if isDryRun { return }
        do throws(StackError) {
            var program = try Program(prefix + "/bin/homeroom", ["check", "--config", Self.settings])
            program.user = User.first(of: [Self.user])
            print(try program.output(), terminator: "")
        } catch .ended(_, _, let output) {
            print(output, terminator: "")
            failures.append("check")
        } catch {
            fail("check", .refused("\(error)"))
        }
    }

    // MARK: What the steps are made of

    /// Runs a program to its end; refuses with its last words unless its exit code is 0.
    @discardableResult
    static func execute(_ name: String, _ arguments: [String]) throws(CommandError) -> String {
        do throws(StackError) {
            return try Program(name, arguments).output()
        } catch {
            throw .refused("\(error)")
        }
    }

    static func refusal(_ call: String, _ path: String) -> CommandError {
        .refused("\(SystemError(call, path, code: errno))")
    }

    /// Puts a file at `path`, at once or not at all, with the rights of the one that is there; else the folder's group can
    /// read it, and nobody but root writes it.
    static func write(_ text: String, to path: String, mode: mode_t = 0o640) throws(CommandError) {
        let fresh = path + ".new"
        unlink(fresh)
        var old = stat()
        let isThere = stat(path, &old) == 0
        let file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw refusal("create", fresh) }
        defer { close(file) }
        guard fchmod(file, isThere ? old.st_mode & 0o7777 : mode) == 0,
            !isThere || fchown(file, old.st_uid, old.st_gid) == 0
        else { throw refusal("chmod", fresh) }
        do throws(SystemError) {
            try writeAll(Array(text.utf8), to: file, path: fresh)
        } catch {
            throw .refused("\(error)")
        }
        guard fsync(file) == 0, rename(fresh, path) == 0 else { throw refusal("replace", path) }
    }
}

/// What systemd says of the machine's services.
enum Systemd {
    /// Whether it is this machine's init. (sd_booted(3))
    static var isRunning: Bool { access("/run/systemd/system", F_OK) == 0 }

    static func isActive(_ service: String) -> Bool {
        (try? Setup.execute("systemctl", ["--quiet", "is-active", service + ".service"])) != nil
    }

    /// Has a service read its settings again, and waits until it has; in a package's script only where the machine's policy
    /// lets such scripts do so. (invoke-rc.d(8))
    static func reload(_ service: String) throws(CommandError) {
        let unit = service + ".service"
        if isPackageScript {
            try Setup.execute("invoke-rc.d", [service, "reload"])
        } else {
            try Setup.execute("systemctl", ["reload", unit])
        }
        let end = ContinuousClock.now + .seconds(60)
        while try property("ActiveState", of: unit) == "reloading" {
            guard ContinuousClock.now < end else {
                throw .refused("\(unit) is not done with its reload after 60 s. See: systemctl status \(service)")
            }
            usleep(100_000)
        }
        let status = try property("StatusText", of: unit)
        guard !status.hasPrefix("reload failed") else { throw .refused("\(unit): \(status)") }
    }

    static var isPackageScript: Bool { getenv("DPKG_MAINTSCRIPT_NAME") != nil }

    private static func property(_ name: String, of unit: String) throws(CommandError) -> String {
        try Setup.execute("systemctl", ["show", "--value", "--property=" + name, unit])
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
