import CLinux
import Glibc

/// A POSIX thread that runs one closure.
package struct POSIXThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: pthread_t

    /// Starts a thread that is to be joined, for what a process cannot do without: traps when there can be no thread.
    ///
    /// - Parameter name: shows in `top -H`; 15 bytes of it.
    package init(name: String, _ run: @escaping @Sendable () -> Void) {
        do throws(SystemError) {
            handle = try POSIXThread.start(name, run)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Starts a thread that nobody waits for. Throws when there can be none.
    ///
    /// - Parameter name: shows in `top -H`; 15 bytes of it.
    package static func detach(name: String, _ run: @escaping @Sendable () -> Void) throws(SystemError) {
        pthread_detach(try start(name, run))
    }

    private static func start(_ name: String, _ run: @escaping @Sendable () -> Void) throws(SystemError) -> pthread_t {
        // It names itself: whoever starts it may be late, and a detached one be gone by then.
        let body = Unmanaged.passRetained(
            Body {
                pthread_setname_np(pthread_self(), String(decoding: name.utf8.prefix(15), as: UTF8.self))
                run()
            })
        var handle = pthread_t()
        let code = pthread_create(
            &handle, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw SystemError("pthread_create", name, code: code)
        }
        return handle
    }

    /// Waits for its end; once.
    package func join() {
        pthread_join(handle, nil)
    }
}
