import Database
import Pictures

/// What a person changes of the own profile, as it came; `.absent` leaves a field as it is.
package struct ProfileChange {
    /// A new username.
    package var username: Entry
    /// A new address, which is not verified then.
    package var email: Entry
    /// A new bio; null clears it.
    package var bio: Entry
    /// Other texts such as `.fullName` and `.phone`; null and "" clear them.
    package var details: [Field: Entry] = [:]
    /// `.language`, `.timezone` and `.theme`.
    package var preferences: [Field: Entry] = [:]
    /// A new picture, or none.
    package var avatar: AvatarEntry
    /// The account's password, without which neither address nor name become another one; nil where the contract does not
    /// ask for it.
    package var currentPassword: Entry?

    /// Changes what is not absent.
    package init(
        username: Entry = .absent, email: Entry = .absent, bio: Entry = .absent, avatar: AvatarEntry = .absent,
        currentPassword: Entry? = nil
    ) {
        self.currentPassword = currentPassword
        self.username = username
        self.email = email
        self.bio = bio
        self.avatar = avatar
    }
}

/// New texts and settings that were found good, to be written with nothing else.
package struct TextChange: Sendable {
    let texts: [Field: Change<String>]
    /// As it is once that is written.
    let account: Account
}

/// The avatar field as it came.
package enum AvatarEntry {
    case absent, remove
    /// Something that is neither a file nor empty.
    case notAFile
    case file(Upload)
}

extension Accounts {
    /// Changes what was sent, all of it or nothing, and answers with the account as it is then.
    ///
    /// A new email must be free, is no longer verified, and takes a username along that was the old one.
    package func updateProfile(
        of caller: Caller, _ change: ProfileChange, by policy: Policy
    ) throws(AccountsError) -> Account {
        let id = caller.account.id
        var validation = Validation()
        var name = validation.optional(change.username, .username, trimmed: true)
        var address = validation.optional(change.email, .email, trimmed: true)
        let isRenaming =
            name.map { CanonicalName($0) != CanonicalName(caller.account.username) } ?? false
            || address.map { CanonicalName($0) != CanonicalName(caller.account.email) } ?? false
        var proof: StoredAccount?
        if isRenaming, let password = change.currentPassword {
            let stored = try proven(password, of: caller, &validation)
            proof = stored
            // Who does not know the password is told nothing else of the name and the address.
            if validation.violations.contains(where: { $0.field == .currentPassword }) { (name, address) = (nil, nil) }
        }
        let username = validation.username(name, length: policy.usernameLength)
        let email = validation.email(address)
        if let email, username == nil, caller.account.username.unicodeScalars.contains("@"), !email.fitsUsername {
            // The username would have to follow it.
            validation.add(.email, .tooLong(Username.longest))
        }
        validation.names(
            username, email, taken: try takenNames(username, email, except: id),
            present: CanonicalName(caller.account.email))
        let texts = validation.texts(of: change)
        let avatar = try picture(change.avatar, &validation)
        try validation.refuseIfAny()

        var update = UpdateProfile(
            id: id, sessionID: caller.session.id, username: username, email: email,
            isSpellingOnly: change.currentPassword != nil && proof == nil, proof: proof,
            guesses: LoginSubject(session: caller.session.id), texts: texts, now: now, settings: dependencies.settings)
        var newFile: String?
        if let avatar {
            let file = try storing { () throws(MediaStore.Failure) in try dependencies.media.publish(avatar) }
            newFile = file
            update.avatar = .set(file)
        } else if case .remove = change.avatar {
            update.avatar = .clear
        }
        let oldFile: String?
        do throws(AccountsError) {
            oldFile = try apply(update)
        } catch {
            // Where it is unknown whether the row was written, the file stays: rather a stray file than a missing one.
            if let newFile, !error.leavesDoubt { dependencies.media.remove(newFile) }
            throw error
        }
        if let oldFile { dependencies.media.remove(oldFile) }
        // What nobody else writes is known: the row need not be read again.
        if username == nil, email == nil {
            var account = caller.account.changed(texts, at: update.now)
            account.avatar = update.avatar.applied(to: account.avatar)
            return account
        }
        let stored = try refusing { () throws(DatabaseError) in try database.first(AccountByID(id: id)) }
        guard var account = stored?.account else { throw .refused(.badToken) }
        account.forgetUndo(before: now)
        return account
    }

    /// A change of texts and settings alone; nil where it changes something else too, or something is wrong with it.
    package func textChange(_ change: ProfileChange, of caller: Caller) -> TextChange? {
        guard case (.absent, .absent, .absent) = (change.username, change.email, change.avatar) else { return nil }
        var validation = Validation()
        let texts = validation.texts(of: change)
        guard validation.violations.isEmpty else { return nil }
        return TextChange(texts: texts, account: caller.account.changed(texts, at: now))
    }

    /// Writes the texts of several people with one statement and one commit, which is most of what a small write costs.
    ///
    /// - Returns: for each the account as it is then, or why not; nil where it must be written alone, by `updateProfile`,
    ///   because somebody else holds the row.
    package func write(_ changes: [TextChange]) -> [Result<Account, AccountsError>?] {
        var results: [Result<Account, AccountsError>?] = []
        while results.count < changes.count {
            // At most one change of an account.
            var ids: Set<UInt64> = []
            let begin = results.count
            let batch = changes[begin...].prefix(UpdateTexts.max).prefix { ids.insert($0.account.id).inserted }
            do throws(DatabaseError) {
                let isWhole = try database.run(UpdateTexts(batch)).affectedRows == batch.count
                for change in batch {
                    // The others are written: only an account that is gone was not found.
                    let isThere = isWhole ? true : try database.first(AccountByID(id: change.account.id)) != nil
                    results.append(isThere ? .success(change.account) : .failure(.refused(.badToken)))
                }
            } catch {
                let failure = if case .contention = error { nil as AccountsError? } else { AccountsError(error) }
                results += batch.dropFirst(results.count - begin).map { _ in failure.map { .failure($0) } }
            }
        }
        return results
    }

    /// Writes the row and answers with the avatar that it named before, if another one took its place.
    private func apply(_ update: UpdateProfile) throws(AccountsError) -> String? {
        var isMoved = false
        let (isFound, old) = try inserting { () throws(DatabaseError) -> (Bool, String?) in
            return try database.transaction { () throws(DatabaseError) in
                // Locked, so that of two uploads at once each removes the file of its own predecessor.
                let avatar = try database.first(LockedAccount(id: update.id)) ?? nil
                let old = update.avatar.isKeep ? nil : avatar
                guard let email = update.email else {
                    guard try database.run(update).affectedRows == 1 else { return (false, nil) }
                    try forgetGuesses(update)
                    return (true, old)
                }
                guard let address = try database.first(AddressForUpdate(id: update.id)) else { return (false, nil) }
                isMoved = address.key != email.canonical.key
                var update = update
                // Mail must not go elsewhere unseen: such a spelling is only another way to sign in.
                if !isMoved, !email.isMailbox(address.email) { update.email = nil }
                guard try database.run(update).affectedRows == 1 else { return (false, nil) }
                if isMoved {
                    // Links that were mailed to the old address must not outlive it.
                    try database.run(DeleteResetsOfAccount(accountID: update.id))
                    try keep(address, of: update.id, changedTo: email.canonical, now: update.now)
                    try database.run(SetUndoTime(accountID: update.id))
                    try scheduleVerification(of: update.id, now: update.now)
                }
                try forgetGuesses(update)
                return (true, old)
            }
        }
        if isMoved { report(.emailChanged, update.id) }
        if isFound, update.username != nil { report(.usernameChanged, update.id) }
        if isFound { return old }
        if update.proof != nil { try refuseIfLocked(update.guesses) }
        // Deleted or signed out in between, or the email that the username repeats was changed.
        if update.username?.isAddress == true { throw .refused(.invalid([Violation(.username, .foreignAddress)])) }
        throw .refused(.badToken)
    }

    private func forgetGuesses(_ update: UpdateProfile) throws(DatabaseError) {
        if update.proof != nil { try database.run(ClearFailures(subject: update.guesses.digest)) }
    }

    /// The avatar that an upload becomes; nil where there is none or it cannot be one.
    func picture(_ entry: AvatarEntry, _ validation: inout Validation) throws(AccountsError) -> MediaStore
        .Avatar?
    {
        switch entry {
        case .absent, .remove: return nil
        case .notAFile: validation.add(.avatar, .notAFile)
        case .file(let upload):
            if upload.size == 0 {
                validation.add(.avatar, .emptyFile)
            } else if upload.size > Upload.largest {
                validation.add(.avatar, .fileTooLarge(bytes: Upload.largest))
            } else {
                let result = try storing { () throws(MediaStore.Failure) in
                    try withPicturePermit { () throws(MediaStore.Failure) in try dependencies.media.encode(upload) }
                }
                guard let result else { throw .refused(.unavailable) }
                switch result {
                case .success(let avatar): return avatar
                case .failure(.notAPicture): validation.add(.avatar, .notAPicture)
                case .failure(.tooManyPixels): validation.add(.avatar, .tooManyPixels)
                case .failure(.tooLong): validation.add(.avatar, .tooLongSide(AvatarEncoder.maxSide))
                }
                counted.picturesRefused += 1
            }
        }
        return nil
    }

    /// A file to take an upload.
    package func beginUpload() throws(AccountsError) -> Upload {
        try storing { () throws(MediaStore.Failure) in try dependencies.media.beginUpload() }
    }

    func storing<T>(_ body: () throws(MediaStore.Failure) -> T) throws(AccountsError) -> T {
        do throws(MediaStore.Failure) {
            return try body()
        } catch {
            // A busy machine is no fault of the disk.
            if case .busy = error { throw .refused(.unavailable) }
            dependencies.report(.storageFailed(error.description))
            throw .refused(.unavailable)
        }
    }
}

extension Account {
    /// With new texts and settings.
    fileprivate func changed(_ texts: [Field: Change<String>], at time: Instant) -> Account {
        var account = self
        for (field, column) in AccountColumn.editable {
            if let change = texts[field] { column.apply(change, to: &account) }
        }
        account.updatedAt = time
        return account
    }
}

extension AccountsError {
    /// Whether what was refused may have been written all the same.
    fileprivate var leavesDoubt: Bool {
        if case .refused(.unavailable) = self { return true }
        return false
    }
}

extension Validation {
    /// The new texts and settings, each that does not stay.
    fileprivate mutating func texts(of change: ProfileChange) -> [Field: Change<String>] {
        var texts = details(change.details)
        texts[.bio] = bio(change.bio)
        texts.merge(preferences(change.preferences)) { $1 }
        return texts
    }

    /// What a person says in one line each; null and "" take it away.
    fileprivate mutating func details(_ entries: [Field: Entry]) -> [Field: Change<String>] {
        var account = Account(createdAt: Instant(microseconds: 0))
        details(entries, required: [], into: &account)
        var changes: [Field: Change<String>] = [:]
        for column in AccountColumn.texts where !column.isMultiline {
            switch entries[column.field] ?? .absent {
            case .absent, .notText, .flag: continue
            case .null: changes[column.field] = .clear
            case .text:
                changes[column.field] = account[column.path].flatMap { $0.isEmpty ? nil : .set($0) } ?? .clear
            }
        }
        return changes
    }

    /// Words that must be among some; absent ones stay.
    fileprivate mutating func preferences(_ entries: [Field: Entry]) -> [Field: Change<String>] {
        var changes: [Field: Change<String>] = [:]
        for field in [Field.language, .timezone, .theme] {
            guard let word = optional(entries[field] ?? .absent, field) else { continue }
            let isKnown =
                switch field {
                case .language: Account.languages.contains(word)
                case .theme: Account.themes.contains(word)
                // Far longer than the longest of them.
                default: word.utf8.count <= 64 && TimeZoneNames.all.contains(word)
                }
            if isKnown { changes[field] = .set(word) } else { add(field, .notAChoice) }
        }
        return changes
    }

    mutating func bio(_ entry: Entry) -> Change<String> {
        switch entry {
        case .absent: return .keep
        case .null: return .clear
        case .notText, .flag: add(.bio, .notText)
        case .text(let text):
            check(text, .bio, max: Account.maxBio) { !$0.isControl || $0.isLineBreak || $0 == "\t" }
            return .set(text)
        }
        return .keep
    }
}
