import Glibc
import System
import Testing

struct SystemErrorTests {
    @Test func `an error names the call, the path and the reason`() {
        #expect("\(SystemError("open", "/srv/media", code: ENOENT))" == "open /srv/media: No such file or directory")
        #expect("\(SystemError("socketpair", code: EMFILE))" == "socketpair: Too many open files")
    }
}
