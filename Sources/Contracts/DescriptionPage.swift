import Accounts
import HTTP
import JSON

/// The contracts as a page for people, made of the same declarations as `OpenAPI`.
package enum DescriptionPage {
    /// One HTML document with a style sheet beside it, without scripts.
    package static func html(of contracts: [Contract]) -> String {
        var page = Page()
        page.add(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Homeroom: contracts</title>
            <link rel="stylesheet" href="/docs/style.css">
            </head>
            <body>
            <header>
            <h1>Homeroom</h1>
            <p>What each contract takes and gives. For programs: <a href="/api/openapi.json">openapi.json</a>.</p>
            </header>
            <nav aria-label="Contracts">
            """)
        for contract in contracts {
            page.add("<section><h2><a href=\"#\(contract.name)\">\(escaped(contract.name))</a></h2><ol>")
            for route in contract.routes {
                page.add("<li><a href=\"#\(route.identifier(in: contract))\">\(label(route))</a></li>")
            }
            page.add("</ol></section>")
        }
        page.add("</nav>\n<main>")
        for contract in contracts {
            page.add(
                """
                <section>
                <h2 id="\(contract.name)">\(escaped(contract.name))</h2>
                <p>\(escaped(contract.title)). <a href="/api/openapi/\(contract.name).json">openapi.json</a></p>
                """)
            if !contract.notes.isEmpty {
                page.add("<p>\(escaped(contract.notes.filter { $0 != "`" }))</p>")
            }
            for route in contract.routes { page.add(article(route, contract)) }
            page.add("</section>")
        }
        page.add("</main>\n</body>\n</html>")
        return page.text
    }

    private struct Page {
        private(set) var text = ""
        mutating func add(_ part: String) { text += part + "\n" }
    }

    private static func label(_ route: Route) -> String {
        "<code><b>\(route.method.rawValue)</b> \(escaped(route.path))</code>"
    }

    private static func article(_ route: Route, _ contract: Contract) -> String {
        var page = Page()
        page.add("<article>\n<h3 id=\"\(route.identifier(in: contract))\">\(label(route))</h3>")
        page.add("<p lang=\"zh\">\(escaped(route.title))</p>")
        switch route.access {
        case .everybody, .inside: break
        case .bearer: page.add("<p>Needs a bearer token.</p>")
        case .signedIn:
            page.add("<p>Needs a bearer token\(contract.policy.isCookie ? " or the session cookie" : "").</p>")
        }
        if !route.inputs.isEmpty { page.add(table("Fields", route.inputs, contract)) }
        if !route.query.isEmpty { page.add(table("Query", route.query, contract)) }
        page.add("<h4>\(route.success.status) \(Reply.reason(route.success.status))</h4>")
        if let body = route.success.body { page.add("<pre><code>\(escaped(body.example.pretty))</code></pre>") }
        page.add("<details>\n<summary>Errors</summary>")
        for group in FailureSamples(route, of: contract).groups {
            page.add("<h4>\(group.status) \(Reply.reason(group.status))</h4>")
            var shown: [[UInt8]] = []
            for reply in group.replies where !shown.contains(reply.body) && shown.count < 4 {
                shown.append(reply.body)
                page.add("<pre><code>\(escaped(((try? JSON.parse(reply.body)) ?? .null).pretty))</code></pre>")
            }
        }
        page.add("</details>\n</article>")
        return page.text
    }

    private static func table(_ caption: String, _ inputs: [Input], _ contract: Contract) -> String {
        let rows = inputs.map { input in
            let schema = input.schema(by: contract.policy, in: .json)
            let rules = schema.rules.isEmpty ? "" : ", " + schema.rules
            return """
                <tr><td><code>\(escaped(input.name))</code></td><td>\(input.isRequired ? "required" : "optional")\
                \(escaped(rules))<br><small>\(escaped(input.text(by: contract.policy)))</small></td><td><code>\(escaped(input.example.text))</code></td></tr>
                """
        }
        return """
            <table>
            <caption>\(caption)</caption>
            <thead><tr><th scope="col">Name</th><th scope="col">Rules</th><th scope="col">Example</th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            """
    }

    /// For a text or an attribute of HTML.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    package static let css = """
        :root { color-scheme: light dark; --edge: #8884; --accent: light-dark(#0b57a4, #8ab8f0); }
        * { box-sizing: border-box; }
        body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
        a { color: var(--accent); }
        code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
        nav { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); }
        nav h2 { font-size: 1.1rem; margin: 0; }
        nav ol { list-style: none; margin: 0; padding: 0; }
        main > section { border-top: 1px solid var(--edge); margin-top: 2rem; }
        article { border: 1px solid var(--edge); border-radius: .5rem; margin: 1rem 0; padding: .5rem 1rem; }
        h3 { margin: .25rem 0; }
        h4 { margin: .75rem 0 .25rem; }
        pre { background: #8881; border-radius: .25rem; margin: .25rem 0; overflow-x: auto; padding: .5rem; }
        table { border-collapse: collapse; width: 100%; }
        caption { font-weight: bold; text-align: left; }
        th, td { border-bottom: 1px solid var(--edge); padding: .25rem .5rem .25rem 0; text-align: left; vertical-align: top; }
        summary { cursor: pointer; padding: .25rem 0; }
        """
}

extension JSON {
    /// A value as a table shows it: a text without quotes.
    fileprivate var text: String {
        if case .string(let text) = self { text } else { String(decoding: bytes, as: UTF8.self) }
    }

    /// Lengths and choices of a schema: `text, 3 to 50 characters`.
    fileprivate var rules: String {
        guard case .object(let schema) = self else { return "" }
        var rules: [String] = []
        if let format = schema["format"], format != "password" { rules.append(format.text) }
        if case .array(let choices)? = schema["enum"] {
            rules.append("one of " + choices.map(\.text).joined(separator: ", "))
        }
        if let max = schema["maxLength"] {
            let min = schema["minLength"] ?? 0
            rules.append((min == 0 || min == 1 ? "at most " : min.text + " to ") + max.text + " characters")
        }
        if let min = schema["minimum"], let max = schema["maximum"] { rules.append("\(min.text) to \(max.text)") }
        return rules.joined(separator: ", ")
    }

    /// With a member a line.
    fileprivate var pretty: String { pretty(indent: "") }

    private func pretty(indent: String) -> String {
        let deeper = indent + "  "
        switch self {
        case .object(let object) where !object.members.isEmpty:
            let lines = object.members.map {
                deeper + String(decoding: JSON.string($0.name).bytes, as: UTF8.self) + ": "
                    + $0.value.pretty(indent: deeper)
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { deeper + $0.pretty(indent: deeper) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
        default: return String(decoding: bytes, as: UTF8.self)
        }
    }
}
