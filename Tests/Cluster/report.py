"""What a run has shown: how much was done, what each fault cost, and which rules were broken."""
import collections
from faults import LIMITS

# Failures that are less than this apart, in seconds, are one time of failures.
APART = 1


def outages(requests):
    """Times in which requests were not answered well, as pairs of begin and end."""
    found = []
    for it in sorted((it for it in requests if not it.is_answered_well), key=lambda it: it.start):
        if found and it.start - found[-1][1] < APART:
            found[-1][1] = max(found[-1][1], it.end)
        else:
            found.append([it.start, it.end])
    return found


def table(history, slack=1):
    """One line for each fault, and what is over its limit, `slack` times."""
    requests = [it for it in history.operations if it.is_request]
    lines, missed = [f"{'s':>7}  {'fault':27}{'requests':>9}{'503':>6}{'other':>7}{'longest outage':>16}{'limit':>7}"
                     f"{'slowest':>9}{'whole after':>13}"], []
    for number, fault in enumerate(history.faults):
        last = history.faults[number + 1].start if number + 1 < len(history.faults) else float("inf")
        here = [it for it in requests if fault.start <= it.end < last]
        busy = sum(it.status == 503 for it in here)
        bad = sum(not it.is_answered_well for it in here)
        outage = max((end - begin for begin, end in outages(here)), default=0)
        slowest = max((it.end - it.start for it in here if it.is_answered_well), default=0)
        limit = LIMITS[fault.kind] * slack
        lines.append(f"{fault.start:7.1f}  {str(fault):27}{len(here):9}{busy:6}{bad - busy:7}{outage:14.2f} s"
                     f"{limit:5} s{slowest:7.2f} s{fault.whole - fault.start:11.1f} s")
        if outage > limit:
            missed.append(f"{fault} at {fault.start:.1f} s: requests were not answered well for {outage:.2f} s, "
                          f"limit {limit} s")
    return lines, missed


def kinds(history):
    """How many operations there were of each kind, and how they went."""
    counts = collections.defaultdict(collections.Counter)
    for it in history.operations:
        kind = "acknowledged" if it.is_acknowledged else "unknown" if it.is_unknown else "refused"
        counts[it.kind][kind] += 1
    lines = [f"{'operations':32}{'all':>9}{'acknowledged':>14}{'refused':>9}{'unknown':>9}"]
    for kind, found in sorted(counts.items(), key=lambda it: -sum(it[1].values())):
        lines.append(line(kind, found))
    return lines + [line("all", sum(counts.values(), collections.Counter()))]


def line(kind, counts):
    return (f"{kind:32}{sum(counts.values()):9}{counts['acknowledged']:14}{counts['refused']:9}"
            f"{counts['unknown']:9}")


def rules(findings):
    """How often each rule was broken, in words."""
    counts = collections.Counter(it.partition(":")[0] for it in findings)
    return ", ".join(f"{rule} {count}" for rule, count in counts.most_common())
