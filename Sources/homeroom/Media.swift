import Accounts

/// `homeroom media clean`.
enum Media {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let call = try arguments.next("a media call")
        guard call == "clean" else { throw .usage("unknown call `media \(call)`") }
        try arguments.refuseRest()
        let accounts = try CompositionRoot(configuration).accounts()
        do throws(AccountsError) {
            print("removed \(try accounts.cleanMedia())")
        } catch {
            throw .refused("the database does not answer. Try: homeroom check")
        }
        return 0
    }
}
