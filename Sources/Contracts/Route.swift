import Accounts
import HTTP
import JSON

/// One endpoint: what it takes, what it gives and how it can fail, and the handler that does it.
///
/// `open`, `signedIn` and `operations` are the only ways to declare one: a handler that needs an account cannot exist without
/// the check.
package final class Route: Sendable {
    /// The threads that answer a route, and their queue.
    package enum Executor: Sendable {
        /// Shows what was found of the caller: one round trip to the database answers many.
        case reading
        /// Changes texts of the own profile: one commit writes many. What changes something else too goes on to the route's
        /// own executor.
        case writing
        /// Reads or writes some rows.
        case light
        /// Hashes passwords.
        case passwords
        /// Decodes a picture.
        case pictures
        /// Reads and sends many rows, for as long as the client takes.
        case lists
        /// Finds out how the service is.
        case health
        /// Waits for nothing: the thread that takes requests in answers it itself.
        case immediate
    }

    package enum Access: Sendable {
        case everybody
        /// Whoever shows a bearer token, of which the handler says what it is good for.
        case bearer
        /// Only the holder of a living session.
        case signedIn
        /// Only who is inside the machine's own network, by nginx's mark; for others it is not there.
        case inside
    }

    package let method: Method
    package let path: String
    package let access: Access
    /// Where it is answered, if not for its body.
    package let executor: Executor
    /// What the document calls it.
    let title: String
    /// What the document puts over its field errors.
    let head: String
    let encodings: [Fields.Encoding]?
    /// The fields of the body; without any no body is read, whatever comes with the request.
    let inputs: [Input]
    /// The parameters of the query.
    let query: [Input]
    /// What stands in the path as `{name}`, in its last segment.
    let parameter: Input?
    /// The answer when all went well, for the description.
    let success: SuccessDescription
    /// The refusals that the document or the core has for this route beside those that all have.
    let refusals: [Refusal]
    /// This route's own words for a failure, before the contract's; nil leaves it to those.
    let answer: (@Sendable (Failure, FailureContext) -> Reply?)?
    /// Whether it also serves who has to change the password before anything else.
    let servesBeforeChange: Bool
    /// Whether it may give a browser a session, which no page of another origin may have it do.
    let setsCookie: Bool
    /// What its requests change of the own profile; nil where it does not change it, or never only texts.
    let change: (@Sendable (RequestContext) -> ProfileChange)?
    let handle: @Sendable (RequestContext, Accounts) throws(Failure) -> Reply

    /// The field whose file part is kept.
    var file: String? { inputs.first { $0.field == .avatar }?.name }
    var takesFields: Bool { !inputs.isEmpty }

    /// Where a request to it goes: a form that may hold a picture goes where those are decoded.
    package func executor(of request: Request) -> Executor {
        if file != nil, request.contentType?.essence == "multipart/form-data" { return .pictures }
        return change == nil ? executor : .writing
    }

    private init<Outcome>(
        _ method: Method, _ path: String, _ executor: Executor, access: Access, title: String, head: String,
        encodings: [Fields.Encoding]?, parameter: Input? = nil, takes inputs: [Input], query: [Input],
        gives success: Success<Outcome>,
        refuses refusals: [Refusal], answer: (@Sendable (Failure, FailureContext) -> Reply?)? = nil,
        servesBeforeChange: Bool = true, change: (@Sendable (RequestContext) -> ProfileChange)? = nil,
        handle: @escaping @Sendable (RequestContext, Accounts) throws(Failure) -> Reply
    ) {
        self.method = method
        self.path = path
        self.executor = executor
        self.access = access
        self.title = title
        self.head = head
        self.encodings = encodings
        self.inputs = inputs
        self.query = query
        self.parameter = parameter
        self.success = SuccessDescription(success)
        self.refusals = refusals
        self.answer = answer
        self.servesBeforeChange = servesBeforeChange
        self.setsCookie = success.setsCookie
        self.change = change
        self.handle = handle
    }

    /// An endpoint for everybody.
    ///
    /// - Parameters:
    ///   - head: what stands over field errors.
    ///   - inputs: the fields of the body.
    ///   - success: the answer, made of what the handler gives.
    ///   - refusals: how it can fail, beside what is wrong with the fields or the request.
    ///   - answer: its own words for a failure, before the contract's.
    static func open<Outcome>(
        _ method: Method, _ path: String, _ title: String, on executor: Executor = .light, failure head: String = "",
        encodings: [Fields.Encoding]? = nil, takes inputs: [Input] = [], gives success: Success<Outcome>,
        refuses refusals: [Refusal] = [], answer: (@Sendable (Failure, FailureContext) -> Reply?)? = nil,
        handle: @escaping @Sendable (RequestContext, Accounts) throws(AccountsError) -> Outcome
    ) -> Route {
        Route(
            method, path, executor, access: .everybody, title: title, head: head, encodings: encodings, takes: inputs,
            query: [], gives: success, refuses: refusals, answer: answer
        ) { context, accounts throws(Failure) in
            try context.refuseCrossOrigin()
            try context.readFields(accounts)
            return try context.refusing { () throws(AccountsError) in
                try success.reply(try handle(context, accounts), context)
            }
        }
    }

    /// An endpoint for the holder of a living session.
    ///
    /// - Parameter servesBeforeChange: whether it also serves who has to change the password before anything else.
    static func signedIn<Outcome>(
        _ method: Method, _ path: String, _ title: String, on executor: Executor = .light, failure head: String = "",
        encodings: [Fields.Encoding]? = nil, parameter: Input? = nil, takes inputs: [Input] = [], query: [Input] = [],
        gives success: Success<Outcome>, refuses refusals: [Refusal] = [], servesBeforeChange: Bool = false,
        change: (@Sendable (RequestContext) -> ProfileChange)? = nil,
        handle: @escaping @Sendable (RequestContext, Caller, Accounts) throws(AccountsError) -> Outcome
    ) -> Route {
        Route(
            method, path, executor, access: .signedIn, title: title, head: head, encodings: encodings,
            parameter: parameter, takes: inputs, query: query, gives: success, refuses: refusals,
            servesBeforeChange: servesBeforeChange, change: change
        ) { context, accounts throws(Failure) in
            // Before the body: strangers cannot make us keep a file.
            let me = try context.refusing { () throws(AccountsError) in try context.caller(accounts) }
            try context.readFields(accounts)
            return try context.refusing { () throws(AccountsError) in
                try success.reply(try handle(context, me, accounts), context)
            }
        }
    }

    /// An endpoint that shows the holder of a living session something of the own account, and looks at nothing else.
    static func reading(
        _ path: String, _ title: String, failure head: String = "", gives success: Success<Account>
    ) -> Route {
        signedIn(.get, path, title, on: .reading, failure: head, gives: success, servesBeforeChange: true) { _, me, _ in
            me.account
        }
    }

    /// An endpoint that changes the profile of the holder of a living session.
    ///
    /// - Parameter change: what a request changes. Where that is texts alone, many are written with one commit.
    static func updating(
        _ method: Method, _ path: String, _ title: String, on executor: Executor = .light, failure head: String = "",
        takes inputs: [Input], gives success: Success<Account>, refuses refusals: [Refusal] = [],
        change: @escaping @Sendable (RequestContext) -> ProfileChange
    ) -> Route {
        let hasTexts = inputs.contains { AccountColumn.isEditable($0.field) }
        return signedIn(
            method, path, title, on: executor, failure: head, takes: inputs, gives: success, refuses: refusals,
            change: hasTexts ? change : nil
        ) { context, me, accounts throws(AccountsError) in
            if let written = context.written { return try written.get() }
            return try accounts.updateProfile(of: me, change(context), by: context.policy)
        }
    }

    /// An endpoint that gives a new token for the bearer token that it is shown.
    static func renewing(
        _ path: String, _ title: String, gives success: Success<Credentials>, refuses refusals: [Refusal] = []
    ) -> Route {
        Route(
            .post, path, .light, access: .bearer, title: title, head: "", encodings: nil, takes: [], query: [],
            gives: success, refuses: refusals
        ) { context, accounts throws(Failure) in
            try context.refuseCrossOrigin()
            return try context.refusing { () throws(AccountsError) in
                guard let token = context.request.bearerToken else { throw .refused(.notAuthenticated) }
                return try success.reply(try accounts.renew(accessToken: token, by: context.policy), context)
            }
        }
    }

    /// A `GET` about the service itself, which knows no accounts.
    static func operations(
        _ path: String, _ executor: Executor, access: Access, _ title: String,
        answer: @escaping @Sendable (RequestContext) -> Reply
    ) -> Route {
        Route(
            .get, path, executor, access: access, title: title, head: "", encodings: nil, takes: [], query: [],
            gives: Success<Void>(status: 200, shape: nil), refuses: []
        ) { context, _ in answer(context) }
    }
}

/// A `Success` without the type of what its handler gives.
struct SuccessDescription: Sendable {
    let status: Int
    /// JSON Schema and an example of the body; nil where there is none.
    let body: (schema: JSON, example: JSON)?
    let headers: [(name: String, text: String)]

    init<Outcome>(_ success: Success<Outcome>) {
        status = success.status
        body = success.shape.map { ($0.schema, $0.example) }
        headers = success.headers
    }
}
