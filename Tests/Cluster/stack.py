"""All of it: three machines over one cluster and one media folder, the balancer and the mail server in front of them."""
import os, re, secrets, shutil, ssl, subprocess, sys, time
from balancer import Balancer
from certificates import Authority
from machine import PASSWORDS, Machine
from mail_server import MailServer
from network import Network

NAMES = ["one", "two", "three"]


def note(text):
    print(text, file=sys.stderr, flush=True)


class Late(Exception):
    """What was waited for did not come."""


def wait(condition, seconds, what):
    """What a condition says once it says something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise Late(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return found


class Stack:
    def __init__(self, folder, homeroom, own_node):
        self.folder, self.own_node = folder, own_node
        self.checkout = os.path.realpath(os.path.dirname(os.path.abspath(__file__)) + "/../..")
        self.numbers = list(range(1, len(NAMES) + 1))
        self.token_key = secrets.token_hex(32)
        os.makedirs(folder + "/log")
        # A copy: the users whom workers become may not be able to reach the checkout.
        self.homeroom = folder + "/homeroom"
        shutil.copy(homeroom, self.homeroom)
        self.authority = Authority(folder)
        self.trust = ssl.create_default_context(cafile=self.authority.certificate)
        self.homeroom_delay = self.restart_delay()
        self.media = folder + "/media"
        os.makedirs(self.media)
        self.network = Network(folder + "/networks")
        self.mail_server = MailServer(self)
        self.machines = [Machine(self, name, number) for name, number in zip(NAMES, self.numbers)]

    def restart_delay(self):
        with open(self.checkout + "/systemd/homeroom.service") as file:
            return float(re.search(r"^RestartSec=(\d+)", file.read(), re.M)[1])

    def start(self):
        first = self.machines[0]
        user = first.web_user
        os.chown(self.media, user.pw_uid, user.pw_gid)
        first.make_tables(first.folder + "/db")
        first.begins_cluster = True
        first.database.start()
        wait(lambda: first.is_synced(1), 60, "the first node")
        self.make_users(first)
        code, _, trouble = first.call("migrate", seconds=60)
        if code:
            raise SystemExit(f"cluster: homeroom migrate: {trouble}")
        self.copy_database(first)
        for machine in self.machines:
            machine.database.start()
        wait(lambda: all(it.is_synced(len(NAMES)) for it in self.machines), 90, "the cluster")
        for machine in self.machines:
            machine.homeroom.start()
            machine.nginx.start()
        self.balancer = Balancer(self)
        self.wait_until_whole(60)

    def copy_database(self, first):
        """Nodes with the same rows at the same position need no state transfer, which takes ten seconds each."""
        first.database.stop()
        for machine in self.machines[1:]:
            os.rmdir(machine.folder + "/db")
            subprocess.run(["cp", "-a", "--reflink=auto", first.folder + "/db", machine.folder + "/db"], check=True)
            for name in ("galera.cache", "gvwstate.dat"):
                if os.path.exists(f"{machine.folder}/db/{name}"):
                    os.remove(f"{machine.folder}/db/{name}")
        first.begins_cluster = True

    def make_users(self, machine):
        """As sql/users.sql has it, for a service that comes from the machines' addresses, with a password and TLS."""
        with open(self.checkout + "/sql/users.sql") as file:
            text = file.read()
        text = text.replace("IDENTIFIED VIA unix_socket", f"IDENTIFIED BY '{PASSWORDS['homeroom']}' REQUIRE SSL")
        text = text.replace("homeroom@localhost", "homeroom@'10.77.0.%'")
        text += f"""
            CREATE USER homeroom_owner@'10.77.0.%' IDENTIFIED BY '{PASSWORDS["owner"]}' REQUIRE SSL;
            GRANT ALL ON homeroom.* TO homeroom_owner@'10.77.0.%';
            CREATE USER IF NOT EXISTS {machine.database_user.pw_name}@localhost IDENTIFIED VIA unix_socket;
            GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR ON *.*
                TO {machine.database_user.pw_name}@localhost;"""
        if machine.sql(text, 30) is None:
            raise SystemExit(f"cluster: {machine.trouble}")

    def is_whole(self):
        """Every part of every machine is well, and the balancer knows."""
        return (all(state == "UP" for state in self.balancer.states().values())
                and all(it.is_synced(len(NAMES)) and it.is_ready() for it in self.machines))

    def wait_until_whole(self, seconds):
        wait(self.is_whole, seconds, "a whole cluster")
