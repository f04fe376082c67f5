import DevStack
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// People who use a site without a pause, each on a kept connection: they read through all five contracts, change
/// their bio, now and then their picture, sign in and out. Each answer must be the person's own.
///
/// What each was told stands in a journal: `losses` says what of it is not so afterwards.
final class LoadGenerator: Sendable {
    let site: DevStack
    private let users: [SimulatedUser]

    init(_ count: Int, at site: DevStack) throws {
        self.site = site
        users = try (0..<count).map { SimulatedUser(try site.newPerson(), at: site, number: $0) }
    }

    /// Runs `body` while they are at it.
    func running<Value>(_ body: () throws -> Value) throws -> Value {
        let isOver = Flag()
        let ended = DispatchGroup()
        for user in users {
            ended.enter()
            Thread.detachNewThread {
                user.work(until: isOver)
                ended.leave()
            }
        }
        defer {
            isOver.raise()
            ended.wait()
        }
        return try body()
    }

    /// Waits until each had so many good answers in a row from now on; false when not all had in time.
    func isWell(for answers: Int = 20, within seconds: Double = 60) -> Bool {
        for user in users { user.journal.withLock { $0.streak = 0 } }
        return eventually(within: seconds) { users.allSatisfy { $0.journal.withLock { $0.streak } >= answers } }
    }

    /// Waits until each had so many answers from now on, good or not.
    func isAnswered(_ answers: Int = 5, within seconds: Double = 60) -> Bool {
        let marks = users.map { $0.journal.withLock { $0.requests } }
        return eventually(within: seconds) {
            zip(users, marks).allSatisfy { user, mark in user.journal.withLock { $0.requests } >= mark + answers }
        }
    }

    /// How many requests were made.
    var requests: Int { users.reduce(0) { $0 + $1.journal.withLock { $0.requests } } }

    /// What was not answered as it should have been, in no order.
    var troubles: [Trouble] { users.flatMap { $0.journal.withLock { $0.troubles } } }

    /// What was answered 200 and is not so: a bio that is neither the last acknowledged nor one sent after it, a session
    /// that does not live, one that was ended and does.
    func losses() throws -> [String] {
        var losses: [String] = []
        for user in users {
            let journal = user.journal.withLock { $0 }
            let bio = try site.rows("SELECT bio FROM accounts WHERE id = \(user.person.id)").first.flatMap { Int($0) }
            if !(journal.acknowledged...journal.sent).contains(bio ?? 0) {
                losses.append("bio \(bio ?? 0), acknowledged \(journal.acknowledged), sent \(journal.sent)")
            }
            var client = try Client(site.address)
            for (sessions, wanted) in [(journal.living, 200), (journal.ended, 401)] {
                for session in sessions {
                    let answer = try client.send("GET", session.api.me, headers: session.headers)
                    if answer["Connection"] == "close" { client = try Client(site.address) }
                    if answer.status != wanted { losses.append("session: \(answer.status) instead of \(wanted)") }
                }
            }
        }
        return losses
    }
}

/// A request that was not answered as it should have been.
struct Trouble: Sendable, CustomStringConvertible {
    enum Kind: Equatable {
        case status(Int)
        /// The connection could not be made, or broke.
        case cut
        /// No answer in the time that `Stream` waits.
        case late
        /// A good status, but somebody else's or an old answer.
        case wrong
    }

    let kind: Kind
    let api: ContractAPI
    let request: String
    let answer: Answer?
    let begin: ContinuousClock.Instant
    let end = ContinuousClock.now

    var description: String {
        "\(kind) \(request) after \(end - begin): \(answer?.headers.map(\.name) ?? []) \(answer?.text ?? "")"
    }

    /// Whether it is a 503 in the contract's own words, with `Retry-After`.
    var isRefusal: Bool {
        guard let answer, answer.status == 503, let pause = answer["Retry-After"].flatMap({ Int($0) }) else {
            return false
        }
        return pause > 0 && answer.text == api.unavailable
    }
}

/// Somebody who is at work, on a thread.
private final class SimulatedUser: Sendable {
    /// What somebody was told.
    struct Journal {
        var requests = 0
        /// Good answers in a row.
        var streak = 0
        var troubles: [Trouble] = []
        /// Bios are numbers: the last one that was answered 200, and the last one that was sent.
        var acknowledged = 0
        var sent = 0
        var living: [HeldSession] = []
        var ended: [HeldSession] = []
    }

    /// Too long to wait for as a whole in a socket.
    private static let picture = TestPicture.noise(bytes: 100_000)

    let person: Person
    let journal = Mutex(Journal())
    private let site: DevStack
    private let number: Int

    init(_ person: Person, at site: DevStack, number: Int) {
        self.person = person
        self.site = site
        self.number = number
    }

    func work(until isOver: Flag) {
        var client: Client?
        var round = number
        while !isOver.isRaised {
            round += 1
            switch round % 10 {
            case 3 where round % 40 == 13: changePicture(&client)
            case 3: changeBio(&client)
            case 6: signIn(&client, ContractAPI.allCases[round / 10 % ContractAPI.allCases.count])
            case 9: signOut(&client)
            default: read(&client, ContractAPI.allCases[round % ContractAPI.allCases.count])
            }
        }
    }

    private var registration: HeldSession {
        HeldSession(api: .v1Profile, keys: SessionCredentials(access: person.access, refresh: person.refresh))
    }

    private func read(_ client: inout Client?, _ api: ContractAPI) {
        let session = journal.withLock { $0.living.last { $0.api == api } } ?? registration
        let (acknowledged, sent) = journal.withLock { ($0.acknowledged, $0.sent) }
        send(&client, api, "GET", api.me, session) { answer in
            guard api == .v1Profile else { return self.isOwn(answer) }
            let bio = answer.string("bio").flatMap { Int($0) } ?? 0
            return self.isOwn(answer) && (acknowledged...sent).contains(bio)
        }
    }

    private func changeBio(_ client: inout Client?) {
        let bio = journal.withLock { journal in
            journal.sent += 1
            return journal.sent
        }
        let content = Content(json: ["bio": .string("\(bio)")])
        let answer = send(
            &client, .v1Profile, "PATCH", "/api/v1/profile/update/", registration, content
        ) { self.isOwn($0) && $0.string("user", "bio") == "\(bio)" }
        if answer != nil { journal.withLock { $0.acknowledged = bio } }
    }

    /// Without a bio: one that is cut off may still be written after the next was acknowledged.
    private func changePicture(_ client: inout Client?) {
        let content = Content(form: MultipartForm([.file("avatar", name: "me.png", Self.picture)]))
        send(&client, .v1Profile, "PATCH", "/api/v1/profile/update/", registration, content) { self.isOwn($0) }
    }

    private func signIn(_ client: inout Client?, _ api: ContractAPI) {
        let name = api.takesEmailOnly ? person.email : person.username
        let form = api.credentials(name, person.password)
        // Contract 4 tells nobody whose its token is; a read with it will.
        guard
            let answer = send(
                &client, api, "POST", api.login, nil, Content(json: form), { api == .usersToken || self.isOwn($0) })
        else { return }
        let keys = api.session(in: answer.json, setCookie: answer["Set-Cookie"])
        journal.withLock { $0.living.append(HeldSession(api: api, keys: keys)) }
    }

    /// Ends the oldest session. Without an answer nobody knows whether it lives.
    private func signOut(_ client: inout Client?) {
        guard let session = journal.withLock({ $0.living.isEmpty ? nil : $0.living.removeFirst() }) else { return }
        let content = session.keys.refresh.map { Content(json: ["refresh": .string($0)]) }
        let answer = send(&client, session.api, "POST", session.api.logout, session, content) { _ in true }
        if answer != nil { journal.withLock { $0.ended.append(session) } }
    }

    /// Sends a request; the answer if its status is 200 and it is `good`.
    @discardableResult
    private func send(
        _ client: inout Client?, _ api: ContractAPI, _ method: String, _ path: String, _ session: HeldSession?,
        _ content: Content? = nil, _ good: (Answer) -> Bool
    ) -> Answer? {
        let begin = ContinuousClock.now
        var answer: Answer?
        var kind: Trouble.Kind?
        do {
            let open = try client ?? Client(site.address)
            client = open
            let headers = (session?.headers ?? []) + (content.map { [("Content-Type", $0.type)] } ?? [])
            let new = try open.send(method, path, headers: headers, body: content?.bytes)
            if new["Connection"] == "close" { client = nil }
            answer = new
            kind = new.status != 200 ? .status(new.status) : good(new) ? nil : .wrong
        } catch Stream.Failure.system(_, EAGAIN) {
            kind = .late
        } catch {
            kind = .cut
        }
        if kind == .late || kind == .cut { client = nil }
        // Not a flood of what is refused at once.
        if kind != nil { usleep(20_000) }
        journal.withLock { journal in
            journal.requests += 1
            journal.streak = kind == nil ? journal.streak + 1 : 0
            guard let kind else { return }
            journal.troubles.append(
                Trouble(
                    kind: kind, api: api, request: "\(method) \(path) with \(content?.bytes.count ?? 0) bytes",
                    answer: answer, begin: begin))
        }
        return kind == nil ? answer : nil
    }

    private func isOwn(_ answer: Answer) -> Bool {
        (answer.string("email") ?? answer.string("user", "email")) == person.email
    }
}

/// What is sent in a body.
private struct Content {
    let type: String
    let bytes: [UInt8]

    init(json: JSON) { (type, bytes) = ("application/json", json.bytes) }
    init(form: MultipartForm) { (type, bytes) = (form.type, form.body) }
}

/// A session as its holder has it.
private struct HeldSession: Sendable {
    let api: ContractAPI
    let keys: SessionCredentials

    var headers: [(String, String)] { [keys.header] }
}
