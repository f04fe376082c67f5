"""What runs inside the namespaces that `cluster` has made: machines, load and faults, then the checker."""
import argparse, copy, os, sys, time
sys.dont_write_bytecode = True
import checker, documents, outcome, report
from faults import LIMITS, WHOLE, Faults, sequence
from history import History
from load import Load
from stack import Late, Stack, note

words = argparse.ArgumentParser()
words.add_argument("folder")
words.add_argument("homeroom")
words.add_argument("--seconds", type=float)
words.add_argument("--seed", type=int)
words.add_argument("--rate", type=float)
words.add_argument("--only", choices=LIMITS)
words.add_argument("--short", action="store_true")
words.add_argument("--own-node", action="store_true")

# Faults of a short run, and by how much its outages may be longer: other tests run beside it.
FEW, SLACK = 4, 4
# Seconds within which the last mails are sent: a machine that could not reach the mail server tries again, after 5, 10,
# 20 and 40 s.
MAILS = 90


def run():
    options = words.parse_args()
    note(f"seed {options.seed}")
    stack = Stack(options.folder, options.homeroom, options.own_node)
    try:
        stack.start()
    except Late as trouble:
        sys.exit(f"cluster: {trouble}")
    documented = documents.findings(stack)
    history = History()
    load = Load(stack, history, options.seed, options.rate)
    load.start()
    try:
        make_faults(options, stack, history)
        load.stop()
        stack.wait_until_whole(WHOLE)
        load.look_at_all()
        findings = judge(stack, history)
    except Late as trouble:
        # What clients still have in hand is not looked at.
        load.over.set()
        history = copy.copy(history)
        history.operations = list(history.operations)
        findings = [f"not well again: {trouble}"] + checker.check(history.operations)
    findings += documented + load.troubles
    history.save(options.folder + "/history.jsonl")
    return show(options, history, findings)


def make_faults(options, stack, history):
    faults = Faults(stack, history)
    time.sleep(2)
    for number, fault in enumerate(sequence(options.seed, options.only)):
        if number == FEW if options.short else history.now() > options.seconds:
            break
        faults.make(fault, note)


def judge(stack, history):
    """Rules of the history, and of what is there in the end on every machine."""
    operations = history.operations
    end = time.monotonic() + MAILS
    while True:
        mails = [(it["to"], it["about"]) for it in stack.mail_server.mails()
                 if it["to"] not in documents.ADDRESSES]
        findings = outcome.mails(operations, mails)
        if not any(it.startswith("mail lost") for it in findings) or time.monotonic() > end:
            break
        time.sleep(0.5)
    findings += checker.check(operations)
    rows = stack.machines[0].node.sql(outcome.ROWS, 30)
    findings += outcome.rows(operations, [row[2] for row in rows])
    findings += outcome.files([row[3] for row in rows if row[3]], stack.media)
    return findings + outcome.same_rows(stack.machines)


def show(options, history, findings):
    lines, missed = report.table(history, SLACK if options.short else 1)
    print("\n".join(report.kinds(history)), "", *lines, "", sep="\n")
    for text in findings[:20]:
        print(text)
    rules = report.rules(findings)
    print(f"seed {options.seed}, {len(history.operations)} operations, {len(history.faults)} faults; rules broken: "
          f"{rules or 'none'}")
    for text in missed:
        print(f"TOO LONG: {text}")
    return 1 if findings or missed else 0


def main():
    """The first process of its namespace inherits what others leave behind: it sees to that alone, and to the one that
    does the work, with whose end all end."""
    child = os.fork()
    if not child:
        sys.exit(run())
    while True:
        process, status = os.wait()
        if process == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


main()
