import Accounts
import Database

/// `homeroom migrate`.
enum Migrate {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        try arguments.refuseRest()
        try migrate(configuration)
        return 0
    }

    /// Brings the schema up to date, and over what programs from before have written since; prints what it does.
    static func migrate(_ configuration: Configuration) throws(CommandError) {
        do throws(DatabaseError) {
            let applied = try Migrations.apply(
                at: configuration.owner, now: CompositionRoot.now().microseconds,
                steps: AddressKeys.steps { line in print(line) }, report: { line in print(line) })
            for name in applied { print("applied \(name)") }
            // What programs from before have written since.
            let owner = Connection(configuration.owner, isMigrating: true)
            if !applied.contains("address-keys") { try AddressKeys.rewrite(on: owner) { line in print(line) } }
            try owner.run(SetMissingBlocks())
            print("schema \(Migration.newest): up to date")
        } catch {
            throw .refused("\(error) (\(configuration.owner.description))")
        }
    }
}
