import Testing

@testable import Database

@Suite struct TypesTests {
    @Test(arguments: ["", "a", "héllo", "王小明", "🙂👩‍👩‍👧‍👦", "a\u{0301}", " blanks at both ends ", "it's \"q\" \\ % _", "a\0b"])
    func `text comes back as it was`(text: String) throws {
        let connection = try Box.connection()

        try connection.run(PutWords(words: text))

        let words = try connection.rows(Words())
        #expect(words.count == 1)
        #expect(words.first??.utf8.elementsEqual(text.utf8) == true)
    }

    @Test(arguments: [[], [0], [0xFF, 0x00, 0x27, 0x5C, 0x80], [UInt8](0...255)] as [[UInt8]])
    func `bytes come back as they were`(bytes: [UInt8]) throws {
        let connection = try Box.connection()

        try connection.run(PutBytes(bytes: bytes))

        #expect(try connection.rows(Bytes()) == [bytes])
    }

    @Test(
        arguments: [0, 1, 9_223_372_036_854_775_807, 9_223_372_036_854_775_808, 18_446_744_073_709_551_615] as [UInt64])
    func `an unsigned number of 64 bits comes back as it was`(number: UInt64) throws {
        let connection = try Box.connection()

        try connection.run(PutNumbers(big: number, small: 0))

        #expect(try connection.rows(Numbers()) == [.init(big: number, small: 0)])
    }

    @Test(arguments: [-2_147_483_648, -1, 0, 2_147_483_647] as [Int64])
    func `a signed number of a narrow column comes back as it was`(number: Int64) throws {
        let connection = try Box.connection()

        try connection.run(PutNumbers(big: 0, small: number))

        #expect(try connection.rows(Numbers()) == [.init(big: 0, small: number)])
    }

    @Test func `NULL is nil and the empty text is not`() throws {
        let connection = try Box.connection()

        try connection.run(PutWords(id: 1, words: nil))
        try connection.run(PutWords(id: 2, words: ""))

        #expect(try connection.rows(Words()) == [nil, ""])
    }

    @Test func `NULL where none is expected is an error`() throws {
        let connection = try Box.connection()
        try connection.run(PutWords(words: nil))

        let error = failure { () throws(DatabaseError) in try connection.rows(Bytes()) }

        #expect(error?.description == "database: 0 column 1: NULL where none is expected")
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00.000000"),
            (1, "1970-01-01 00:00:00.000001"),
            (-1, "1969-12-31 23:59:59.999999"),
            (-86_400_000_000, "1969-12-31 00:00:00.000000"),
            (1_753_515_759_508_828, "2025-07-26 07:42:39.508828"),
            (951_782_400_000_000, "2000-02-29 00:00:00.000000"),
            (951_868_799_999_999, "2000-02-29 23:59:59.999999"),
            (951_868_800_000_000, "2000-03-01 00:00:00.000000"),
            (1_709_164_800_000_000, "2024-02-29 00:00:00.000000"),
            (1_709_251_200_000_000, "2024-03-01 00:00:00.000000"),
            (1_740_787_199_999_999, "2025-02-28 23:59:59.999999"),
            (1_740_787_200_000_000, "2025-03-01 00:00:00.000000"),
            (1_735_689_599_999_999, "2024-12-31 23:59:59.999999"),
            (1_735_689_600_000_000, "2025-01-01 00:00:00.000000"),
            (4_107_542_400_000_000, "2100-03-01 00:00:00.000000"),
            (4_107_542_399_999_999, "2100-02-28 23:59:59.999999"),
            (-2_203_891_200_000_001, "1900-02-28 23:59:59.999999"),
            (-2_203_891_200_000_000, "1900-03-01 00:00:00.000000"),
            (-30_610_224_000_000_000, "1000-01-01 00:00:00.000000"),
            (253_402_300_799_999_999, "9999-12-31 23:59:59.999999"),
        ] as [(Int64, String)])
    func `a time is written as that date and comes back as it was`(microseconds: Int64, text: String) throws {
        let connection = try Box.connection()

        try connection.run(PutMoment(microseconds: microseconds))

        #expect(try connection.rows(Moment()) == [.init(microseconds: microseconds, text: text)])
    }

    @Test(arguments: [65_534, 65_535, 65_536, 65_537, 1_000_000])
    func `a text of that many bytes comes back whole`(count: Int) throws {
        let connection = try Box.connection()
        let text = String(repeating: "x", count: count - 1) + "y"

        try connection.run(PutWords(words: text))

        #expect(try connection.rows(Words()) == [text])
    }

    @Test func `short and long texts of one result do not disturb each other`() throws {
        let connection = try Box.connection()
        let texts = [
            "short", String(repeating: "長", count: 50_000), nil, "", String(repeating: "y", count: 70_000), "end",
        ]

        for (id, text) in texts.enumerated() { try connection.run(PutWords(id: Int64(id), words: text)) }

        #expect(try connection.rows(Words()) == texts)
        #expect(try connection.rows(Words()) == texts)
    }

    @Test func `a value that does not fit its column is an error`() throws {
        let connection = try Box.connection()

        let error = failure { () throws(DatabaseError) in
            try connection.run(PutNumbers(big: 0, small: 2_147_483_648))
        }

        #expect(error?.code == 1264)
    }

    @Test func `a statement with another number of parameters is an error`() throws {
        struct Wrong: Command {
            static let sql: SQL = "INSERT INTO box (id, words) VALUES (?, ?)"
            var parameters: [SQLValue] { [.integer(1)] }
        }
        let connection = try Box.connection()

        let error = failure { () throws(DatabaseError) in try connection.run(Wrong()) }

        #expect(error?.description == "database: 0 1 parameters for 2 question marks")
    }

    @Test func `a command says which id a row got and how many rows it found`() throws {
        struct Add: Command {
            static let sql: SQL = "INSERT INTO numbered (value) VALUES (7)"
            var parameters: [SQLValue] { [] }
        }
        struct Same: Command {
            static let sql: SQL = "UPDATE numbered SET value = 7"
            var parameters: [SQLValue] { [] }
        }
        let connection = try Box.connection()
        try connection.execute("CREATE TABLE numbered (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, value INT)")

        #expect(try connection.run(Add()).insertedID == 1)
        #expect(try connection.run(Add()).insertedID == 2)
        #expect(try connection.run(Same()).affectedRows == 2)
    }

    @Test(arguments: [
        "plain", "it's", "'x' for key 'PRIMARY", "' for key 'other'", String(repeating: "長'", count: 250),
    ])
    func `a duplicate names its index, whatever the value`(text: String) throws {
        struct Add: Command {
            static let sql: SQL = "INSERT INTO named (words) VALUES (?)"
            let words: String
            var parameters: [SQLValue] { [.text(words)] }
        }
        let connection = try Box.connection()
        try connection.execute(
            "CREATE TABLE named (words VARCHAR(500), UNIQUE KEY words_key (words)) DEFAULT CHARACTER SET utf8mb4")
        try connection.run(Add(words: text))

        let error = failure { () throws(DatabaseError) in try connection.run(Add(words: text)) }

        guard case .duplicate(let index) = error else {
            Issue.record("no duplicate: \(String(describing: error))")
            return
        }
        #expect(index == "words_key")
    }

    @Test func `a reference to a missing row is told apart`() throws {
        struct Add: Command {
            static let sql: SQL = "INSERT INTO child (parent) VALUES (9)"
            var parameters: [SQLValue] { [] }
        }
        let connection = try Box.connection()
        try connection.execute("CREATE TABLE child (parent INT, FOREIGN KEY (parent) REFERENCES box (id))")

        let error = failure { () throws(DatabaseError) in try connection.run(Add()) }

        guard case .missingReference = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a statement that does not fit the schema fails its check`() throws {
        struct Wrong: Query {
            static let sql: SQL = "SELECT nothing FROM box"
            var parameters: [SQLValue] { [] }
            static func row(_ columns: inout Columns) throws(DatabaseError) {}
        }
        let connection = try Box.connection()

        let error = failure { () throws(DatabaseError) in try connection.check(Wrong.self) }

        #expect(error?.code == 1054)
    }
}
