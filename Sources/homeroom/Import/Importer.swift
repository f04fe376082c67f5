import Accounts
import Glibc
import JSON
import Secrets
import System

/// Takes in what a source has, some records at a time.
struct Importer {
    /// What was done with how many records.
    struct Counts {
        var taken = 0
        var changed = 0
        var unchanged = 0
        /// Here already, with something else than the record.
        var differing = 0
        var refused = 0
    }

    let root: CompositionRoot
    let options: ImportOptions
    let isDry: Bool
    let updates: Bool
    /// What messages begin with.
    let place: String
    let refusals: RefusedFile
    let slips: PasswordSlips?
    private let accounts: Accounts
    /// In a dry run, which names stood in which record: nothing is in the database that a later one could meet.
    private let seen: SeenNames?

    private(set) var counts = Counts()
    private var progress = ImportProgress()
    private var batch: [Item] = []
    private var keys: Set<String> = []
    /// Whether all of the records before were new.
    private var areNew = false

    private struct Item {
        var record: ImportRecord
        /// nil where the record is refused already.
        let transfer: CheckedTransfer?
        var refusal: String?
    }

    /// A terminal is told of no more refused records than this; the file has all of them.
    private static let maxComplaints = 1000

    init(
        _ root: CompositionRoot, _ options: ImportOptions, isDry: Bool, updates: Bool, place: String,
        refusals: RefusedFile, slips: PasswordSlips?
    ) throws(CommandError) {
        (self.root, self.options, self.isDry, self.updates) = (root, options, isDry, updates)
        (self.place, self.refusals, self.slips) = (place, refusals, slips)
        accounts = root.accounts()
        seen = isDry ? try SeenNames() : nil
    }

    mutating func run(_ source: any ImportSource) throws(CommandError) {
        var source = source
        var count = 0
        defer { if !isDry { accounts.noteImport(of: counts.taken) } }
        while let record = try source.next() {
            try add(record)
            count += 1
            progress.show(count, source.progress)
        }
        try flush()
        progress.clear()
    }

    private mutating func add(_ record: ImportRecord) throws(CommandError) {
        var record = record
        let transfer: CheckedTransfer
        do throws(LineRefusal) {
            transfer = try record.transfer(accounts, options)
        } catch {
            batch.append(Item(record: record, transfer: nil, refusal: error.text))
            if batch.count >= Accounts.transferBatch { try flush() }
            return
        }
        // Two with one name: the second meets what the first has become.
        let names = [transfer.usernameKey.map { "u" + $0 }, "e" + transfer.emailKey].compactMap { $0 }
        if !keys.isDisjoint(with: names) { try flush() }
        keys.formUnion(names)
        batch.append(Item(record: record, transfer: transfer))
        if batch.count >= Accounts.transferBatch { try flush() }
    }

    // MARK: Some records

    private mutating func flush() throws(CommandError) {
        guard !batch.isEmpty else { return }
        var items = batch
        batch = []
        keys = []
        if try takeAtOnce(items) { return }
        let plans = try plans(of: items)
        var new: [Int] = []
        var known: [(index: Int, account: KnownAccount)] = []
        for (index, plan) in plans.enumerated() {
            switch plan {
            case nil: break
            case .new: new.append(index)
            case .known(let account): known.append((index, account))
            case .emailTaken(let id): items[index].refusal = "email: account \(id) has it, with another username"
            case .usernameTaken(let id):
                items[index].refusal =
                    "username: account \(id) has it, with another email. Take another, or none: then one is made"
            case .bothTaken(let one, let other):
                items[index].refusal = "username: account \(one) has it; email: account \(other) has it"
            case .otherID(let id): items[index].refusal = "id: the account with that username and email is \(id)"
            }
        }
        areNew = new.count == items.count
        if isDry { try foretell(&items, new, known) } else { try write(&items, new, known) }
        for item in items { if let reason = item.refusal { try refuse(item.record, reason) } }
    }

    /// Where all were new the next ones may be too: then there is nothing to look up.
    private mutating func takeAtOnce(_ items: [Item]) throws(CommandError) -> Bool {
        let transfers = items.compactMap(\.transfer)
        guard areNew, !isDry, transfers.count == items.count,
            !items.contains(where: { $0.record.picture != nil || $0.transfer?.passwordHash.isEmpty == true })
        else { return false }
        areNew = try stopping(at: items[0].record.number) { () throws(AccountsError) in
            try accounts.takeOverAtOnce(transfers)
        }
        if areNew { counts.taken += transfers.count }
        return areNew
    }

    private mutating func plans(of items: [Item]) throws(CommandError) -> [TransferPlan?] {
        let first = items[0].record.number
        let found = try stopping(at: first) { () throws(AccountsError) in
            try accounts.plans(items.compactMap(\.transfer))
        }
        var rest = found[...]
        return items.map { $0.transfer == nil ? nil : rest.popFirst() }
    }

    private mutating func write(
        _ items: inout [Item], _ new: [Int], _ known: [(index: Int, account: KnownAccount)]
    ) throws(CommandError) {
        let first = items[0].record.number
        let withPicture = known.filter { items[$0.index].record.picture != nil && !$0.account.hasAvatar }
        let prepared = try stopping(at: first) { () throws(AccountsError) in
            try prepare(items, new + withPicture.map(\.index))
        }
        var transfers: [(index: Int, transfer: CheckedTransfer)] = []
        var sheet: [PasswordSlips.Slip] = []
        for index in new {
            guard var transfer = items[index].transfer else { continue }
            if let result = prepared[index] {
                if let refusal = result.refusal {
                    items[index].refusal = refusal
                    continue
                }
                if let hash = result.hash {
                    transfer.passwordHash = hash
                    if options.mustChange { transfer.account.mustChangePassword = true }
                }
                if let avatar = result.avatar { transfer.account.avatar = avatar }
                if let slip = result.slip { sheet.append(slip) }
            }
            transfers.append((index, transfer))
        }
        let begin = sheet.isEmpty ? nil : try slips?.write(sheet)
        // Where the answer is in doubt pictures stay: the janitor knows whether a row names them.
        let outcomes = try stopping(at: first) { () throws(AccountsError) in
            try accounts.takeOver(transfers.map(\.transfer))
        }
        for ((index, transfer), violations) in zip(transfers, outcomes) {
            guard !violations.isEmpty else {
                counts.taken += 1
                continue
            }
            items[index].refusal = OperatorRules.text(violations)
            if let avatar = transfer.account.avatar, prepared[index]?.avatar != nil { accounts.discardAvatar(avatar) }
        }
        if let begin, let slips, transfers.contains(where: { items[$0.index].refusal != nil }) {
            try slips.takeBack(to: begin)
            let kept = transfers.filter { items[$0.index].refusal == nil }.compactMap { prepared[$0.index]?.slip }
            _ = try slips.write(kept)
        }
        for (index, account) in known { try bring(&items[index], account, prepared[index]) }
    }

    private mutating func bring(
        _ item: inout Item, _ account: KnownAccount, _ prepared: Prepared?
    ) throws(CommandError) {
        guard let transfer = item.transfer else { return }
        var isChanged = false
        if let prepared {
            if let refusal = prepared.refusal {
                item.refusal = refusal
                return
            }
            if let avatar = prepared.avatar {
                isChanged = try stopping(at: item.record.number) { () throws(AccountsError) in
                    try accounts.setAvatar(avatar, of: account)
                }
                if !isChanged { accounts.discardAvatar(avatar) }
            }
        }
        if updates, !account.differences.isEmpty {
            let isDone = try stopping(at: item.record.number) { () throws(AccountsError) in
                try accounts.update(account, transfer)
            }
            guard isDone else {
                item.refusal = "account \(account.id) was changed at the same moment. Import it again"
                return
            }
            isChanged = true
        } else if !account.differences.isEmpty {
            counts.differing += 1
            return
        }
        if isChanged { counts.changed += 1 } else { counts.unchanged += 1 }
    }

    private mutating func refuse(_ record: ImportRecord, _ reason: String) throws(CommandError) {
        counts.refused += 1
        progress.clear()
        if counts.refused <= Importer.maxComplaints {
            Homeroom.complain("homeroom: \(place):\(record.number): \(reason)")
        } else if counts.refused == Importer.maxComplaints + 1 {
            Homeroom.complain("homeroom: \(place): more are refused, which are not told here")
        }
        try refusals.write(record, because: reason)
    }

    /// What comes behind an error of the database would fare no better.
    private func stopping<T>(
        at number: Int, _ body: () throws(AccountsError) -> T
    ) throws(CommandError) -> T {
        do throws(AccountsError) {
            return try body()
        } catch {
            Homeroom.complain("homeroom: \(place):\(number): \(UserCommand.text(error))")
            throw .refused(
                "stopped at \(place):\(number); \(counts.taken) were taken in. Run it again: who is in stays as they are"
            )
        }
    }

    // MARK: A dry run

    private mutating func foretell(
        _ items: inout [Item], _ new: [Int], _ known: [(index: Int, account: KnownAccount)]
    ) throws(CommandError) {
        for index in new {
            guard let transfer = items[index].transfer else { continue }
            let record = items[index].record
            if let text = try seen?.meet(transfer, record.number) {
                if text.isRefused { items[index].refusal = text.text } else { tell(record, text.text, \.unchanged) }
            } else if let refusal = trouble(record, transfer) {
                items[index].refusal = refusal
            } else {
                tell(record, "new: \(transfer.usernameText ?? "username made from the email")", \.taken)
            }
        }
        for (index, account) in known {
            let record = items[index].record
            let names = account.differences.joined(separator: ", ")
            if names.isEmpty {
                tell(record, "account \(account.id), nothing to change", \.unchanged)
            } else if updates {
                tell(record, "account \(account.id) gets another \(names)", \.changed)
            } else {
                tell(record, "account \(account.id) has another \(names), and keeps it without --update", \.differing)
            }
        }
    }

    private mutating func tell(_ record: ImportRecord, _ text: String, _ count: WritableKeyPath<Counts, Int>) {
        counts[keyPath: count] += 1
        print("\(place):\(record.number): \(text)")
    }

    /// What would be wrong with a password or a picture.
    private func trouble(_ record: ImportRecord, _ transfer: CheckedTransfer) -> String? {
        if let password = record.password {
            let found = transfer.violations(of: password, rules: OperatorRules.passwords)
            if !found.isEmpty { return OperatorRules.text(found) }
        }
        if let picture = record.picture, let media = options.media {
            let file = MediaFile.open(picture, below: media)
            if file < 0 { return MediaFile.refusal }
            close(file)
        }
        return nil
    }

    // MARK: Passwords and pictures

    /// What takes long to make for a record.
    private struct Prepared: Sendable {
        var refusal: String?
        var hash: String?
        var avatar: String?
        var slip: PasswordSlips.Slip?
    }

    /// Hashes and decodes on all cores. One at a time for each core, so that memory stays bounded.
    private func prepare(_ items: [Item], _ indices: [Int]) throws(AccountsError) -> [Int: Prepared] {
        let jobs = indices.compactMap { index -> Job? in
            guard let transfer = items[index].transfer else { return nil }
            let record = items[index].record
            let isGenerated =
                options.passwords == .generate && transfer.passwordHash.isEmpty
            guard record.password != nil || isGenerated || record.picture != nil else { return nil }
            return Job(
                index: index, transfer: transfer, password: record.password, isGenerated: isGenerated,
                picture: record.picture)
        }
        guard !jobs.isEmpty else { return [:] }
        let results = Guarded<[Int: Prepared]>([:])
        let failure = Guarded<AccountsError?>(nil)
        let next = Guarded(0)
        let (root, media) = (root, options.media)
        let threads = (0..<min(CompositionRoot.cores, jobs.count)).map { _ in
            POSIXThread(name: "import") {
                let accounts = root.accounts()
                while case let number = next.withLock({ next in
                    defer { next += 1 }
                    return next
                }), number < jobs.count, failure.withLock({ $0 == nil }) {
                    do throws(AccountsError) {
                        let prepared = try Importer.prepare(jobs[number], accounts, root, media)
                        results.withLock { $0[jobs[number].index] = prepared }
                    } catch {
                        failure.withLock { $0 = error }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        let made = results.withLock { $0 }
        guard let error = failure.withLock({ $0 }) else { return made }
        // No row will name them.
        for avatar in made.values.compactMap(\.avatar) { accounts.discardAvatar(avatar) }
        throw error
    }

    private struct Job: Sendable {
        let index: Int
        let transfer: CheckedTransfer
        let password: String?
        let isGenerated: Bool
        let picture: String?
    }

    private static func prepare(
        _ job: Job, _ accounts: Accounts, _ root: CompositionRoot, _ media: String?
    ) throws(AccountsError) -> Prepared {
        var prepared = Prepared()
        do throws(AccountsError) {
            if let password = job.password {
                let found = job.transfer.violations(of: password, rules: OperatorRules.passwords)
                guard found.isEmpty else { throw .refused(.invalid(found)) }
                prepared.hash = try accounts.hashNew(password)
            } else if job.isGenerated {
                let password = PasswordSlips.password(root.dependencies.random)
                prepared.hash = try accounts.hashNew(password)
                let account = job.transfer.account
                let name =
                    account.fullName ?? [account.lastName, account.firstName].compactMap { $0 }.joined(separator: " ")
                prepared.slip = PasswordSlips.Slip(
                    name: name, username: job.transfer.usernameText, email: job.transfer.emailText, password: password)
            }
            if let picture = job.picture, let media {
                guard let upload = try MediaFile.upload(picture, below: media, to: accounts) else {
                    prepared.refusal = MediaFile.refusal
                    return prepared
                }
                prepared.avatar = try accounts.publishAvatar(upload)
            }
        } catch .refused(.invalid(let violations)) {
            prepared.refusal = OperatorRules.text(violations)
        }
        return prepared
    }
}

/// A picture of another system, below the folder that the operator names.
private enum MediaFile {
    static let refusal = "avatar: the folder of --media has no such file. Copy it there, or leave it out"

    /// No link is followed: others may have written that folder.
    static func open(_ path: String, below folder: String) -> Int32 {
        var descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let steps = path.split(separator: "/")
        for (number, step) in steps.enumerated() where descriptor >= 0 {
            let kind = number == steps.count - 1 ? O_NONBLOCK : O_DIRECTORY
            let next = openat(descriptor, String(step), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind)
            close(descriptor)
            descriptor = next
        }
        var status = stat()
        guard descriptor >= 0 else { return -1 }
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return -1
        }
        return descriptor
    }

    /// nil where there is none.
    static func upload(_ path: String, below folder: String, to accounts: Accounts) throws(AccountsError) -> Upload? {
        let file = open(path, below: folder)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let upload = try accounts.beginUpload()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        while count <= Upload.largest, case let got = read(file, &buffer, buffer.count), got != 0 {
            guard got > 0 else { return nil }
            count += got
            buffer.withUnsafeBytes { upload.write(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
        }
        return upload
    }
}

/// Which names stood in which record before.
private final class SeenNames {
    private let find: SQLite.Statement
    private let add: SQLite.Statement

    init() throws(CommandError) {
        let scratch = try SQLite()
        try scratch.run("CREATE TABLE names (key TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID; BEGIN")
        find = try scratch.statement("SELECT number FROM names WHERE key = ?")
        add = try scratch.statement("INSERT INTO names VALUES (?, ?)")
    }

    /// Notes the names of a record; nil where they are new.
    func meet(_ transfer: CheckedTransfer, _ number: Int) throws(CommandError) -> (text: String, isRefused: Bool)? {
        let username =
            try transfer.usernameKey.map { key throws(CommandError) in
                try find.first(["u" + key])?.first ?? nil
            } ?? nil
        let email = try find.first(["e" + transfer.emailKey])?.first ?? nil
        switch (username, email) {
        case (nil, nil):
            if let key = transfer.usernameKey { try add.run(["u" + key, String(number)]) }
            try add.run(["e" + transfer.emailKey, String(number)])
            return nil
        case (let one?, let other?) where one == other: return ("the person of record \(one)", false)
        case (nil, let other?):
            return transfer.usernameKey == nil
                ? ("the person of record \(other)", false)
                : ("email: record \(other) has it, with another username", true)
        case (let one?, nil): return ("username: record \(one) has it, with another email", true)
        case (let one?, let other?): return ("username: record \(one) has it; email: record \(other) has it", true)
        }
    }
}
