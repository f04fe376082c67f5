import CLinux
import Foundation
import Glibc
import Pictures

/// The executable: finds the call among its words and ends with its exit code.
@main
struct Homeroom {
    static let usage = """
        usage: homeroom CALL [--config FILE]
               homeroom --version | --help

          dev [--port N] [--tls-port N] [--data DIR] [--nodes 1|3|5]   everything on this machine, in the foreground
          serve                                        the workers alone, on the configured socket
          migrate                                      brings the database to the newest schema
          check                                        tests configuration, database, media directory, mail
          setup [--host NAME] [--certificate FILE --key FILE] [--port N] [--no-start] [--dry-run]
                                                       user, folders, key, settings, database, nginx, units; as root
          backup DIR [--keep N]                        a copy of database and pictures, as a folder in DIR, while all runs
          restore DIR [--replace] [--keep-sessions]    the newest backup in DIR, or the one that DIR is
          nginx-origins                                prints what nginx needs to know of HOMEROOM_TRUSTED_ORIGINS
          key                                          which keys sign and verify tokens, without them themselves
          key rotate [--in MINUTES | --now]            a new key signs from then on; --now drops all others
          media clean                                  removes files that no account names
          openapi [CONTRACT] [--html]                  what one contract takes and gives, or all: OpenAPI 3.1, or a page
          user create NAME --email E [--role R] [--staff] [--superuser] [--must-change]   password from standard input
          user show NAME
          user list [--role R]
          user set-role NAME student|mentor|teacher
          user set-status NAME active|inactive|disabled
          user set-password NAME [--must-change]       from standard input; --must-change: at the first login
          user sessions NAME
          user logout NAME
          user unlock NAME
          user delete NAME
          user import FILE [--dry-run] [--update]      accounts from CSV, JSON lines, Django's dumpdata or SQLite;
                                                       - is standard input, --from mysql://USER@HOST/DATABASE a database.
                                                       docs/moving-in.md has the other options
          user export [FILE]                           accounts as JSON lines, with the hashes of their passwords
          user export NAME --archive FILE              all that is stored of one person, as a ZIP file to read

        NAME is a username or an email. docs/operating.md describes calls and settings.
        """

    static func main() {
        do throws(CommandError) {
            end(try run(Array(CommandLine.arguments.dropFirst())))
        } catch {
            switch error {
            case .refused(let line):
                complain("homeroom: \(line)")
                end(1)
            case .usage(let line):
                complain("homeroom: \(line)\n\n\(usage)")
                end(2)
            }
        }
    }

    private static func run(_ words: [String]) throws(CommandError) -> Int32 {
        var arguments = Arguments(words)
        if arguments.flag("version") {
            print("homeroom \(Version.text)")
            return 0
        }
        if arguments.flag("help") || arguments.isEmpty {
            print(usage)
            return words.isEmpty ? 2 : 0
        }
        let file = try arguments.option("config")
        let call = try arguments.next("a call")
        if call == "avatar-worker" { return AvatarWorker.run() }
        if call == "dev" { return try Dev.run(&arguments) }
        if call == "setup" { return try Setup.run(file: file, &arguments) }
        if call == "openapi" { return try OpenAPICommand.run(&arguments) }
        guard
            [
                "serve", "worker", "mailer", "migrate", "check", "user", "media", "nginx-origins", "key", "backup",
                "restore",
            ].contains(call)
        else {
            throw .usage("unknown call `\(call)`")
        }
        // The settings hold keys and passwords. Not PR_SET_DUMPABLE, which would hide the workers from each other where /proc
        // shows only what may be traced (ProtectProc=invisible), and so their memory from /metrics.
        homeroom_leave_no_core()
        let configuration = try Configuration(file: file, environment: ProcessInfo.processInfo.environment)
        switch call {
        case "serve": return try Serve.run(configuration, file: file, &arguments)
        case "worker": return try Serve.runWorker(configuration, &arguments)
        case "mailer": return try Serve.runMailer(configuration, &arguments)
        case "migrate": return try Migrate.run(configuration, &arguments)
        case "check": return try Check.run(configuration, &arguments)
        case "media": return try Media.run(configuration, &arguments)
        case "backup": return try BackupCommand.run(configuration, &arguments)
        case "restore": return try RestoreCommand.run(configuration, &arguments)
        case "key": return try KeyCommand.run(configuration, &arguments)
        case "nginx-origins": return try NginxOrigins.run(configuration, &arguments)
        default: return try UserCommand.run(configuration, &arguments)
        }
    }

    /// Threads that watch servers, check passwords or decode pictures may still be at it. exit(3) would first clean up the
    /// libraries they are in (OPENSSL_cleanup), and end some of our processes with a segmentation fault.
    private static func end(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }

    static func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
