/// Why a command ends without success.
enum CommandError: Error {
    /// Exit 1: one clear line that names the thing, the value and the way out.
    case refused(String)
    /// Exit 2: the call's words are off.
    case usage(String)
}
