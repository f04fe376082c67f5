import Foundation
import TestSupport
import Testing

@testable import Accounts
@testable import Database

@Suite struct StatementTests {
    private var all: [any Query.Type] {
        Statements.all + [
            LeaseHolder.self, TakeLease.self, KeepLease.self, AppliedMigrations.self, RecordMigration.self,
            FreeMigrationLease.self, TablesOfDatabase.self, OtherConnections.self, AnyAccount.self,
        ]
    }

    @Test func `every statement fits the real schema`() throws {
        let connection = Connection(try TestEnvironment.freshDatabase())

        for type in all {
            #expect(throws: Never.self, "\(type)") { try connection.check(type) }
        }
    }

    @Test func `every statement in the sources is among those that are checked`() throws {
        let names = Set(all.map { "\($0)" })

        let declared = try declaredStatements()

        #expect(declared.count > 30)
        #expect(declared.subtracting(names).sorted() == [])
        #expect(names.subtracting(declared).sorted() == [])
    }

    /// The names of all types in Sources/ that are declared a `Query` or `Command`.
    private func declaredStatements() throws -> Set<String> {
        let sources = URL(filePath: #filePath).appending(path: "../../../Sources").standardized
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        var names: Set<String> = []
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(
                of: /(?:struct|enum|class|extension)\s+(\w+)\s*:[^{\n]*\b(?:Query|Command)\b[^{\n]*\{/)
            {
                names.insert(String(match.1))
            }
        }
        return names
    }
}
