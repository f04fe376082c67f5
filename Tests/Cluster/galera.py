"""A machine's node of the cluster: its settings, how it starts, and what it says."""
import os, re, subprocess

# With these a node that is gone is out of the group in little more than a second; Galera's own take five to six.
TIMINGS = ("evs.suspect_timeout=PT1S; evs.join_retrans_period=PT0.2S; evs.keepalive_period=PT0.2S; "
           "evs.inactive_check_period=PT0.1S")
SETTINGS = """[mariadbd]
datadir={folder}/db
socket={folder}/run/db.sock
pid-file={folder}/run/mariadbd.pid
tmpdir={folder}/tmp
bind-address={address}
ssl-ca={ca}
ssl-cert={tls}.crt
ssl-key={tls}.key
innodb-flush-log-at-trx-commit=1
innodb-buffer-pool-size=64M
innodb-log-file-size=32M
# io_uring locks memory, which containers limit.
innodb-use-native-aio=OFF
innodb-autoinc-lock-mode=2
aria-pagecache-buffer-size=8M
key-buffer-size=1M
max-connections=200
performance-schema=OFF
skip-name-resolve
local-infile=OFF
character-set-server=utf8mb4
default-time-zone=+00:00
binlog-format=ROW
wsrep-on=ON
# Else a node that is back takes long over what it has missed.
wsrep-slave-threads=4
wsrep-provider=/usr/lib/galera/libgalera_smm.so
wsrep-cluster-name=homeroom
wsrep-cluster-address=gcomm://{nodes}
wsrep-node-name={name}
wsrep-node-address={address}
wsrep-sst-method=mariabackup
wsrep-sst-auth={user}:
wsrep-provider-options="{timings}; gcache.size=64M; {tls_options}"
[sst]
encrypt=3
tkey={tls}.key
tcert={tls}.crt
# Else it keeps logs of transfers in a folder below /tmp.
sst-log-archive=0
"""


class Node:
    """Its files are in db/, run/ and tmp/ of the machine's folder."""

    def __init__(self, machine, user):
        self.machine, self.user, self.folder = machine, user, machine.folder
        # Whether its next start begins a cluster.
        self.begins_cluster = False
        for name in ("db", "tmp", "run"):
            machine.make_folder(name, user)
        stack, tls = machine.stack, machine.folder + "/tls"
        os.chown(tls + ".key", user.pw_uid, user.pw_gid)
        ca = stack.authority.certificate
        tls_options = f"socket.ssl_key={tls}.key; socket.ssl_cert={tls}.crt; socket.ssl_ca={ca}"
        with open(self.folder + "/galera.cnf", "w") as file:
            file.write(SETTINGS.format(
                folder=self.folder, address=machine.address, ca=ca, tls=tls, name=machine.name,
                nodes=",".join(stack.addresses), user=user.pw_name, timings=TIMINGS, tls_options=tls_options))

    def mariadbd(self, *words):
        return [*self.machine.within, "setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}",
                "--clear-groups", "mariadbd", f"--defaults-file={self.folder}/galera.cnf", *words]

    def make_tables(self):
        """A database with nothing in it."""
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/db", f"--user={self.user.pw_name}",
             "--skip-test-db", "--force", "--auth-root-authentication-method=socket", "--auth-root-socket-user=root",
             "--innodb-use-native-aio=OFF", "--innodb-log-file-size=32M"],
            check=True, stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": self.folder + "/tmp"})

    def copy_tables(self, other):
        """Nodes with the same rows at the same position need no state transfer, which takes ten seconds each."""
        os.rmdir(self.folder + "/db")
        subprocess.run(["cp", "-a", "--reflink=auto", other.folder + "/db", self.folder + "/db"], check=True)
        for name in ("galera.cache", "gvwstate.dat"):
            if os.path.exists(f"{self.folder}/db/{name}"):
                os.remove(f"{self.folder}/db/{name}")

    def command(self):
        if self.begins_cluster:
            self.begins_cluster = False
            return self.mariadbd("--wsrep-new-cluster")
        # As Debian's galera_recovery: with its position a node takes over only what it lacks. Without purging
        # (innodb-force-recovery=2): where rows wait to be purged from a table that has an index on a virtual column, as
        # `accounts` has, a server that only recovers its position never ends, and takes more and more memory.
        words = subprocess.run(
            self.mariadbd("--wsrep-recover", "--innodb-force-recovery=2"), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace").stdout
        found = re.search(r"WSREP: Recovered position:?\s*(\S+)", words)
        return self.mariadbd(*([f"--wsrep-start-position={found[1]}"] if found else []))

    def sql(self, text, seconds=5):
        """Rows of texts, as the node's administrator; None when it does not answer."""
        command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4",
                   "--user=root", f"--socket={self.folder}/run/db.sock"]
        try:
            answer = subprocess.run(
                command, input="SET SESSION wsrep_sync_wait = 0;" + text, timeout=seconds, text=True,
                errors="backslashreplace", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            return None
        if answer.returncode:
            self.trouble = answer.stderr
            return None
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def is_synced(self, size):
        """Whether it serves, in a cluster of that many."""
        rows = self.sql("SHOW GLOBAL STATUS WHERE Variable_name IN "
                        "('wsrep_cluster_size', 'wsrep_local_state', 'wsrep_ready')")
        return rows is not None and dict(rows) == {
            "wsrep_cluster_size": str(size), "wsrep_local_state": "4", "wsrep_ready": "ON"}
