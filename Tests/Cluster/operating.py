"""The operator of the load: calls of `homeroom user …`, each on the next machine."""
import subprocess
from checker import LOCKING
from client import Client
from history import Operation
from people import Person, unique
from reading import look_back, read
from registering import register
from signing import login


class Operator(Client):
    """A client that also runs the command, one act a second."""

    def run(self):
        number = 0
        while not self.load.over.wait(1):
            person = self.load.people.any(self.random)
            act = [self.change_role, self.disable, self.log_out, self.lock_out][number % 4]
            number += 1
            self.load.take_mails()
            # Whose mails are still to come is not disabled: then they would not be sent.
            if act != self.disable or self.load.has_mails(person):
                with person.lock:
                    self.attempt(act, person)

    def call(self, person, *words, **facts):
        """What it does is certain when it says so: a call that fails may have been carried out."""
        self.connection.turn += 1
        machine = self.load.stack.machines[self.connection.turn % len(self.load.stack.machines)]
        it = Operation(words[1], person.name, self.load.history.now(), 0, machine.name, 0, is_request=False, **facts)
        try:
            code, trouble = machine.call(*words)
            it.status = 503 if code else 200
            # A refusal is 1; wrong usage, or the end by a signal, is none.
            if code not in (0, 1):
                it.wrong = f"ended with {code}: {trouble}"
        except subprocess.TimeoutExpired:
            pass
        it.end = self.load.history.now()
        self.load.history.operations.append(it)
        return it

    def end_all(self, person, *words, **facts):
        it = self.call(person, "user", *words, ends="all", **facts)
        person.end(*person.sessions)
        look_back(self, person)
        return it

    def change_role(self, person):
        role = self.random.choice([it for it in ("student", "mentor", "teacher") if it != person.role])
        it = self.end_all(person, "set-role", person.name, role, writes={person.register("role"): role})
        person.role = role if it.is_acknowledged else None
        self.sign_in(person)

    def log_out(self, person):
        self.end_all(person, "logout", person.name)
        self.sign_in(person)

    def disable(self, person):
        """Nobody signs in to a disabled account; everybody does once it is active again."""
        register = person.register("status")
        self.end_all(person, "set-status", person.name, "disabled", writes={register: "disabled"})
        for _ in range(2):
            login(self, person, person.passwords[0], "login while disabled")
        for _ in range(10):
            it = self.end_all(person, "set-status", person.name, "active", writes={register: "active"})
            if it.is_acknowledged:
                break
        self.sign_in(person)

    def sign_in(self, person):
        _, session = login(self, person, person.passwords[-1])
        if session:
            person.sessions.append(session)
            read(self, person, session)

    def lock_out(self, _):
        """Wrong passwords lock a name, whichever machines and contracts they go to."""
        person = Person(unique("locked").replace(" ", ""))
        if not register(self, person, 1).is_acknowledged:
            return
        for _ in range(LOCKING):
            login(self, person, "wrong-pass-word", "guess")
        login(self, person, person.passwords[0], "knock")
        self.call(person, "user", "unlock", person.name)
        login(self, person, person.passwords[0], "knock")
