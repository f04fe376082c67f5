import Contracts
import Glibc
import JSON
import System

/// `homeroom openapi [CONTRACT] [--html]`: prints what `/api/openapi.json` and `/docs/` answer. Needs no settings.
enum OpenAPICommand {
    static func run(_ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let isPage = arguments.flag("html")
        var contracts = Router.documented
        if !arguments.isEmpty {
            let name = try arguments.next("a contract")
            contracts = contracts.filter { $0.name == name }
            guard !contracts.isEmpty else {
                let names = Router.documented.map(\.name).joined(separator: ", ")
                throw .usage("unknown contract `\(name)`; there are \(names)")
            }
        }
        try arguments.refuseRest()
        let text =
            isPage ? Array(DescriptionPage.html(of: contracts).utf8) : OpenAPI.document(of: contracts).bytes + [0x0A]
        do throws(SystemError) {
            try writeAll(text, to: STDOUT_FILENO, path: "standard output")
        } catch {
            throw .refused(error.description)
        }
        return 0
    }
}
