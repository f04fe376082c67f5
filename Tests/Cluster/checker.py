"""Goes through a history and finds what no single machine could have answered.

Each rule is a function that takes the operations and gives its findings, as lines that name them. Times are real: one
clock has stamped all operations. So an operation that ended before another one began has happened before it, and what
overlaps may have happened in either order."""
import bisect, collections


def check(operations):
    """The findings of all rules."""
    rules = [wrong_answers, stale_reads, denied_values, sessions, names, spent_tokens, locks, counters]
    return [finding for rule in rules for finding in rule(operations)]


def finding(rule, text, *operations):
    return "\n".join([f"{rule}: {text}"] + [f"    {it}" for it in operations])


def wrong_answers(operations):
    return [finding("wrong answer", it.wrong, it) for it in operations if it.wrong]


class Register:
    """What is known of one register: its writes, and when each was in effect for certain."""

    def __init__(self):
        self.writes, self.reads, self.denials = [], [], []

    def settle(self):
        """A write is in effect once it is acknowledged, or once a read has seen it."""
        values = collections.defaultdict(list)
        for write in self.writes:
            values[write.value].append(write)
        self.writers = values
        for read, value in self.reads:
            found = values.get(value, [])
            if len(found) == 1:
                write = found[0]
                write.known = min(write.known, read.end)
                write.latest = min(write.latest, read.end)
        ordered = sorted((it for it in self.writes if it.known < float("inf")), key=lambda it: it.known)
        self.known = [it.known for it in ordered]
        # Of all that were in effect by then, the one that began last.
        self.newest = []
        for write in ordered:
            self.newest.append(max(write, self.newest[-1], key=lambda it: it.start) if self.newest else write)

    def replacing(self, write, start):
        """A write that has certainly replaced another one before `start`, or None."""
        place = bisect.bisect_left(self.known, start)
        if not place:
            return None
        newest = self.newest[place - 1]
        return newest if newest.start > write.latest else None

    def possible(self, start, end):
        """The values that it may have had between these times."""
        return {it.value for it in self.writes if it.start < end and not self.replacing(it, start)}


class Write:
    def __init__(self, operation, value):
        self.operation, self.value, self.start = operation, value, operation.start
        self.known = operation.end if operation.is_acknowledged else float("inf")
        self.latest = operation.latest


def registers(operations):
    found = collections.defaultdict(Register)
    for it in operations:
        if it.is_acknowledged or it.is_unknown:
            for name, value in it.writes.items():
                found[name].writes.append(Write(it, value))
        if it.is_answered_well:
            for name, value in it.reads.items():
                found[name].reads.append((it, value))
            for name, value in it.denies.items():
                found[name].denials.append((it, value))
    for name, register in found.items():
        if name.endswith("/avatar"):
            name_avatars(register)
        register.settle()
    return found


def name_avatars(register):
    """Paths of pictures are told by the answer alone: the path of an upload that was not answered is known once it is
    read. Each has one, so each of them explains one path."""
    known = {it.value for it in register.writes}
    nameless = sorted((it for it in register.writes if str(it.value).startswith("?")), key=lambda it: it.start)
    for read, value in sorted(register.reads, key=lambda it: it[0].end):
        if value in known:
            continue
        # The latest that had begun: others may have been without effect.
        fitting = [it for it in nameless if it.start < read.end]
        if fitting:
            nameless.remove(fitting[-1])
            fitting[-1].value = value
            known.add(value)
    # What nobody has seen is nothing that could be read.
    register.writes = [it for it in register.writes if it not in nameless]


def stale_reads(operations):
    """What is read is the value of the last acknowledged write, or of one that overlaps or was never acknowledged."""
    findings = []
    for name, register in registers(operations).items():
        for read, value in register.reads:
            writers = [it for it in register.writers.get(value, []) if it.start < read.end]
            if not writers:
                text = f"{name} was read as {value!r}, which nobody had written"
                findings.append(finding("unwritten value", text, read))
                continue
            replacements = [register.replacing(it, read.start) for it in writers]
            if all(replacements):
                newer = replacements[-1]
                text = f"{name} was read as {value!r}, which {newer.value!r} had replaced"
                findings.append(finding("stale read", text, writers[-1].operation, newer.operation, read))
    return findings


def denied_values(operations):
    """What is right is not called wrong: the present password of an account that may sign in."""
    findings, found = [], registers(operations)
    for name, register in found.items():
        for denial, value in register.denials:
            status = found.get(name.partition("/")[0] + "/status")
            if status and status.possible(denial.start, denial.end) != {"active"}:
                continue
            if register.possible(denial.start, denial.end) == {value}:
                findings.append(finding("right value refused", f"{name} was {value!r} for certain",
                                        register.writers[value][-1].operation, denial))
    return findings


def sessions(operations):
    """A session is accepted from its beginning to its end, and never after."""
    begins = {it.begins: it for it in operations if it.begins and it.is_acknowledged}
    ends = collections.defaultdict(list)
    for it in operations:
        if it.ends and (it.is_acknowledged or it.is_unknown):
            ends[it.person].append(it)
    findings = []
    for it in operations:
        if not it.session or not (it.is_acknowledged or it.status == 401):
            continue
        begin = begins[it.session]
        applying = [end for end in ends[it.person] if end is not it and applies(end, it.session)]
        if it.is_acknowledged:
            over = [end for end in applying
                    if end.is_acknowledged and begin.end < end.start and end.end < it.start]
            if over:
                findings.append(finding("ended session accepted", f"session {it.session}", begin, over[0], it))
        elif begin.end < it.start and not any(end.start < it.end and end.latest > begin.start for end in applying):
            findings.append(finding("living session refused", f"session {it.session}", begin, it))
    return findings


def applies(end, session):
    return {"all": True, "own": end.session == session, "others": end.session != session}[end.ends]


def names(operations):
    """A name is given once, and called taken only when somebody may have it."""
    findings, claims = [], collections.defaultdict(list)
    for it in operations:
        if it.claims:
            claims[it.claims].append(it)
    for name, found in claims.items():
        made = [it for it in found if it.is_acknowledged]
        if len(made) > 1:
            findings.append(finding("name given twice", name, *made))
        for it in found:
            if it.is_answered_well and not it.is_acknowledged and not any(
                    other.start < it.end and not (other.is_answered_well and not other.is_acknowledged)
                    for other in found if other is not it):
                findings.append(finding("free name refused", name, it))
    return findings


def spent_tokens(operations):
    """A token of a mail works once."""
    uses = collections.defaultdict(list)
    for it in operations:
        if it.spends and it.is_acknowledged:
            uses[it.spends].append(it)
    return [finding("token worked twice", token, *found) for token, found in uses.items() if len(found) > 1]


# Wrong passwords that lock a name: HOMEROOM_LOCK_FAILURES.
LOCKING = 10


def locks(operations):
    """Ten wrong passwords lock a name, wherever they went, until an operator unlocks it; nine do not.

    Looks at people whose whole story is `guess` (a wrong password), `knock` (the right one) and `unlock`."""
    stories, findings = collections.defaultdict(list), []
    for it in operations:
        if it.kind in ("guess", "knock", "unlock"):
            stories[it.person].append(it)
    for story in stories.values():
        surest, most = 0, 0
        for it in sorted(story, key=lambda it: it.start):
            is_locked = it.status in (423, 429)
            if it.kind == "guess":
                surest += bool(it.denies)
                most += not is_locked
            elif is_locked and most < LOCKING:
                findings.append(finding("locked too early", f"after {most} wrong passwords at most", it))
            elif it.kind == "knock" and it.is_acknowledged and surest >= LOCKING:
                findings.append(finding("not locked", f"after {surest} wrong passwords", it))
            elif it.is_acknowledged or it.is_unknown:
                # A login clears the count, as does an operator; perhaps.
                surest, most = 0, most if it.is_unknown else 0
    return findings


def counters(operations):
    """`login_count` counts each login once: all that were acknowledged before, and none that had not begun."""
    findings, logins, reads = [], collections.defaultdict(list), collections.defaultdict(list)
    for it in operations:
        if it.kind.startswith(("login", "knock")) and (it.is_acknowledged or it.is_unknown):
            logins[it.person].append(it)
        if it.logins is not None:
            reads[it.person].append(it)
    for person, found in reads.items():
        ends = sorted(it.end for it in logins[person] if it.is_acknowledged)
        starts = sorted(it.start for it in logins[person])
        for read in found:
            least, most = bisect.bisect_left(ends, read.start), bisect.bisect_left(starts, read.end)
            if not least <= read.logins <= most:
                findings.append(finding("logins miscounted", f"{read.logins}, must be {least} … {most}", read))
    return findings
