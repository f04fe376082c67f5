"""A Homeroom under load: `homeroom dev` in a scratch folder, its users, and what its processes take."""
import concurrent.futures, ctypes, http.client, json, os, pwd, shutil, signal, socket, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "seven-Owls-42"
os.environ["PATH"] += ":/usr/sbin"  # where Debian has nginx, and not in everybody's PATH
CORES = len(os.sched_getaffinity(0))
MIB = 1 << 20
HASHING = 19456 << 10  # bytes that argon2 takes for a password


def note(text):
    print(text, file=sys.stderr, flush=True)


def start(command, environment={}, **options):
    """A program that Ctrl-C in a terminal does not reach, and that does not outlive us."""
    def prepare():
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, process_group=0,
        preexec_fn=prepare, **options)


def stop(program):
    if program and program.poll() is None:
        program.terminate()
        try:
            program.wait(60)
        except subprocess.TimeoutExpired:
            note(f"{program.args[0]}: killed")
            program.kill()
            program.wait()


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for it in sockets:
        it.bind(("127.0.0.1", 0))
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports


def accepts(port):
    with socket.socket() as it:
        return it.connect_ex(("127.0.0.1", port)) == 0


class Client:
    """One kept connection to nginx."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method, path, token=None, body=None, kind="application/json", headers={}):
        """Status and decoded body."""
        headers = dict(headers)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, bytes) else json.dumps(body)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None


class User:
    def __init__(self, name, answer):
        self.name, self.id = name, answer["user"]["id"]
        self.access, self.refresh = answer["tokens"]["access"], answer["tokens"]["refresh"]


def register(client, name):
    words = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "password_confirm": PASSWORD}
    status, answer = client.ask("POST", "/api/v1/auth/register/", body=words)
    if status != 201:
        sys.exit(f"registration of {name}: {status} {answer}")
    return User(name, answer)


class Stack:
    def __init__(self, homeroom):
        self.homeroom = os.path.abspath(homeroom)
        if not os.access(self.homeroom, os.X_OK):
            sys.exit(f"{self.homeroom}: no such program. Build it with: make build")
        self.folder = tempfile.mkdtemp(prefix="h-bench-", dir="/tmp")
        os.chmod(self.folder, 0o711)
        self.data = self.folder + "/data"
        self.port, self.tls_port = free_ports(2)
        self.program = None
        self.others = []
        for ending in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, lambda number, _: sys.exit(128 + number))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for program in reversed(self.others):
            stop(program)
        stop(self.program)
        shutil.rmtree(self.folder)

    def start(self, environment={}):
        """MariaDB, service and nginx; `environment` wins over the settings in the folder."""
        stop(self.program)
        with open(self.folder + "/dev.log", "w") as log:
            self.program = start(
                [self.homeroom, "dev", "--port", str(self.port), "--tls-port", str(self.tls_port), "--data", self.data],
                environment, cwd=here, stdout=log, stderr=log)
        wait(lambda: accepts(self.port) or self.program.poll() is not None, 120, "homeroom dev")
        if self.program.poll() is not None:
            with open(self.folder + "/dev.log") as log:
                sys.exit(f"homeroom dev ended: {log.read()}")
        with open(self.data + "/homeroom.conf") as file:
            self.settings = dict(line.strip().split("=", 1) for line in file if not line.startswith("#"))

    def beside(self, command, environment={}):
        """Another program for as long as the stack is there."""
        self.others.append(start(command, environment))
        return self.others[-1]

    def compile(self, name, libraries):
        """A program of this folder, to be found beside the data; libraries as pkg-config knows them."""
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", *libraries], text=True).split()
        subprocess.check_call(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread", f"{here}/{name}.c",
                               "-o", f"{self.folder}/{name}", *flags])

    def database_environment(self):
        return {name: self.settings["HOMEROOM_" + name]
                for name in ("DATABASE_SOCKET", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD")}

    def sql(self, text, *options):
        """Rows of texts, as the database's owner."""
        command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", "--socket=" + self.data + "/db.sock",
                   "--user=" + pwd.getpwuid(os.geteuid()).pw_name, *options, "homeroom"]
        answer = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
        return [line.split("\t") for line in answer.splitlines()]

    def users(self, count, prefix):
        """Registers so many, each with tokens of the service's own; starts the service anew.

        The hashes of that many would take half a minute of both cores, so they are cheap at first; then all have the
        one that the service makes of their password with its usual settings.
        """
        self.start({"HOMEROOM_HASH_MEMORY": "64", "HOMEROOM_HASH_ITERATIONS": "1"})

        def some(part):
            client = Client(self.port)
            return [register(client, f"{prefix}{index}") for index in range(part, count, 8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            users = [user for part in pool.map(some, range(8)) for user in part]
        self.start()
        last = register(Client(self.port), prefix + "x")
        self.sql("UPDATE accounts SET password_hash = (SELECT * FROM (SELECT password_hash FROM accounts "
                 f"WHERE id = {last.id}) AS one)")
        return sorted(users, key=lambda user: user.id)

    # What the processes take

    def processes(self, kind):
        """The ids of the stack's `homeroom KIND`, or of its `mariadbd`."""
        children = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline") as line:
                    children.setdefault(int(fields(entry)[1]), []).append((int(entry), line.read().split("\0")))
            except OSError:
                pass
        found, rest = [], [self.program.pid]
        while rest:
            for id, words in children.get(rest.pop(), []):
                rest.append(id)
                if kind in (words[0].rpartition("/")[2], words[1] if len(words) > 1 else None):
                    found.append(id)
        return sorted(found)

    def memory(self):
        """Bytes (PSS) of the workers without their hashing buffers, of those, and of the decoders of pictures."""
        workers = [memory(id) for id in self.processes("worker")]
        return {"workers": sum(whole - buffers for whole, buffers in workers),
                "hashing": sum(buffers for _, buffers in workers),
                "decoders": sum(memory(id)[0] for id in self.processes("avatar-worker"))}

    def settle(self):
        """Waits until nothing of a load is left in hand: no process of ours uses a core for a tenth of a second."""
        ids = self.processes("worker") + self.processes("avatar-worker") + self.processes("mariadbd")
        ids += [it.pid for it in self.others if it.poll() is None]
        end = time.monotonic() + 15
        while time.monotonic() < end:
            before = sum(map(ticks, ids))
            time.sleep(0.1)
            if sum(map(ticks, ids)) - before <= 1:
                return


def fields(id):
    """What stands in /proc/ID/stat from the third field on, the state; proc(5)."""
    with open(f"/proc/{id}/stat") as stat:
        return stat.read().rpartition(")")[2].split()


def ticks(id):
    """Hundredths of a second of processor time."""
    return sum(map(int, fields(id)[11:13]))


class Cores:
    """What share of the cores' time was taken since it was made."""

    def __init__(self):
        self.begin = self.now()

    def shares(self):
        """That of our session's processes, and that of all others."""
        whole, idle, ours = (after - before for before, after in zip(self.begin, self.now()))
        return ours / max(whole, 1), max(0, whole - idle - ours) / max(whole, 1)

    def now(self):
        """Ticks: of all cores, of those the idle ones, of our session's processes and of their children that ended."""
        with open("/proc/stat") as stat:
            times = [int(word) for word in stat.readline().split()[1:9]]
        ours = 0
        for id in filter(str.isdigit, os.listdir("/proc")):
            try:
                found = fields(id)
                if int(found[3]) == os.getsid(0):
                    ours += sum(map(int, found[11:15]))
            except OSError:
                pass
        return sum(times), times[3] + times[4], ours


def threads(id):
    return len(os.listdir(f"/proc/{id}/task"))


def descriptors(id):
    return len(os.listdir(f"/proc/{id}/fd"))


def private(id):
    """Bytes of a process that no other one shares."""
    with open(f"/proc/{id}/smaps_rollup") as maps:
        return sum(1024 * int(line.split()[1]) for line in maps if line.startswith("Private_"))


def memory(id):
    """A process's share of the memory (PSS) in bytes: all of it, and that of buffers for hashing.

    argon2 takes 19 MiB for a hash and gives them back, but the C library keeps them for the next one, as the main part
    of an anonymous mapping of their thread's. So each such size in an anonymous mapping is one.
    """
    whole = buffers = 0
    isAnonymous = False
    with open(f"/proc/{id}/smaps") as maps:
        for line in maps:
            words = line.split()
            if not words[0].endswith(":"):
                isAnonymous = words[4] == "0"
            elif words[0] == "Pss:":
                share = 1024 * int(words[1])
                whole += share
                if isAnonymous:
                    buffers += share // HASHING * HASHING
    return whole, buffers
