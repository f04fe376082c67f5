import CLibFuzzer
import FuzzTargets
import Glibc

/// Tries the target that FUZZ_TARGET names; without it, prints the names of all. The words are libFuzzer's.
@main enum Fuzzer {
    private static let target: FuzzTarget = {
        let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
        if let target = FuzzTarget.all.first(where: { $0.name == name }) { return target }
        for target in FuzzTarget.all { print(target.name) }
        exit(name == nil ? 0 : 2)
    }()

    static func main() {
        _ = target
        var (count, words) = (CommandLine.argc, Optional(CommandLine.unsafeArgv))
        exit(
            LLVMFuzzerRunDriver(&count, &words) { start, count in
                do throws(Broken) {
                    try Fuzzer.target.check(Array(UnsafeBufferPointer(start: start, count: count)))
                } catch {
                    fatalError("\(Fuzzer.target.name): \(error)")
                }
                return 0
            })
    }
}
