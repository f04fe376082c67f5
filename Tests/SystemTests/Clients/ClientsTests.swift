import Testing

/// HTTP and JWT libraries that other people wrote, as frontends and services use them, against the whole running system.
struct ClientsTests {
    @Test(arguments: ClientScript.all) func `a script states facts`(script: ClientScript) throws {
        #expect(try script.facts().count > 2)
    }

    @Test(arguments: try ClientScript.all.flatMap { try $0.facts() })
    func `other people's clients find what they expect`(fact: ClientScript.Fact) throws {
        let report = try fact.script.report()

        let reason = report.reason(against: fact)

        #expect(reason == nil)
    }
}
