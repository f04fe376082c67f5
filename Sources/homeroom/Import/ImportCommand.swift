import Accounts
import Glibc
import Server

/// `homeroom user import`: accounts from files and databases of other systems.
enum ImportCommand {
    static func run(_ root: CompositionRoot, _ arguments: inout Arguments) throws(CommandError) {
        let options = try ImportOptions(&arguments)
        let url = try arguments.option("from")
        let (isDry, updates) = (arguments.flag("dry-run"), arguments.flag("update"))
        let refused = try arguments.option("refused")
        let sheet = try arguments.option("slips")
        guard sheet == nil || options.passwords == .generate else { throw .usage("--slips needs --passwords generate") }
        guard !options.mustChange || options.passwords != nil else { throw .usage("--must-change needs --passwords") }
        let path = url == nil ? try arguments.next("FILE") : ""
        try arguments.refuseRest()
        let source = try open(path, url: url, options)
        if source.form != .jsonl { Homeroom.complain("\(url ?? path): \(source.description)") }

        let base = url == nil && path != "-" ? path : "import"
        let usual = path == "-" || isDry ? nil : "\(base).\(source.form.refusedEnding)"
        let refusals = try RefusedFile(isDry ? nil : refused ?? usual, of: source)
        if let refused, isSame(refused, path) {
            throw .refused("--refused \(refused): is the file that is imported. Take another")
        }
        let slips =
            options.passwords == .generate && !isDry
            ? try PasswordSlips(sheet ?? "\(base).slips.html", address: root.configuration.worker.publicURL) : nil
        var importer = try Importer(
            root, options, isDry: isDry, updates: updates, place: url == nil ? path : source.form.rawValue,
            refusals: refusals, slips: slips)
        do throws(CommandError) {
            try importer.run(source)
        } catch {
            try refusals.finish()
            throw error
        }
        try refusals.finish()
        try tell(importer.counts, isDry: isDry, refusals, options)
    }

    private static func open(
        _ path: String, url: String?, _ options: ImportOptions
    ) throws(CommandError) -> any ImportSource {
        if let url {
            let address = try DatabaseURL(url) { () throws(CommandError) in try UserCommand.password() }
            return try TableSource(url: address, options)
        }
        let form = if let form = options.form { form } else { try ImportForm.ofFile(path) }
        switch form {
        case .jsonl: return try JSONLinesSource(path, options)
        case .csv: return try CSVSource(path, options)
        case .django: return try DjangoSource(path, options)
        case .sqlite: return try TableSource(file: path, options)
        case .mysql: throw .usage("--format mysql: give --from mysql://user@host/database instead of FILE")
        }
    }

    private static func tell(
        _ counts: Importer.Counts, isDry: Bool, _ refusals: RefusedFile, _ options: ImportOptions
    ) throws(CommandError) {
        var parts = ["\(isDry ? "would take in" : "took in") \(counts.taken)"]
        if counts.changed > 0 { parts.append("changed \(counts.changed)") }
        if counts.unchanged > 0 { parts.append("\(counts.unchanged) were in already") }
        if counts.differing > 0 { parts.append("\(counts.differing) were in otherwise and stay so without --update") }
        print(parts.joined(separator: ", "))
        guard counts.refused > 0 else { return }
        let total = counts.taken + counts.changed + counts.unchanged + counts.differing + counts.refused
        var text = "\(counts.refused) of \(total) records were refused"
        if let path = refusals.path {
            text += "; they are in \(path)" + (options.passwords == .plain ? ", without their passwords" : "")
        }
        throw .refused(text)
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        guard stat(one, &first) == 0, stat(other, &second) == 0 else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
}
