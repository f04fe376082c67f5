/// Starts databases and services again that have ended by themselves, where a stack has several of them.
package struct StackSupervisor {
    /// So often a part may end before it has been ready again.
    private static let most = 5
    private let stack: DevStack
    /// Of the parts that are not ready again yet: how often they were started.
    private var starts: [String: Int] = [:]

    package init(_ stack: DevStack) {
        self.stack = stack
    }

    /// To be called every now and then. Throws what ended, with its last words, when that is not to come back.
    package mutating func look() throws(StackError) {
        if let nginx = stack.nginx.process, nginx.status != nil { throw Self.ended(nginx) }
        if isMajorityLost { return try startDatabases() }
        for database in stack.databases {
            try look(database.title, database.process, { database.isReady }) { () throws(StackError) in
                try database.join()
            }
        }
        for service in stack.services {
            try look(service.title, service.process, { service.isReady }) { () throws(StackError) in
                try service.launch()
            }
        }
    }

    /// Whether a database has ended, and those that are left cannot go on without it, nor let it in.
    private var isMajorityLost: Bool {
        let databases = stack.databases
        guard databases.count > 1, databases.contains(where: { $0.process?.isRunning == false }) else { return false }
        return databases.count { $0.process?.isRunning == true && $0.isSynced } <= databases.count / 2
    }

    private mutating func startDatabases() throws(StackError) {
        stack.output("databases: too few are left to be a majority, starting all of them again")
        for database in stack.databases { database.kill() }
        try stack.startDatabases()
        for database in stack.databases {
            stack.output("\(database.title): back, process \(database.process?.pid ?? 0)")
            starts[database.title] = nil
        }
    }

    private mutating func look(
        _ title: String, _ process: Child?, _ isReady: () -> Bool, launch: () throws(StackError) -> Child
    ) throws(StackError) {
        guard let process else { return }
        let count = starts[title, default: 0]
        if let status = process.status {
            guard stack.databases.count > 1, count < Self.most else { throw Self.ended(process) }
            stack.output("\(title): \(process.program.name) ended with status \(status), starting it again")
            _ = try launch()
            starts[title] = count + 1
        } else if count > 0, isReady() {
            stack.output("\(title): back, process \(process.pid)")
            starts[title] = nil
        }
    }

    private static func ended(_ process: Child) -> StackError {
        .ended(process.program.name, status: process.status ?? 0, output: process.lastWords)
    }
}
