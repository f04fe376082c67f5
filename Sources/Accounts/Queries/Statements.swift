import Database

/// Every statement of the core, for a test to prepare against the real schema.
package enum Statements {
    package static var all: [any Query.Type] {
        [
            // AccountQueries.swift
            AccountByUsername.self, AccountByEmail.self, AccountByID.self, TakenNames.self, UsernamesLike.self,
            InsertAccount.self, UpdateProfile.self, UpdateBio.self, UpdateBios.self, AvatarForUpdate.self,
            SetPassword.self, SetRole.self, SetStatus.self, AccountsAfter.self, AccountByAvatar.self,
            StoredAccountsAfter.self, DeleteAccount.self,
            // LoginFailureQueries.swift
            LockOf.self, CountFailure.self, ClearFailures.self, DeleteOldFailures.self,
            // MailQueries.swift
            ResetByToken.self, InsertReset.self, SpendReset.self, DeleteReset.self, DeleteResetsOfAccount.self,
            DeleteExpiredResets.self, RequestMail.self, DueMail.self, ClaimMail.self, PostponeMail.self,
            CompleteMail.self, DeleteOldMail.self, CountWaitingMails.self,
            // SessionQueries.swift
            SessionsByID.self, SessionByCookie.self, SlideSession.self, SessionsOfAccount.self,
            InsertSession.self, BeginSession.self, RotateSession.self, DeleteSession.self,
            DeleteOtherSessions.self, DeleteExpiredSessions.self,
        ]
    }
}
