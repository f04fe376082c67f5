import Foundation
import Pictures
import Synchronization
import TestSupport
import Testing

/// What our own process believes of a decoder that is in a stranger's hands: nothing.
struct DistrustTests {
    /// A program in a decoder's place: it answers `answer` and writes what `write` says.
    private func outcome(_ write: String, answer: UInt8 = 17) throws -> (DecoderResult, [String]) {
        let reports = Mutex<[String]>([])
        let script = """
            import array, os, socket, struct, threading, time
            peer = socket.socket(fileno=3)
            message, descriptors, _, _ = socket.recv_fds(peer, 1, 8)
            files = descriptors[1:]
            def png(width, height, name=b"IHDR"):
                return b"\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\r" + name + struct.pack(">II", width, height) + b"rest of it"
            def put(*all):
                for file, content in zip(files, all): os.pwrite(file, content, 0)
            \(write)
            peer.send(bytes([\(answer)]))
            time.sleep(60)
            """
        let decoder = AvatarDecoder(command: ["/usr/bin/python3", "-c", script], timeout: 20) { text in
            reports.withLock { $0.append(text) }
        }
        return (try DecoderResult([1, 2, 3], by: decoder), reports.withLock { $0 })
    }

    @Test func `what looks like an avatar and its squares is taken`() throws {
        let (result, reports) = try outcome("put(png(1024, 7), png(256, 256), png(64, 64))")

        #expect(result.outcome == .encoded(.png))
        #expect(result.files.map { $0.count } == [34, 34, 34])
        #expect(reports == [])
    }

    @Test(arguments: [
        "pass", "put(png(8, 8), png(256, 256))", "put(png(1025, 8), png(256, 256), png(64, 64))",
        "put(png(8, 0), png(256, 256), png(64, 64))", "put(png(8, 8), png(255, 256), png(64, 64))",
        "put(png(8, 8), png(256, 256), png(256, 256))", "put(png(8, 8, b'JUNK'), png(256, 256), png(64, 64))",
        "put(b'<html>', png(256, 256), png(64, 64))",
        "put(b'GIF89a\\x08\\0\\x08\\0\\0\\0\\0', png(256, 256), png(64, 64))",
        "put(png(8, 8), png(256, 256), png(64, 64)); os.ftruncate(files[1], 33554433)",
    ])
    func `what does not is refused, and nothing of it is kept`(write: String) throws {
        let (result, reports) = try outcome(write)

        #expect(result.outcome == .refused(.notAPicture))
        #expect(reports == ["a decoder wrote what is no avatar"])
    }

    @Test func `an answer that there is none is refused`() throws {
        let (result, reports) = try outcome("put(png(8, 8), png(256, 256), png(64, 64))", answer: 19)

        #expect(result.outcome == .refused(.notAPicture))
        #expect(reports == ["a decoder wrote what is no avatar"])
    }

    @Test func `what it writes after its answer reaches nobody`() throws {
        let (result, _) = try outcome(
            """
            put(png(8, 8), png(256, 256), png(64, 64))
            def later():
                while True: put(b"<script>" * 3, b"<script>" * 3, b"<script>" * 3)
            peer.send(bytes([17]))
            later()
            """)

        #expect(result.outcome == .encoded(.png) || result.outcome == .refused(.notAPicture))
        #expect(!result.files.contains { $0.starts(with: Array("<script>".utf8)) })
    }

    @Test func `more than 32 threads are the end of it`() throws {
        let (result, reports) = try outcome(
            """
            for _ in range(40): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            time.sleep(60)
            """)

        #expect(result.outcome == .refused(.notAPicture))
        #expect(reports == ["a decoder had over 32 threads"])
    }
}
