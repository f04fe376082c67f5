"""A machine of the cluster: a Galera node, Homeroom, and nginx."""
import http.client, os, pwd, socket, subprocess
import galera, nginx
from supervisor import Unit

HOST = "homeroom.test"
PASSWORDS = {"homeroom": "Zk4nVw8qRt2m", "owner": "Hx7cPb3yLd9f"}
# Seconds until what has died is started again. Debian's mariadb.service has RestartSec=5s; its nginx.service starts
# nothing again: that takes a Restart= of one's own.
DATABASE_DELAY, NGINX_DELAY = 5, 1


def first_user(*names):
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise SystemExit(f"cluster: no user {' or '.join(names)}")


class Machine:
    """Its files are in a folder of its name; what all machines share is in `stack`."""

    def __init__(self, stack, name, address):
        self.stack, self.name, self.address = stack, name, address
        self.folder = f"{stack.folder}/{name}"
        os.makedirs(self.folder)
        self.within = stack.network.add(name, address)
        self.web_user = first_user("www-data", "nobody")
        stack.authority.issue(self.folder + "/tls", [f"IP:{address}", f"DNS:{HOST}"])
        self.node = galera.Node(self, first_user("mysql", "nobody"))
        self.write_settings()
        nginx_words = nginx.command(self, self.web_user, HOST)
        self.database = Unit("database", self.node.command, self.log("mariadb"), DATABASE_DELAY)
        self.homeroom = Unit("homeroom", self.homeroom_command, self.log("homeroom"), stack.homeroom_delay,
                             self.listen())
        self.nginx = Unit("nginx", lambda: nginx_words, self.log("nginx"), NGINX_DELAY)

    def log(self, name):
        return f"{self.stack.folder}/log/{self.name}-{name}.log"

    def make_folder(self, name, owner=None):
        path = f"{self.folder}/{name}"
        os.makedirs(path)
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        return path

    def write_settings(self):
        """Homeroom's: of the nodes its own machine's comes first."""
        stack = self.stack
        place = stack.addresses.index(self.address)
        hosts = stack.addresses[place:] + stack.addresses[:place]
        values = {
            "HOMEROOM_SOCKET": self.folder + "/homeroom.sock", "HOMEROOM_SOCKET_GROUP": "www-data",
            "HOMEROOM_USER": self.web_user.pw_name, "HOMEROOM_WORKERS": 1, "HOMEROOM_MEDIA": stack.media,
            "HOMEROOM_PUBLIC_URL": f"https://{HOST}", "HOMEROOM_MAIL": stack.mail_server.address,
            "HOMEROOM_MAIL_TLS": "optional", "HOMEROOM_DATABASE_HOST": hosts[0] if stack.own_node else ",".join(hosts),
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

    def homeroom_command(self, *words):
        return [*self.within, self.stack.homeroom, *(words or ["serve"]), "--config", self.folder + "/homeroom.conf"]

    def call(self, *words, seconds=30):
        """Runs `homeroom WORDS` here; its exit code and what it complains of."""
        answer = subprocess.run(self.homeroom_command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, timeout=seconds)
        return answer.returncode, answer.stderr

    def count_ready(self):
        """How often the parent has said that all of its processes are ready."""
        with open(self.log("homeroom"), errors="replace") as file:
            return file.read().count('"event":"all ready"')

    def is_ready(self):
        """What the machine's own monitor is told."""
        connection = http.client.HTTPSConnection(self.address, timeout=2, context=self.stack.trust)
        try:
            connection.request("GET", "/readyz", headers={"Host": HOST})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
