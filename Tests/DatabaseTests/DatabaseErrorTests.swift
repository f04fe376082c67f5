import Testing

@testable import Database

@Suite struct DatabaseErrorTests {
    @Test(arguments: [
        (1040, "too many connections"), (1203, "too many of this user"), (1226, "over the user's share"),
        (1461, "too many prepared statements"), (1041, "out of memory"), (1135, "no new thread"),
        (1021, "disk full"), (1030, "got error 28 from storage engine"), (1114, "the table is full"),
        (1026, "error writing file"), (1180, "got error 28 during COMMIT"), (1290, "running with --read-only"),
        (1792, "in a READ ONLY transaction"), (1836, "running in read-only mode"), (1053, "shutdown in progress"),
        (1317, "query interrupted"), (1927, "connection was killed"), (1969, "statement took too long"),
        (1047, "a Galera node that is not ready"), (2002, "no server"), (2006, "gone away"), (2013, "lost"),
    ])
    func `what the server says of its own state may pass`(code: UInt32, meaning: String) {
        guard case .unavailable(code, meaning) = DatabaseError.from(code: code, message: meaning) else {
            Issue.record("\(code) \(meaning)")
            return
        }
    }

    @Test(arguments: [(1213, "deadlock"), (1205, "lock wait timeout"), (1020, "changed since last read")])
    func `a conflict with others is contention`(code: UInt32, meaning: String) {
        guard case .contention(code) = DatabaseError.from(code: code, message: meaning) else {
            Issue.record("\(code) \(meaning)")
            return
        }
    }

    @Test(arguments: [(1064, "syntax"), (1146, "no such table"), (1054, "no such column"), (1406, "too long")])
    func `a statement that does not fit the schema is a fault`(code: UInt32, meaning: String) {
        guard case .failed(code, meaning) = DatabaseError.from(code: code, message: meaning) else {
            Issue.record("\(code) \(meaning)")
            return
        }
    }
}
