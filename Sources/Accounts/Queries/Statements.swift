import Database

/// Every statement of the core, for a test to prepare against the real schema.
package enum Statements {
    /// All types that are a `Query`, `Command` included.
    package static var all: [any Query.Type] {
        [
            // AccountQueries.swift
            AccountByUsername.self, AccountByEmail.self, AccountForReset.self, AccountByID.self, TakenNames.self,
            CountPasswordForms.self, TakenUsernames.self, UsernameTaken.self, InsertAccount.self, UpdateProfile.self,
            UpdateTexts.self, LockedAccount.self,
            SetPassword.self, SetRole.self, SetStatus.self, AccountsAfter.self, AccountByAvatar.self,
            StoredAccountsAfter.self, DeleteAccount.self,
            // BackupQueries.swift
            LastBackup.self, RecordBackup.self, CountAccounts.self,
            // TransferQueries.swift
            InsertAccounts.self, InsertFewAccounts.self, SetBlocks.self, ReservedEmails.self, AccountsWithNames.self,
            UpdateTransferred.self, SetFirstAvatar.self,
            // PeopleQueries.swift
            People.self, CountOfNames.self, PeopleOfFewNames.self, NextBlock.self, PeopleInBlocks.self, SetBlock.self,
            SetMissingBlocks.self,
            // EmailChangeQueries.swift
            AddressForUpdate.self, ReservedEmail.self, EmailChangesOfAccount.self, KeepEmail.self,
            KeepResetAddress.self, RedirectResets.self, ForgetEmailChanges.self, DeleteEmailChanges.self,
            DeleteOldEmailChanges.self, ResetAddress.self,
            InsertUndoToken.self, EmailChangeByToken.self, RestoreEmail.self, DueNotice.self, SetNoticeTime.self,
            DropUnsentNotices.self, SetUndoTime.self,
            // EmailVerificationQueries.swift
            ScheduleVerification.self, VerificationRequestedAt.self, InsertVerificationToken.self,
            VerificationByToken.self,
            SpendVerificationToken.self, DeleteVerificationToken.self, DeleteVerificationTokens.self,
            DeleteOldVerificationTokens.self, SetVerified.self, DueVerification.self, ClaimVerification.self,
            SetVerificationTime.self,
            DropUnsentVerifications.self,
            // AddressKeys.swift
            StrangeAddresses.self, RewriteAddress.self, AddressHolder.self,
            // LoginFailureQueries.swift
            LockOf.self, CountFailure.self, ClearFailures.self, ForgetFailures.self, DeleteOldFailures.self,
            // PersonalData.swift
            SessionRecords.self, EmailChangeRecords.self, MailRecords.self, VerificationRecords.self, LinkRecords.self,
            FailureRecords.self,
            // MailQueries.swift
            ResetByToken.self, InsertReset.self, SpendReset.self, DeleteReset.self, DeleteResetsOfAccount.self,
            DeleteExpiredResets.self, RequestMail.self, MailTimes.self, AddMail.self, DueMail.self, ClaimMail.self,
            PostponeMail.self, CompleteMail.self, DeleteOldMail.self, DeleteUnsentMail.self, CountWaitingMails.self,
            // SessionQueries.swift
            SessionsByID.self, SessionsByCookie.self, SlideSession.self, NoteUse.self, SessionsOfAccount.self,
            InsertSession.self, BeginSession.self, RotateSession.self, DeleteSession.self, EndSession.self,
            EndOtherSessions.self,
            EndOldestSessions.self, EndSessions.self, KeepSession.self, EndUncountedSessions.self,
            DeleteEndedSessions.self,
            DeleteExpiredSessions.self,
        ]
    }
}
