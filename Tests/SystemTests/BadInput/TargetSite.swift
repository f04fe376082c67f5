import DevStack
import TestSupport

/// A system whose rows and files nobody may change, and somebody in it.
struct TargetSite: Sendable {
    static let shared = Result { try TargetSite() }

    /// Whether tables and media are as before, once what the others have in hand is over: their uploads lie in `incoming`
    /// for a moment.
    func isUnchanged() throws -> Bool {
        try eventually { try site.state() == state }
    }

    let site: DevStack
    let person: Person
    let state: [String]

    private init() throws {
        // Never locked, so that the failed logins among the bad input all look alike.
        site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_LOCK_FAILURES": "1000"]) { $1 })
        person = try site.newPerson()
        _ = try site.upload(onePixelGIF, as: person)
        state = try site.state()
    }

    /// Sends a body to an endpoint as the person.
    func send(_ endpoint: Endpoint, type: String?, _ body: [UInt8]) throws -> Answer {
        var headers = [("Authorization", "Bearer \(person.access)")]
        if let type { headers.append(("Content-Type", type)) }
        return try site.send(endpoint.method, endpoint.path, headers: headers, body: body)
    }
}
