/// What a server says of itself.
package struct ServerState: Sendable, Equatable {
    /// Writes are refused, as on a replica.
    package let isReadOnly: Bool
    /// The cluster's id, or where a single server has its data: two that differ are two databases.
    package let identity: String
    /// nil where the server belongs to no Galera cluster.
    package let node: Node?

    /// A node of a Galera cluster. (Galera status variables)
    package struct Node: Sendable, Equatable {
        /// `wsrep_ready`: it takes statements.
        package let isReady: Bool
        /// `wsrep_cluster_status`: it is with the majority.
        package let isPrimary: Bool
        /// `wsrep_local_state` is 4. While it gives another node its data it is at 2, and serves, but falls behind.
        package let isSynced: Bool
        /// `wsrep_local_state_comment`: `Synced`, `Donor/Desynced`, `Joining`.
        package let state: String
        /// Nodes that are there.
        package let clusterSize: Int
        /// Transactions of other nodes that wait to be applied here: how far it is behind.
        package let receiveQueue: Int
        /// How long the cluster waited for slow nodes, since the start of this one, in nanoseconds.
        package let pausedTime: Int
    }

    /// - Parameter status: nil where the server belongs to no cluster.
    init(variables: [String: String], status: [String: String]?) {
        isReadOnly = !["OFF", "0", nil].contains(variables["read_only"])
        identity =
            status?["wsrep_cluster_state_uuid"]
            ?? "\(variables["datadir"] ?? "") on \(variables["hostname"] ?? "")"
        node = status.map { status in
            func number(_ name: String) -> Int { status[name].flatMap { Int($0) } ?? 0 }
            return Node(
                isReady: status["wsrep_ready"] == "ON", isPrimary: status["wsrep_cluster_status"] == "Primary",
                isSynced: number("wsrep_local_state") == 4, state: status["wsrep_local_state_comment"] ?? "",
                clusterSize: number("wsrep_cluster_size"), receiveQueue: number("wsrep_local_recv_queue"),
                pausedTime: number("wsrep_flow_control_paused_ns"))
        }
    }

    /// Why it cannot serve; nil when it can.
    package var fault: String? {
        if isReadOnly { return "it is read-only" }
        guard let node else { return nil }
        if !node.isPrimary { return "it is not in the primary component of its cluster" }
        if !node.isReady { return "it takes no statements (wsrep_ready is OFF, \(node.state))" }
        return nil
    }

    /// Whether it is as good as any: not one that gives its data to another node.
    var isFullyServing: Bool { fault == nil && node?.isSynced != false }
}

/// How a server is, for operators.
package struct ServerReport: Sendable {
    /// Where it is: `10.0.0.1:3306`.
    package let name: String
    /// Whether this process sends its statements there.
    package let isUsed: Bool
    /// Why it cannot serve; nil when it can.
    package let fault: String?
    /// What it last said; nil where it does not answer.
    package let state: ServerState?
}
