"""What was asked and answered: one `Operation` for each request, as the client saw it.

An operation says what follows from its answer in words that no contract has, and the checker looks at these alone.
A register is a thing with one value at a time, named PERSON/FIELD."""
import dataclasses, json, time

# Seconds after which a write that was not acknowledged can no longer take effect: nginx and the service have given it
# up by then, and no fault lasts so long.
LATEST = 60


@dataclasses.dataclass
class Operation:
    kind: str
    person: str
    # Of the harness's one clock: seconds since the history began.
    start: float
    end: float
    # What the balancer says, or whom the client asked for.
    machine: str
    # 0: no answer.
    status: int
    # Registers that have these values from now on. One that only the answer tells begins with `?` until it is known.
    writes: dict = dataclasses.field(default_factory=dict)
    # Registers that had these values meanwhile, and what they did not have.
    reads: dict = dataclasses.field(default_factory=dict)
    denies: dict = dataclasses.field(default_factory=dict)
    # The number of logins that it shows.
    logins: int | None = None
    # The session that it was sent with; the one that begins with it.
    session: str | None = None
    begins: str | None = None
    # Which sessions of the person end: `all`, `others` than the one it was sent with, or this one, `own`.
    ends: str | None = None
    # A name that only one registration can have.
    claims: str | None = None
    # A mail that it asks for, as `(address, about)`; a token that works once.
    mail: tuple | None = None
    spends: str | None = None
    # Why an answer can only be wrong.
    wrong: str | None = None
    # Whether it went through the balancer; a call of the command does not.
    is_request: bool = True

    @property
    def is_acknowledged(self):
        return 200 <= self.status < 300

    @property
    def is_unknown(self):
        """Whether it may have taken effect or not."""
        return self.status == 0 or self.status >= 500

    @property
    def is_answered_well(self):
        return not self.is_unknown

    @property
    def latest(self):
        """When it has taken effect, if it has."""
        return self.end if self.is_acknowledged else self.end + LATEST

    def __str__(self):
        names = ("reads", "denies", "writes", "logins")
        facts = [f"{name} {value!r}" for name in names if (value := getattr(self, name)) not in (None, {})]
        answer = self.status or "no answer"
        return (f"{self.start:9.3f} … {self.end:9.3f} s  {self.machine:5}  {self.kind} of {self.person}: {answer}"
                + "".join(f", {fact}" for fact in facts))


class History:
    def __init__(self):
        self.begin = time.monotonic()
        self.operations = []
        self.faults = []

    def now(self):
        return time.monotonic() - self.begin

    def save(self, path):
        with open(path, "w") as file:
            for it in self.operations:
                facts = {name: value for name, value in dataclasses.asdict(it).items() if value not in (None, {})}
                file.write(json.dumps(facts, ensure_ascii=False) + "\n")
