"""All of it: three machines over one cluster and one media folder, and what is in front of them."""
import os, re, secrets, shutil, ssl, subprocess, sys, time
from balancer import Balancer
from certificates import Authority
from machine import PASSWORDS, Machine
from mail_server import MailServer
from network import Network

MACHINES = {"one": "10.77.0.1", "two": "10.77.0.2", "three": "10.77.0.3"}


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
        self.addresses = list(MACHINES.values())
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
        self.machines = [Machine(self, name, address) for name, address in MACHINES.items()]

    def restart_delay(self):
        with open(self.checkout + "/systemd/homeroom.service") as file:
            return float(re.search(r"^RestartSec=(\d+)", file.read(), re.M)[1])

    def start(self):
        first = self.machines[0]
        user = first.web_user
        os.chown(self.media, user.pw_uid, user.pw_gid)
        first.node.make_tables()
        first.node.begins_cluster = True
        first.database.start()
        wait(lambda: first.node.is_synced(1), 60, "the first node")
        self.make_users(first.node)
        code, trouble = first.call("migrate", seconds=60)
        if code:
            raise SystemExit(f"cluster: homeroom migrate: {trouble}")
        first.database.stop()
        for machine in self.machines[1:]:
            machine.node.copy_tables(first.node)
        first.node.begins_cluster = True
        for machine in self.machines:
            machine.database.start()
        wait(lambda: all(it.node.is_synced(len(MACHINES)) for it in self.machines), 90, "the cluster")
        for machine in self.machines:
            machine.homeroom.start()
            machine.nginx.start()
        self.balancer = Balancer(self)
        self.wait_until_whole(60)

    def make_users(self, node):
        """As sql/users.sql has it, for a service that comes from the machines' addresses, with a password and TLS."""
        with open(self.checkout + "/sql/users.sql") as file:
            text = file.read()
        text = text.replace("IDENTIFIED VIA unix_socket", f"IDENTIFIED BY '{PASSWORDS['homeroom']}' REQUIRE SSL")
        text = text.replace("homeroom@localhost", "homeroom@'10.77.0.%'")
        text += f"""
            CREATE USER homeroom_owner@'10.77.0.%' IDENTIFIED BY '{PASSWORDS["owner"]}' REQUIRE SSL;
            GRANT ALL ON homeroom.* TO homeroom_owner@'10.77.0.%';
            CREATE USER IF NOT EXISTS {node.user.pw_name}@localhost IDENTIFIED VIA unix_socket;
            GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR ON *.*
                TO {node.user.pw_name}@localhost;"""
        if node.sql(text, 30) is None:
            raise SystemExit(f"cluster: {node.trouble}")

    def is_whole(self):
        """Every part of every machine is well, and the balancer knows."""
        return (self.balancer.states() == dict.fromkeys(MACHINES, "UP")
                and all(it.node.is_synced(len(MACHINES)) and it.is_ready() for it in self.machines))

    def wait_until_whole(self, seconds):
        wait(self.is_whole, seconds, "a whole cluster")
