import Accounts
import Contracts
import Database
import HTTP
import JSON
import Pictures
import Secrets
import TestSupport

extension FuzzTarget {
    /// A whole request, `POST /api/v1/auth/login`, lines `name: value`, an empty line and a body, answered by its contract
    /// over a database that is away: up to the first statement everything happens.
    static let requests = FuzzTarget(name: "requests") { bytes throws(Broken) in
        var (line, rest) = firstLine(bytes)
        let words = line.split(separator: " ", maxSplits: 1)
        var headers: [String: String] = [:]
        while !rest.isEmpty {
            (line, rest) = firstLine(rest)
            guard let colon = line.firstIndex(of: ":") else { break }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let request = request(
            method: words.first.map(String.init) ?? "", target: words.dropFirst().first.map(String.init) ?? "",
            headers: headers, body: rest)

        let context = RequestContext(request, router: router)
        let reply = router.answer(context, shared.accounts)

        try require(context.fault == nil, "a mistake of ours: \(context.fault ?? "")")
        try require(reply.fault == nil, "a header that cannot be sent: \(reply.fault ?? "")")
        try require(reply.body.isEmpty || (try? JSON.parse(reply.body)) != nil, "the answer is no JSON")
    }

    /// Sends a JSON body to an endpoint of these.
    static func ask(_ path: String, _ body: [UInt8]) {
        let request = request(
            method: "POST", target: path, headers: ["content-type": "application/json"], body: body)
        _ = router.answer(RequestContext(request, router: router), shared.accounts)
    }

    private static let router = Router(
        trustedOrigins: Set(["https://app.school.example"].compactMap { try? Origin($0) }))

    /// A core for the one thread that asks.
    private struct OneThreadsAccounts: @unchecked Sendable {
        let accounts: Accounts
    }

    private static let shared: OneThreadsAccounts = {
        var settings = Settings()
        settings.hashing = HashParameters(memoryKiB: 64, iterations: 1)
        let decoder = AvatarDecoder(command: ["/nowhere"]) { _ in }
        guard let folder = try? TestEnvironment.scratch("fuzz"),
            let signer = try? TokenSigner(keys: [[UInt8](0..<32)], issuer: "homeroom"),
            let media = try? MediaStore(root: folder, random: .system, decoder: decoder)
        else { preconditionFailure("no folder in /tmp") }
        let dependencies = Accounts.Dependencies(
            settings: settings, signer: signer, random: .system, media: media, hashing: SharedSemaphore(count: 64),
            pictures: SharedSemaphore(count: 64), now: { Instant(microseconds: 1_700_000_000_000_000) },
            report: { _ in })
        let address = DatabaseAddress(
            transport: .socket(path: "\(folder)/nobody"), database: "none", user: "none", password: "")
        return OneThreadsAccounts(accounts: Accounts(database: Connection(address), dependencies: dependencies))
    }()
}
