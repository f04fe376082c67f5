import CLinux
import Foundation

/// What makes a server one of several that hold the same data: its number, and the ports of 127.0.0.1 where they meet.
package struct GaleraNode: Sendable {
    private static let provider = "/usr/lib/galera/libgalera_smm.so"
    let number: Int
    /// Where each of the nodes talks to the others.
    private let group: [UInt16]
    /// Where this one gets what it missed, and where all of it.
    private let increment: UInt16
    private let whole: UInt16

    /// Each node of a cluster. Throws `.packageMissing` where Galera is not installed.
    static func cluster(of count: Int) throws(StackError) -> [GaleraNode] {
        let files = [
            "galera-4": provider, "mariadb-server": "/usr/bin/wsrep_sst_rsync", "rsync": "/usr/bin/rsync",
        ]
        for (package, file) in files.sorted(by: { $0.key < $1.key }) where access(file, R_OK) != 0 {
            throw .packageMissing(package, file: file)
        }
        let ports = Port.lasting(count * 3)
        let group = Array(ports.prefix(count))
        return (0..<count).map {
            GaleraNode(number: $0 + 1, group: group, increment: ports[count + $0], whole: ports[2 * count + $0])
        }
    }

    var options: [String] {
        let own = "127.0.0.1:\(group[number - 1])"
        let provider = [
            "gmcast.listen_addr=tcp://" + own, "ist.recv_addr=127.0.0.1:\(increment)",
            "gcache.size=32M", "pc.wait_prim_timeout=PT15S",
            // A dead node is given up after a second; Galera's own values take five to six.
            "evs.suspect_timeout=PT1S", "evs.join_retrans_period=PT0.2S", "evs.keepalive_period=PT0.2S",
            "evs.inactive_check_period=PT0.1S",
        ]
        return [
            "--wsrep-on=ON", "--wsrep-provider=" + Self.provider, "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-cluster-name=homeroom", "--wsrep-node-name=node\(number)",
            "--wsrep-cluster-address=gcomm://" + group.map { "127.0.0.1:\($0)" }.joined(separator: ","),
            "--wsrep-node-address=" + own, "--wsrep-sst-method=rsync",
            "--wsrep-sst-receive-address=127.0.0.1:\(whole)",
            "--wsrep-provider-options=" + provider.joined(separator: ";"),
            // All services may end up on one of them.
            "--max-connections=1000",
        ]
    }
}

/// How far the data of a node go: `uuid:number`, as Galera writes it into grastate.dat.
struct GaleraState {
    private let group: Substring
    let number: Int
    /// It ended last, so that no other node has more.
    let isSafe: Bool

    /// nil: it has no data, or not all of those that it was getting.
    init?(_ text: String) {
        guard let group = text.firstMatch(of: /uuid:\s*([0-9a-f-]+)/)?.1, group.contains(where: { !"0-".contains($0) }),
            let number = text.firstMatch(of: /seqno:\s*(-?\d+)/).flatMap({ Int($0.1) })
        else { return nil }
        self.group = group
        self.number = number
        isSafe = text.contains(/safe_to_bootstrap:\s*1/)
    }

    /// - Parameter words: what `mariadbd --wsrep-recover` writes.
    init?(recovered words: String, isSafe: Bool) {
        guard let found = words.firstMatch(of: /Recovered position:\s*([0-9a-f-]+):(\d+)/), let number = Int(found.2)
        else { return nil }
        group = found.1
        self.number = number
        self.isSafe = isSafe
    }

    var position: String { "\(group):\(number)" }
}

extension MariaDB {
    private var stateFile: String { data + "/grastate.dat" }

    /// Whether it belongs to the majority and has all that the others have.
    var isSynced: Bool { (try? execute("SHOW STATUS LIKE 'wsrep_local_state'")) == "wsrep_local_state\t4\n" }

    /// After a kill only InnoDB knows it. nil where nothing is there, or not all, or InnoDB cannot read it: a node then
    /// gets all of it from the others.
    func state() throws(StackError) -> GaleraState? {
        guard access(stateFile, F_OK) == 0, let noted = GaleraState(try FileSystem.read(stateFile)) else { return nil }
        if noted.number >= 0 { return noted }
        // Without purge (2), which would wait for ever for a server that can compute the indexed virtual columns.
        let recovery = try program(["--wsrep-recover", "--innodb-force-recovery=2"])
        return (try? recovery.output(within: 120)).flatMap { GaleraState(recovered: $0, isSafe: noted.isSafe) }
    }

    /// Starts the first node of a cluster, whichever nodes there were when it ended.
    func bootstrap() throws(StackError) -> Child {
        forgetGroup()
        let state = try state()
        if state != nil {
            var change = try Program("sed", ["-i", "s/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/", stateFile])
            change.user = Folder.isRoot ? folder.databaseUser : nil
            try change.output()
        }
        return try launch(["--wsrep-new-cluster"] + Self.begin(at: state))
    }

    /// Starts a node that gets from the others what it lacks, and does not wait for that.
    func join() throws(StackError) -> Child {
        try FileSystem.makeFolder(data, mode: 0o700, owner: folder.databaseUser)
        forgetGroup()
        return try launch(Self.begin(at: try state()))
    }

    private static func begin(at state: GaleraState?) -> [String] {
        state.map { ["--wsrep-start-position=" + $0.position] } ?? []
    }

    /// Makes it a new member: the one that it was is let in only when the others have given that up.
    private func forgetGroup() { unlink(data + "/gvwstate.dat") }
}
