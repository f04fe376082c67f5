import Accounts
import Contracts
import Glibc
import JSON
import TestSupport
import Testing

/// Whatever text a stranger sends in whatever field, to read it costs no more than to read as much ASCII.
///
/// To normalise and to compare such texts as Swift does takes the square of their length: 64 KiB took 2.6 s.
struct LongTextTests {
    let client: TestClient

    init() throws {
        // Wrong passwords are not the subject.
        let fixture = try AccountsFixture { $0.lockAfter = 1_000_000 }
        let client = TestClient(of: fixture)
        _ = ContractAPI.v1Profile.register("alice", at: client)
        self.client = client
    }

    private func access() -> String? { ContractAPI.v1Profile.openSession("alice", at: client).access }

    /// What every endpoint that changes something takes.
    private static let fields: [String: [String]] = [
        "/api/v1/auth/register/": ["username", "email", "password", "password_confirm"],
        "/api/v1/auth/login/": ["username", "password"],
        "/api/v1/auth/token/refresh/": ["refresh"],
        "/api/v1/profile/update/": ["email", "bio", "avatar"],
        "/api/v1/password/change/": ["old_password", "new_password", "new_password_confirm"],
        "/api/v1/auth/logout/": ["refresh"],
        "/api/auth/register/": ["username", "email", "password", "password2"],
        "/api/auth/login/": ["email", "password"],
        "/api/auth/token/refresh/": ["refresh"],
        "/api/auth/logout/": ["refresh"],
        "/api/user/register/": ["username", "email", "password", "password2"],
        "/api/user/login/": ["username", "password", "role"],
        "/api/user/update/": ["username", "email"],
        "/api/user/change-password/": ["current_password", "new_password", "confirm_password"],
        "/api/user/logout/": [],
        "/api/users/register": ["email", "password", "first_name", "last_name", "phone_number"],
        "/api/users/login": ["email", "password"],
        "/api/users/logout": [],
        "/api/users/refresh_token": [],
        "/api/users/reset_password": ["email", "old_password", "new_password"],
        "/api/users/reset-password": ["email", "old_password", "new_password"],
        "/api/v1/auth/register": ["username", "email", "password", "confirm_password", "full_name", "phone"],
        "/api/v1/auth/login": ["username", "password"],
        "/api/v1/auth/login/json": ["username", "password", "remember_me"],
        "/api/v1/auth/logout": [],
        "/api/v1/auth/refresh": [],
        "/api/v1/auth/change-password": ["old_password", "new_password"],
        "/api/v1/auth/forgot-password": ["email"],
        "/api/v1/auth/reset-password": ["token", "new_password"],
        "/api/account/": [
            "username", "email", "full_name", "first_name", "last_name", "phone", "bio", "language", "timezone",
            "theme", "current_password",
        ],
        "/api/account/avatar/": ["avatar"],
        "/api/account/password/": ["current_password", "new_password"],
        "/api/account/email/verification/": [],
        "/api/account/email/verify/": ["token"],
        "/api/account/email/undo/": ["token"],
        "/api/account/sessions/": [],
        "/api/account/sessions/{id}/": [],
    ]

    private static let endpoints = Router().targets.filter { !["-", "GET"].contains($0.method) }

    /// Each behind an `a`.
    static let worst = [
        // Marks out of their order, which are put in order one by one.
        "\u{301}\u{323}",
        // To know where one flag ends all before it are counted.
        "\u{1F1E9}",
        // One that is taken apart, and one that becomes eighteen.
        "\u{344}", "\u{FDFA}", "\r\n", "\"`",
    ]

    @Test func `the fields of every endpoint are known here`() {
        #expect(Set(Self.endpoints.map(\.path)) == Set(Self.fields.keys))
    }

    @Test(arguments: worst) func `no text in any field costs more than ASCII does`(unit: String) {
        for endpoint in Self.endpoints {
            // One for each: some end it.
            let access = access()
            let fields = Self.fields[endpoint.path] ?? []
            for field in fields + [nil] {
                let spent = least { seconds(endpoint, field, Self.text(unit), access) }
                guard spent > Self.most else { continue }
                let plain = seconds(endpoint, field, Self.text("b"), access)
                #expect(spent < 6 * plain, "\(endpoint.method) \(endpoint.path) \(field ?? "a name")")
            }
        }
    }

    @Test(arguments: worst) func `no text in a path, a query or a header costs more than ASCII does`(unit: String) {
        let text = Self.text(unit, bytes: 8192)
        let access = access()
        let targets = ["/\(text)", "/api/\(text)", "/api/v1/auth/\(text)/", "/api/user/list/?role=\(text)&\(text)=1"]
        for target in targets {
            let spent = least { cpuSeconds { _ = client.ask("GET", target, bearer: access) } }
            #expect(spent < Self.most, "\(target.prefix(24))")
        }
        for header in ["origin", "host", "sec-fetch-site", "cookie", "authorization", "content-type"] {
            let sent = [header: header == "authorization" ? "Bearer \(text)" : text]
            let spent = least {
                cpuSeconds {
                    _ = client.ask(
                        "POST", "/api/user/logout/", .json("{}"), cookie: header == "cookie" ? nil : "c", headers: sent)
                }
            }
            #expect(spent < Self.most, "\(header)")
        }
    }

    /// The processor's time for one request; a nil field is for a field of that name.
    private func seconds(_ endpoint: Router.Target, _ field: String?, _ text: String, _ access: String?) -> Double {
        let good: JSON = [
            "username": "bert", "email": "bert@school.example", "password": .string(goodPassword),
            "first_name": "A", "last_name": "B", "phone_number": "1",
        ]
        let isForm = endpoint.path == "/api/v1/auth/login"
        let (name, value) = field.map { ($0, text) } ?? (text, "x")
        let body = isForm ? Body.form("\(name)=\(value)") : .json(good.with(name, .string(value)))
        return cpuSeconds { _ = client.ask(endpoint.method, endpoint.path, body, bearer: access) }
    }

    /// A slow one is tried twice more.
    private func least(_ seconds: () -> Double) -> Double {
        let first = seconds()
        return first < Self.most ? first : min(first, seconds(), seconds())
    }

    /// Half of what a body may hold: a build for tests takes 20 ms to read that much.
    private static func text(_ unit: String, bytes: Int = 32_000) -> String {
        "a" + String(repeating: unit, count: bytes / (JSON.string(unit).bytes.count - 2))
    }

    /// Seconds; a build for tests is slow, and what takes the square of the length takes ten times as much.
    private static let most = 0.05
}

/// What a call takes of the processor.
private func cpuSeconds(_ call: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    call()
    return now() - start
}
