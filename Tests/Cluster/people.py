"""Who uses the service: accounts, and the sessions and passwords that a client knows of."""
import dataclasses, itertools, threading

FIELDS = ["bio", "full_name", "first_name", "phone"]
counter = itertools.count(1)


def unique(word):
    """A text that nobody else writes."""
    return f"{word} {next(counter)}"


@dataclasses.dataclass
class Session:
    id: str
    contract: int
    access: str | None = None
    refresh: str | None = None
    cookie: str | None = None

    @property
    def headers(self):
        if self.cookie:
            return {"Cookie": f"sessionid={self.cookie}"}
        return {"Authorization": f"Bearer {self.access}"}


class Person:
    def __init__(self, name):
        self.name = name
        self.email = f"{name}@example.org"
        # What it may be: more than one after a change that was not answered.
        self.passwords = [unique("pass-word")]
        self.role = "student"
        self.sessions, self.ended = [], []
        self.asked_reset = False
        # Held by whoever signs in or out or changes password or role: what they know of each other then stays true.
        self.lock = threading.Lock()

    def register(self, field):
        return f"{self.name}/{field}"

    def first_values(self):
        """Of all registers, once the account is there."""
        return {**{self.register(field): None for field in FIELDS + ["avatar"]}, self.register("role"): "student",
                self.register("status"): "active", self.register("password"): self.passwords[0]}

    def session(self, random):
        """One that lives as far as is known, or None."""
        sessions = self.sessions
        return random.choice(sessions) if sessions else None

    def end(self, *sessions):
        for it in sessions:
            if it in self.sessions:
                self.sessions.remove(it)
                self.ended = self.ended[-3:] + [it]


class People:
    """Those whom all clients share; the newest take the places of the oldest."""

    def __init__(self, most):
        self.most, self.all, self.everybody = most, [], []

    def add(self, person):
        self.everybody.append(person)
        self.all = self.all[-self.most + 1:] + [person]

    def any(self, random):
        people = self.all
        return random.choice(people) if people else None
