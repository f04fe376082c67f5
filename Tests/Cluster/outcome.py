"""What must be there in the end, when nothing is in hand any more: mails, rows and files."""
import collections, os
from checker import finding

ROWS = "SELECT id, username, email, IFNULL(avatar, ''), login_count FROM homeroom.accounts ORDER BY id"
TABLES = ["accounts", "sessions", "login_failures", "password_resets", "outbox", "email_changes", "email_undo_tokens",
          "email_verifications", "email_verification_tokens", "migrations"]


def mails(operations, sent):
    """One mail for one request: none is lost, none is sent twice. `sent`: pairs of address and what it is about."""
    findings, counts, requests = [], collections.Counter(sent), collections.defaultdict(list)
    for it in operations:
        if it.mail and (it.is_acknowledged or it.is_unknown):
            requests[it.mail].append(it)
    for mail in counts.keys() | requests.keys():
        sure = sum(it.is_acknowledged for it in requests[mail])
        # A name is registered once, and nobody asks twice for a link: a second request is one that was not answered.
        most = sure or min(1, len(requests[mail]))
        if not sure <= counts[mail] <= most:
            rule = "mail lost" if counts[mail] < sure else "mail sent twice"
            findings.append(finding(rule, f"{counts[mail]} to {mail[0]} about {mail[1]}, must be {sure} … {most}",
                                    *requests[mail]))
    return findings


def rows(operations, found):
    """Each registration that was acknowledged is one row, and no row is there without one. `found`: addresses."""
    findings, counts, claims = [], collections.Counter(found), collections.defaultdict(list)
    for it in operations:
        if it.claims and (it.is_acknowledged or it.is_unknown):
            claims[it.claims].append(it)
    for name, asked in claims.items():
        if any(it.is_acknowledged for it in asked) and counts[name] != 1:
            findings.append(finding("account lost" if not counts[name] else "account there twice", name, *asked))
    return findings + [finding("account that nobody registered", name) for name in counts.keys() - claims.keys()]


def files(avatars, media):
    """All pictures of a row are there. `avatars`: their paths in `media`."""
    findings = []
    for path in avatars:
        stem, ending = os.path.splitext(path)
        for name in (path, f"{stem}-256{ending}", f"{stem}-64{ending}"):
            if not os.path.isfile(f"{media}/{name}"):
                findings.append(finding("row without a file", name))
    return findings


def same_rows(machines):
    """Every node has the same rows in every table. Not by CHECKSUM TABLE, which sums up garbage for virtual columns."""
    findings = []
    for table in TABLES:
        text = f"SET SESSION wsrep_sync_wait = 7; SELECT * FROM homeroom.{table} ORDER BY 1"
        # Somebody may write in between: the service clears up, and notes when a session was used.
        for _ in range(20):
            rows = [it.node.sql(text, 60) for it in machines]
            if None not in rows and all(it == rows[0] for it in rows):
                break
        else:
            findings.append(finding("nodes differ", f"{table}: {differences(machines, rows)}"))
    return findings


def differences(machines, rows):
    """Some rows of each node that the next one has not."""
    if None in rows:
        return "not every node answers"
    sets = [set(map(tuple, it)) for it in rows]
    return [f"{machine.name}: {sorted(mine - theirs)[:3]}"
            for machine, mine, theirs in zip(machines, sets, sets[1:] + sets[:1])]
