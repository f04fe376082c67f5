import JSON
import Server
import System
import Testing

struct LogTests {
    private let pipe = Pipe()
    private let log: Log

    init() {
        log = Log(descriptor: pipe.writeEnd, now: { "2025-07-26T07:42:39.508828Z" })
    }

    @Test func `an event is one line of JSON`() throws {
        log.write("request", [.init(name: "status", value: 200), .init(name: "account", value: .null)])

        let line = try #require(pipe.line())
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"time":"2025-07-26T07:42:39.508828Z","event":"request","status":200,"account":null}"#)
    }

    @Test func `a message stands in its event`() throws {
        log.write("stop", message: "draining 2 workers")

        let line = try #require(pipe.line())
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"time":"2025-07-26T07:42:39.508828Z","event":"stop","message":"draining 2 workers"}"#)
    }

    @Test(arguments: ["a\nb", "a\r\nb", "\"", "\\", "\0", "\u{1B}[31m", "\u{2028}", "注册\u{1F600}", ""])
    func `whatever a message holds, its line is one line of JSON`(message: String) throws {
        log.write("fault", message: message)
        log.write("next", message: "")

        let value = try #require(pipe.object())
        #expect(value["message"] == .string(message))
        #expect(pipe.object()?["event"] == "next")
    }

    @Test(arguments: [10, 5000, 70_000])
    func `lines of many threads never mix`(length: Int) {
        let message = String(repeating: "x", count: length)
        let writers = (0..<8).map { [log] thread in
            POSIXThread(name: "writer") {
                for number in 0..<10 { log.write("\(thread) \(number)", message: message) }
            }
        }

        var events: Set<String> = []
        for _ in 0..<80 {
            let value = pipe.object()
            let isWhole = value?["message"] == .string(message)
            #expect(isWhole)
            if case .string(let event) = value?["event"] { events.insert(event) }
        }
        for writer in writers { writer.join() }

        #expect(events.count == 80)
    }
}
