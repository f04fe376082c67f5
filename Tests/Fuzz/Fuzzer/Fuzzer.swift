import FuzzTargets
import Glibc

// libFuzzer has the main function and calls these. (https://llvm.org/docs/LibFuzzer.html)

private let target: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
    if let target = FuzzTarget.all.first(where: { $0.name == name }) { return target }
    for target in FuzzTarget.all { print(target.name) }
    exit(name == nil ? 0 : 2)
}()

/// Before the first run: without FUZZ_TARGET, prints the names of all targets.
@c(LLVMFuzzerInitialize)
public func begin(_ count: UnsafeMutablePointer<Int32>?, _ words: UnsafeMutableRawPointer?) -> Int32 {
    _ = target
    return 0
}

@c(LLVMFuzzerTestOneInput)
public func run(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    do throws(Broken) {
        try target.check(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("\(target.name): \(error)")
    }
    return 0
}
