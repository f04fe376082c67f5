import Accounts
import HTTP
import JSON

/// One request on its way through a contract.
package final class Call {
    let request: Request
    let accounts: Accounts
    let trustedOrigins: Set<String>
    let route: Route
    private let contract: Contract
    private(set) var fields = Fields()
    private var upload: Upload?
    /// Whose request it is, once known; for the log.
    package private(set) var accountID: UInt64?
    /// The mistake of ours that kept it from being answered; for the log.
    private(set) var fault: String?
    /// The cookie whose life this request made longer, with its new life in seconds.
    private(set) var renewedCookie: (value: String, life: Int64)?
    /// The session cookies that came, those of other sites on this host among them; none where the contract has none.
    private(set) lazy var cookies = sessionCookies

    /// What a request shows to say whose it is, with what was found for it.
    package struct Known: Sendable {
        package let proof: Proof
        package let found: Result<Caller?, AccountsError>

        package init(proof: Proof, found: Result<Caller?, AccountsError>) {
            self.proof = proof
            self.found = found
        }
    }
    private let known: Known?

    init(
        _ request: Request, route: Route, contract: Contract, accounts: Accounts, trustedOrigins: Set<String>,
        known: Known? = nil
    ) {
        self.known = known
        self.trustedOrigins = trustedOrigins
        self.request = request
        self.route = route
        self.accounts = accounts
        self.contract = contract
    }

    var policy: Policy { contract.policy }

    /// A field of the body as the core takes it.
    func entry(_ name: String) -> Entry {
        switch fields[name] {
        case nil: .absent
        case .null: .null
        case .text(let text): .text(text)
        case .flag(let flag): .flag(flag)
        case .other, .file: .notText
        }
    }

    /// A switch as Pydantic takes one: `true`, `1`, `1.0` and some words, in any case.
    func lenientFlag(_ name: String) -> Entry {
        let isOn: Bool? =
            switch fields[name] {
            case .text(let text):
                switch text.utf8.count <= 5 ? text.lowercased() : "" {
                case "1", "on", "t", "true", "y", "yes": true
                case "0", "off", "f", "false", "n", "no": false
                default: nil
                }
            case .other(.integer(1)), .other(.double(1)): true
            case .other(.integer(0)), .other(.double(0)): false
            case nil, .null, .flag, .other, .file: nil
            }
        return isOn.map(Entry.flag) ?? entry(name)
    }

    /// A parameter of the query; no text where the query cannot be read.
    func parameter(_ name: String) -> Entry {
        guard let fields = try? URLEncoded.fields(in: request.query) else { return .notText }
        return fields.last { $0.name.utf8.elementsEqual(name.utf8) }.map { .text($0.value) } ?? .absent
    }

    /// The avatar field: a file, or empty text or null to remove the picture.
    func avatar(_ name: String) -> AvatarEntry {
        switch fields[name] {
        case nil, .file(hasName: false, size: 0): .absent
        case .null: .remove
        case .text(let text) where text.isEmpty: .remove
        case .file: upload.map(AvatarEntry.file) ?? .notAFile
        case .text, .flag, .other: .notAFile
        }
    }

    /// What the request shows to say whose it is: a bearer token or, where the contract has cookies, its cookie.
    func proof() throws(AccountsError) -> Proof {
        if let token = request.bearerToken { return try accounts.proof(accessToken: token) }
        if !cookies.isEmpty { return accounts.proof(cookies: cookies) }
        throw .refused(.notAuthenticated)
    }

    /// Who makes the request.
    func caller() throws(AccountsError) -> Caller {
        let proof: Proof
        let found: Caller?
        if let known {
            proof = known.proof
            found = try known.found.get()
        } else {
            proof = try self.proof()
            found = try accounts.sessions(of: [proof])[0]
        }
        var caller = try accounts.caller(proof, found)
        accountID = caller.account.id
        if case .cookie(let hashes) = proof {
            caller = try accounts.sliding(caller, by: policy)
            let cookie = zip(cookies, hashes).first { $0.1 == caller.cookieHash }?.0
            if let cookie, let life = caller.renewedCookieLife { renewedCookie = (cookie, life) }
        }
        return caller
    }

    /// Runs what needs the accounts, and translates why it was not done.
    func refusing<T>(_ body: () throws(AccountsError) -> T) throws(Failure) -> T {
        do throws(AccountsError) {
            return try body()
        } catch {
            throw failure(error)
        }
    }

    /// A mistake of ours is noted for the log: the client gets only the request's id.
    func failure(_ error: AccountsError) -> Failure {
        switch error {
        case .refused(let refusal): return .refused(refusal)
        case .fault(let text):
            fault = text
            return .internalError(requestID: request.id)
        }
    }

    /// Reads the body, where the route takes any field.
    func readFields() throws(Failure) {
        guard route.takesFields else { return }
        var failure: Failure?
        do throws(Fields.Failure) {
            fields = try Fields(
                of: request, accepting: route.encodings ?? contract.encodings,
                isMarkSkipped: contract.skipsByteOrderMark, fileField: route.file
            ) {
                do throws(AccountsError) {
                    let upload = try accounts.beginUpload()
                    // A second file of the name takes the place of the first.
                    self.upload = upload
                    return { upload.write($0) }
                } catch {
                    failure = self.failure(error)
                    return nil
                }
            }
        } catch {
            switch error {
            case .malformed(let reason): throw .malformed(reason)
            case .notJSON(let error, let character): throw .notJSON(error, character: character)
            case .notAnObject: throw .notAnObject
            case .unsupportedMediaType(let type): throw .unsupportedMediaType(type)
            case .tooLarge: throw .tooLarge
            case .cutShort: throw .malformed("The request's body is incomplete.")
            }
        }
        if let failure { throw failure }
    }
}
