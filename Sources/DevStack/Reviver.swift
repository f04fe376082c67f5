/// Starts databases and services again that have ended by themselves, where a stack has several of them.
package struct Reviver {
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
        let databases = stack.databases
        for database in databases {
            try look(database.title, database.process, { database.isReady }) { () throws(StackError) in
                let others = databases.count { $0.process?.isRunning == true && $0.isSynced }
                return try database.join(isNew: others > databases.count / 2)
            }
        }
        for service in stack.services {
            try look(service.title, service.process, { service.isReady }) { () throws(StackError) in
                try service.launch()
            }
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
