"""What goes wrong: one fault at a time, in an order that a seed decides; the next one when all is whole again."""
import dataclasses, random, time
from stack import wait

# For how many seconds requests may be not answered well, by kind. 0: not one may fail.
LIMITS = {
    "kill database": 2, "kill homeroom": 2, "kill nginx": 2, "freeze database": 5, "cut off": 5, "restart database": 2,
    "rolling restart": 0,
}
# Seconds that a machine is cut off or frozen.
SHORTEST, LONGEST = 4, 9
# Seconds until what is lost is back: Debian's units wait five seconds before they start anything again.
WHOLE = 90
# Seconds of calm before the next one.
CALM = 3


@dataclasses.dataclass
class Fault:
    kind: str
    machine: int
    # How long it lasts, where that is not decided by what it is.
    seconds: float
    name: str = ""
    start: float = 0
    whole: float = 0

    def __str__(self):
        return self.kind + ("" if self.kind == "rolling restart" else f" on {self.name}")


def sequence(seed, only=None):
    """Every kind once in each round, on any machine; or one kind alone."""
    dice = random.Random(seed)
    while True:
        kinds = list(LIMITS)
        dice.shuffle(kinds)
        for kind in kinds:
            fault = Fault(kind, dice.randrange(3), round(dice.uniform(SHORTEST, LONGEST), 1))
            if kind == only or not only:
                yield fault


class Faults:
    def __init__(self, stack, history):
        self.stack, self.history = stack, history

    def make(self, fault, note):
        machine = self.stack.machines[fault.machine]
        fault.name = machine.name
        fault.start = self.history.now()
        note(f"{fault.start:7.1f} s  {fault}")
        self.history.faults.append(fault)
        getattr(self, fault.kind.replace(" ", "_"))(machine, fault.seconds)
        self.stack.wait_until_whole(WHOLE)
        fault.whole = self.history.now()
        time.sleep(CALM)

    def kill(self, unit):
        starts = unit.starts
        unit.kill()
        wait(lambda: unit.starts > starts, 30, f"{unit.name} started again")

    def kill_database(self, machine, _):
        self.kill(machine.database)

    def kill_homeroom(self, machine, _):
        self.kill(machine.homeroom)

    def kill_nginx(self, machine, _):
        self.kill(machine.nginx)

    def freeze_database(self, machine, seconds):
        machine.database.freeze()
        time.sleep(seconds)
        machine.database.thaw()

    def cut_off(self, machine, seconds):
        self.stack.network.cut(machine.name)
        time.sleep(seconds)
        self.stack.network.mend(machine.name)

    def restart_database(self, machine, _):
        machine.database.stop()
        machine.database.start()

    def rolling_restart(self, *_):
        """As after an upgrade, machine by machine: docs/operating.md, A new version. The balancer sends nothing to one
        whose nginx ends its connections: it may send a change on one of them at that very moment."""
        for machine in self.stack.machines:
            self.stack.balancer.drain(machine.name)
            before = machine.count_ready()
            machine.homeroom.reload()
            wait(lambda: machine.count_ready() > before, 30, "a reload of homeroom")
            workers = machine.nginx.children()
            machine.nginx.reload()
            wait(lambda: not workers & machine.nginx.children(), 60, "a reload of nginx")
            self.stack.balancer.use(machine.name)
            self.stack.wait_until_whole(WHOLE)
