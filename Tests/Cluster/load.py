"""The load: clients that do what people do, for as long as it runs, at a steady pace."""
import threading
from client import Client
from operating import Operator
from people import People
from reading import VIEWS, read
from registering import enrol
from signing import sign_in
from stack import Late

CLIENTS = 24
# Few, so that many operations meet at each of them.
PEOPLE = 48


class Load:
    def __init__(self, stack, history, seed, rate):
        self.stack, self.history, self.seed = stack, history, seed
        self.pause = CLIENTS / rate
        self.people = People(PEOPLE)
        self.over = threading.Event()
        # What clients could not cope with, as findings.
        self.troubles = []
        # Of reset mails that nobody has used: by address.
        self.tokens, self.taken = {}, 0
        # What came, as `(address, about)`.
        self.mailed = set()
        with open(stack.checkout + "/Tests/PicturesTests/Vectors/pngsuite/ps1n2c16.png", "rb") as file:
            self.picture = file.read()
        self.clients = [Client(self, number) for number in range(CLIENTS)] + [Operator(self, CLIENTS)]

    def start(self):
        for client in self.clients[:8]:
            enrol(client)
        if not self.people.all:
            raise SystemExit("cluster: nobody could be registered")
        for client in self.clients:
            client.start()

    def take_mails(self):
        mails = self.stack.mail_server.mails()
        for mail in mails[self.taken:]:
            self.mailed.add((mail["to"], mail["about"]))
            if mail["about"] == "reset-password":
                self.tokens[mail["to"]] = mail["token"]
        self.taken = len(mails)

    def has_mails(self, person):
        """Whether all came that the person was to get."""
        wanted = ["verify-email"] + ["reset-password"] * person.asked_reset
        return all((person.email, it) in self.mailed for it in wanted)

    def stop(self):
        self.over.set()
        for client in self.clients:
            client.join(120)
        dead = [it.number for it in self.clients if it.is_alive()]
        if dead:
            raise Late(f"the end of clients {dead}")

    def look_at_all(self):
        """Everybody once more, on every machine: what was written must still be there."""
        client = self.clients[0]
        for person in self.people.all:
            person.ended = []
            sign_in(client, person)
            session = person.session(client.random)
            for path, fields, _ in VIEWS[-1:] * 3 if session else ():
                read(client, person, session, (path, fields, True))
