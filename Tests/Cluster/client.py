"""One client of the load: a kept connection to the balancer, each request for the next machine, and what it does."""
import http.client, json, random, threading, time, traceback
from acts import ACTS
from balancer import PORT
from history import Operation
from stack import MACHINES

SECONDS = 40  # nginx gives up before
IDLE = 30  # the balancer closes what is idle for longer than 75 s


class Connection:
    """Asks, and writes each question and its answer into the history."""

    def __init__(self, history, turn):
        self.history, self.turn = history, turn
        self.connection, self.used = None, 0

    def ask(self, kind, person, method, path, body=None, session=None, type="application/json", expected=(), judge=None,
            **facts):
        """Gives the operation and the decoded answer.

        `expected`: refusals that can be right, beside 401 of a request with a session; other ones are wrong answers.
        `judge` makes more facts of the operation from an answer that says yes."""
        self.turn += 1
        machine = list(MACHINES)[self.turn % len(MACHINES)]
        headers = {"X-Machine": machine, "Content-Type": type, **(session.headers if session else {})}
        it = Operation(kind, person.name, self.history.now(), 0, machine, 0, session=session and session.id, **facts)
        answer, content = None, b""
        try:
            if not self.connection or it.start - self.used > IDLE:
                self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=SECONDS)
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
        it.end = self.used = self.history.now()
        document = None
        if answer is not None and self.connection:
            it.status, it.machine = answer.status, answer.headers.get("X-Machine", "none")
            try:
                document = json.loads(content) if content and path.startswith("/api/") else content
            except ValueError:
                document = None
            self.look(it, answer, document, expected, judge)
        self.history.operations.append(it)
        return it, document

    def look(self, it, answer, document, expected, judge):
        if it.is_acknowledged:
            if judge:
                try:
                    judge(it, answer, document)
                except (KeyError, TypeError, AttributeError) as problem:
                    it.wrong = f"not the documented answer ({problem}): {document}"
        elif it.status == 500 or not (it.is_unknown or it.status in expected or it.session and it.status == 401):
            it.wrong = f"must not be answered so: {document}"


class Client(threading.Thread):
    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.random = random.Random(load.seed * 1000 + number)
        self.connection = Connection(load.history, number)
        self.ask = self.connection.ask
        # For what is asked at the same time, each of another machine.
        self.rivals = [Connection(load.history, turn) for turn in range(len(MACHINES))]

    def run(self):
        due = time.monotonic() + self.random.random()
        while not self.load.over.is_set():
            if self.load.over.wait(max(0, due - time.monotonic())):
                break
            before = self.connection.turn
            act = self.random.choices(list(ACTS), list(ACTS.values()))[0]
            person = self.load.people.any(self.random)
            if person:
                self.attempt(act, self, person)
            # So many operations a second, however many an act has; what was missed is not made up for.
            due = max(due, time.monotonic() - 1) + max(1, self.connection.turn - before) * self.load.pause

    def attempt(self, act, *arguments):
        """A client that fails would only make the load smaller: it is told instead."""
        try:
            act(*arguments)
        except Exception:
            self.load.troubles.append(f"client failed: {traceback.format_exc()}")
