import DevStack
import Foundation
import Testing

/// What people notice of it when the clock of the service is put back.
struct ClockStepTests {
    @Test func `a clock that is put back an hour under load signs nobody out and locks nobody out`() throws {
        let clock = try SteppingClock()
        defer { clock.remove() }
        let settings = Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 }
        let site = try Site.start(environment: settings.merging(clock.environment) { $1 })
        defer { Site.discard(site) }
        let load = try LoadGenerator(4, at: site)
        let (person, locked) = (try site.newPerson(), try site.newPerson())
        for _ in 0..<10 { _ = try site.signIn(locked.username, "wrong-Owls-42") }
        let before = try site.signIn(locked.username, locked.password)

        let isWell = try load.running {
            try #require(load.isWell())
            try clock.step(seconds: -3600)
            return load.isWell(for: 40)
        }
        let login = try site.signIn(person.username, person.password)
        let profile = try site.send("GET", "/api/v1/profile/", as: person)
        let after = try site.signIn(locked.username, locked.password)

        #expect(isWell)
        #expect(load.troubles.map(\.description) == [])
        #expect(try load.losses() == [])
        #expect(login.status == 200)
        // It has been put back.
        #expect(try #require(profile.string("user", "last_login")) < #require(profile.string("user", "date_joined")))
        #expect(before.status == 429)
        #expect(after.status == 200)
    }
}

/// A clock of its own for a service, moved by `Support/clock.c`.
private struct SteppingClock {
    private let folder: String

    init() throws {
        folder = try DevStack.scratch("clock")
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Support/clock.c").path
        try Program("cc", ["-shared", "-fPIC", "-o", folder + "/clock.so", source]).output()
        try Data(count: 8).write(to: URL(filePath: folder + "/offset"))
    }

    var environment: [String: String] { ["LD_PRELOAD": folder + "/clock.so", "CLOCK_OFFSET": folder + "/offset"] }

    func step(seconds: Int64) throws {
        // In place, and never shorter: the programs have mapped the file.
        let file = try FileHandle(forUpdating: URL(filePath: folder + "/offset"))
        try file.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
        try file.close()
    }

    func remove() {
        try? DevStack.removeScratch(folder)
    }
}
