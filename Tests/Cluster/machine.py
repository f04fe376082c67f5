"""A machine of the cluster: a Galera node, Homeroom, and nginx with the project's files."""
import os, re, shutil, socket, ssl, subprocess, http.client
from supervisor import Unit

HOST = "homeroom.test"
PASSWORDS = {"homeroom": "Zk4nVw8qRt2m", "owner": "Hx7cPb3yLd9f"}
# With these a node that is gone is out of the group in little more than a second; Galera's own take five to six.
TIMINGS = ("evs.suspect_timeout=PT1S; evs.join_retrans_period=PT0.2S; evs.keepalive_period=PT0.2S; "
           "evs.inactive_check_period=PT0.1S")
# Debian's mariadb.service has RestartSec=5s. Its nginx.service starts nothing again: that takes a Restart= of one's own.
DATABASE_DELAY, NGINX_DELAY = 5, 1


def first_user(*names):
    import pwd
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise SystemExit(f"cluster: no user {' or '.join(names)}")


class Machine:
    """Its files are below `stack.folder`/NAME; what all machines share is in `stack`."""

    def __init__(self, stack, name, number):
        self.stack, self.name, self.number = stack, name, number
        self.address = f"10.77.0.{number}"
        self.folder = f"{stack.folder}/{name}"
        self.database_user, self.web_user = first_user("mysql", "nobody"), first_user("www-data", "nobody")
        self.within = stack.network.add(name, self.address)
        self.begins_cluster = False
        os.makedirs(self.folder)
        self.make_folder("db", self.database_user)
        self.make_folder("tmp", self.database_user)
        # mariadbd makes its socket here.
        self.make_folder("run", self.database_user)
        self.make_folder("nginx")
        stack.authority.issue(self.folder + "/tls", [f"IP:{self.address}", f"DNS:{HOST}"])
        self.make_folder("tls", self.database_user)
        for ending in ("crt", "key"):
            shutil.copy(f"{self.folder}/tls.{ending}", f"{self.folder}/tls/")
            os.chown(f"{self.folder}/tls/tls.{ending}", self.database_user.pw_uid, self.database_user.pw_gid)
        self.write_database_settings()
        self.write_settings()
        self.write_nginx_settings()
        self.database = Unit("database", self.database_command, self.log("mariadb"), DATABASE_DELAY)
        self.homeroom = Unit("homeroom", self.homeroom_command, self.log("homeroom"), stack.homeroom_delay, self.listen())
        self.nginx = Unit("nginx", self.nginx_command, self.log("nginx"), NGINX_DELAY)

    def log(self, name):
        return f"{self.stack.folder}/log/{self.name}-{name}.log"

    def make_folder(self, name, owner=None):
        path = f"{self.folder}/{name}"
        os.makedirs(path, exist_ok=True)
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        return path

    # The database

    @property
    def database_socket(self):
        return self.folder + "/run/db.sock"

    def write_database_settings(self):
        tls = self.folder + "/tls/tls"
        nodes = ",".join(f"10.77.0.{number}" for number in self.stack.numbers)
        with open(self.folder + "/galera.cnf", "w") as file:
            file.write(f"""[mariadbd]
datadir={self.folder}/db
socket={self.database_socket}
pid-file={self.folder}/run/mariadbd.pid
tmpdir={self.folder}/tmp
bind-address={self.address}
ssl-ca={self.stack.authority.certificate}
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
wsrep-provider=/usr/lib/galera/libgalera_smm.so
wsrep-cluster-name=homeroom
wsrep-cluster-address=gcomm://{nodes}
wsrep-node-name={self.name}
wsrep-node-address={self.address}
wsrep-sst-method=mariabackup
wsrep-sst-auth={self.database_user.pw_name}:
wsrep-provider-options="{TIMINGS}; gcache.size=64M; socket.ssl_key={tls}.key; socket.ssl_cert={tls}.crt; socket.ssl_ca={self.stack.authority.certificate}"
[sst]
encrypt=3
tkey={tls}.key
tcert={tls}.crt
# Else it keeps logs of transfers in a folder below /tmp.
sst-log-archive=0
""")

    def mariadbd(self, *words):
        user = self.database_user
        return [*self.within, "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                "mariadbd", f"--defaults-file={self.folder}/galera.cnf", *words]

    def make_tables(self, path):
        user = self.database_user
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={path}", f"--user={user.pw_name}", "--skip-test-db",
             "--force", "--auth-root-authentication-method=socket", "--auth-root-socket-user=root",
             "--innodb-use-native-aio=OFF", "--innodb-log-file-size=32M"],
            check=True, stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": self.folder + "/tmp"})

    def database_command(self):
        if self.begins_cluster:
            self.begins_cluster = False
            return self.mariadbd("--wsrep-new-cluster")
        if not os.path.exists(self.folder + "/db/ibdata1"):
            return self.mariadbd()
        # As Debian's galera_recovery: with its position a node takes over only what it lacks. Without purging: there are
        # indexes on virtual columns, whose purge waits for a server that has started, which this one never does.
        words = subprocess.run(self.mariadbd("--wsrep-recover", "--innodb-force-recovery=2"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, text=True, errors="replace").stdout
        found = re.search(r"WSREP: Recovered position:?\s*(\S+)", words)
        return self.mariadbd(*([f"--wsrep-start-position={found[1]}"] if found else []))

    def sql(self, text, seconds=5):
        """Rows of texts, as the node's administrator; None when it does not answer."""
        command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", "--user=root", "--default-character-set=utf8mb4",
                   "--socket=" + self.database_socket]
        try:
            answer = subprocess.run(command, input="SET SESSION wsrep_sync_wait = 0;" + text, timeout=seconds, text=True,
                                    errors="backslashreplace", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            return None
        if answer.returncode:
            self.trouble = answer.stderr
            return None
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def is_synced(self, size):
        rows = self.sql("SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_local_state', 'wsrep_ready')")
        return rows is not None and dict(rows) == {
            "wsrep_cluster_size": str(size), "wsrep_local_state": "4", "wsrep_ready": "ON"}

    # Homeroom

    def write_settings(self):
        stack = self.stack
        numbers = stack.numbers[self.number - 1:] + stack.numbers[:self.number - 1]
        hosts = [f"10.77.0.{number}" for number in (numbers[:1] if stack.own_node else numbers)]
        values = {
            "HOMEROOM_SOCKET": self.folder + "/homeroom.sock", "HOMEROOM_SOCKET_GROUP": "www-data",
            "HOMEROOM_USER": self.web_user.pw_name, "HOMEROOM_WORKERS": 1, "HOMEROOM_MEDIA": stack.media,
            "HOMEROOM_PUBLIC_URL": f"https://{HOST}", "HOMEROOM_MAIL": stack.mail_server.address,
            "HOMEROOM_MAIL_TLS": "optional", "HOMEROOM_DATABASE_HOST": ",".join(hosts),
            "HOMEROOM_DATABASE_TLS": "required", "HOMEROOM_DATABASE_CA": stack.authority.certificate,
            "HOMEROOM_DATABASE_PASSWORD": PASSWORDS["homeroom"], "HOMEROOM_DATABASE_OWNER": "homeroom_owner",
            "HOMEROOM_DATABASE_OWNER_PASSWORD": PASSWORDS["owner"], "HOMEROOM_TOKEN_KEY": stack.token_key,
            # Hashing is not the subject here: as cheap as it can be.
            "HOMEROOM_HASH_MEMORY": 64, "HOMEROOM_HASH_ITERATIONS": 1,
        }
        with open(self.folder + "/homeroom.conf", "w") as file:
            file.writelines(f"{key}={value}\n" for key, value in values.items())

    def listen(self):
        """homeroom.socket: what connects while the service is away waits."""
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(self.folder + "/homeroom.sock")
        os.chmod(self.folder + "/homeroom.sock", 0o660)
        os.chown(self.folder + "/homeroom.sock", 0, self.web_user.pw_gid)
        listening.listen(4096)
        return listening

    def homeroom_command(self):
        return [*self.within, self.stack.homeroom, "serve", "--config", self.folder + "/homeroom.conf"]

    def call(self, *words, text="", seconds=30):
        """Runs `homeroom WORDS` here; its exit code and output."""
        answer = subprocess.run(
            [*self.within, self.stack.homeroom, *words, "--config", self.folder + "/homeroom.conf"], input=text, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
        return answer.returncode, answer.stdout, answer.stderr

    def count_ready(self):
        """How often the parent has said that all of its processes are ready."""
        with open(self.log("homeroom"), errors="replace") as file:
            return file.read().count('"event":"all ready"')

    # nginx

    def write_nginx_settings(self):
        folder = self.folder + "/nginx"
        # A copy: nginx's workers may not be able to read the checkout.
        shutil.copytree(self.stack.checkout + "/nginx", folder + "/homeroom")
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        with open(folder + "/homeroom/production.conf") as file:
            text = file.read()
        for old, new in {
            "homeroom.example.org": HOST, "/run/homeroom/homeroom.sock": self.folder + "/homeroom.sock",
            "/var/lib/homeroom/media": self.stack.media, "/etc/nginx/homeroom/pages": folder + "/homeroom/pages",
            "/etc/ssl/homeroom/fullchain.pem": self.folder + "/tls.crt",
            "/etc/ssl/homeroom/privkey.pem": self.folder + "/tls.key",
            "/var/log/nginx/homeroom.log": self.log("access"),
            # Behind the balancer, whose clients come from one address here, without limits.
            "# set_real_ip_from 198.51.100.7;": "set_real_ip_from 10.77.0.254;",
            "# real_ip_header": "real_ip_header", "# 192.0.2.0/24 0;": "127.0.0.0/8 0;",
        }.items():
            if old not in text:
                raise SystemExit(f"cluster: production.conf has no `{old}`")
            text = text.replace(old, new)
        with open(folder + "/production.conf", "w") as file:
            file.write(text)
        # Not where Debian's nginx has them.
        temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n"
                            for kind in ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
        with open(folder + "/nginx.conf", "w") as file:
            file.write(f"user {self.web_user.pw_name};\ndaemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\n"
                       "error_log stderr;\nevents { worker_connections 2048; }\n"
                       f"http {{\n    access_log off;\n{temporary}    include {folder}/production.conf;\n}}\n")

    def nginx_command(self):
        return [*self.within, "nginx", "-e", "stderr", "-p", self.folder + "/nginx", "-c", self.folder + "/nginx/nginx.conf"]

    def is_ready(self):
        """What the machine's own monitor is told."""
        connection = http.client.HTTPSConnection(self.address, timeout=2, context=self.stack.trust)
        connection.set_debuglevel(0)
        try:
            connection.request("GET", "/readyz", headers={"Host": HOST})
            return connection.getresponse().status == 200
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            connection.close()
