"""What the tests of setup and package have in common: programs, questions to nginx, and facts, each with a line."""
import grp, http.client, os, pwd, subprocess, sys, time

children = []
_failures = []


def run(*words, check=True, env=None, **more):
    """A program to its end."""
    outcome = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, **(env or {})}, **more)
    if check and outcome.returncode:
        sys.exit(f"{' '.join(words)}: ended with {outcome.returncode}\n{outcome.stdout}{outcome.stderr}")
    return outcome


def start(*words, env=None):
    """A program that runs on."""
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env={**os.environ, **(env or {})})
    children.append(child)
    return child


def expect(fact, found, wanted):
    holds = found == wanted
    print(f"{'ok' if holds else 'NOT'}: {fact}" + ("" if holds else f"\n    found {found!r}\n    wanted {wanted!r}"), flush=True)
    if not holds:
        _failures.append(fact)


def eventually(fact, question, seconds=30):
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            return expect(fact, f"not within {seconds} s", True)
        time.sleep(0.02)
    expect(fact, True, True)


def fetch(port, path, host="127.0.0.1"):
    """Status, Location and body; status 0 where nobody answers."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None, b""


def listing(path):
    """`640 root:homeroom`"""
    status = os.stat(path)
    return f"{status.st_mode & 0o7777:o} {pwd.getpwuid(status.st_uid).pw_name}:{grp.getgrgid(status.st_gid).gr_name}"


def finish():
    print(f"{len(_failures)} facts do not hold" if _failures else "all facts hold")
    sys.exit(1 if _failures else 0)
