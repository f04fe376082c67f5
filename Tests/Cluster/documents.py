"""The `curl` lines of the contracts' documents as they stand, each sent to the next machine."""
import json, os, re, subprocess
from balancer import PORT
from stack import MACHINES

# What the commands of each document answer, in their order; documents 3, 4 and 6 have none.
STATUSES = {"1-v1-profile": [201, 200, 200, 200, 200, 200, 200, 200, 200], "2-email-auth": [201, 200, 200],
            "5-v1-auth": [201, 200, 200, 200, 200]}
# Whose mails are none of the load's.
ADDRESSES = ["test@example.com", "updated@example.com"]
HOSTS = r"http://(127\.0\.0\.1:8000|localhost:8000|your-domain)"
ACCESS = r"your_access_token_here|<access_token>|YOUR_ACCESS_TOKEN"


def findings(stack):
    """Lines that say what was not answered as documented, and what was not answered by the machine it was sent to."""
    found, turn = [], 0
    for document, statuses in STATUSES.items():
        # Each command begins once on each machine.
        for turn in range(len(MACHINES)):
            found += follow(stack, document, statuses, turn)
            code, trouble = stack.machines[(turn + len(statuses)) % len(MACHINES)].call("user", "delete", "testuser")
            if code:
                found.append(f"document {document}: user delete ended with {code}: {trouble}")
    return found


def follow(stack, document, statuses, turn):
    found, tokens = [], {}
    lines = commands(f"{stack.checkout}/Tests/SystemTests/Documents/{document}.md")
    if len(lines) != len(statuses):
        return [f"document {document}: {len(lines)} commands, not {len(statuses)}"]
    for number, (line, expected) in enumerate(zip(lines, statuses)):
        machine = list(MACHINES)[(turn + number) % len(MACHINES)]
        status, at, answer = run(stack, filled(stack, line, tokens), machine)
        if (status, at) != (expected, machine):
            found.append(f"document {document}: command {number + 1} on machine {machine} was answered {status} by "
                         f"{at}, not {expected}: {answer}")
        tokens |= found_tokens(answer)
    return found


def commands(path):
    """A command goes on as long as its line ends with a backslash, or a quote is open."""
    with open(path) as file:
        lines = [line.rstrip() for line in file]
    found, open_ones = [], None
    for line in lines:
        if open_ones is None and line.startswith("curl "):
            open_ones = []
        if open_ones is not None:
            open_ones.append(line)
            text = "\n".join(open_ones)
            if not text.endswith("\\") and text.count("'") % 2 == 0:
                found.append(text)
                open_ones = None
    return found


def filled(stack, line, tokens):
    """With what a reader has to fill in."""
    line = re.sub(HOSTS, f"http://127.0.0.1:{PORT}", line)
    line = re.sub(ACCESS, tokens.get("access", ""), line).replace("your_refresh_token_here", tokens.get("refresh", ""))
    return (line.replace('"oldpassword123"', '"testpassword123"')
            .replace("/path/to/your/image.jpg", stack.checkout + "/Tests/PicturesTests/Vectors/pngsuite/ps1n2c16.png"))


def run(stack, line, machine):
    """The status, the machine that answered, and the decoded answer."""
    home = stack.folder + "/curl"
    os.makedirs(home, exist_ok=True)
    with open(home + "/.curlrc", "w") as file:
        file.write(f'silent\nheader = "X-Machine: {machine}"\nwrite-out = "\\n%{{http_code}} %header{{x-machine}}"\n')
    output = subprocess.run(["bash", "-c", line], env=os.environ | {"CURL_HOME": home}, capture_output=True, text=True,
                            timeout=60).stdout
    answer, _, end = output.rpartition("\n")
    status, _, at = end.partition(" ")
    try:
        return int(status), at, json.loads(answer)
    except ValueError:
        return status, at, answer


def found_tokens(answer):
    """`access` and `refresh` of an answer, wherever they stand in it."""
    if not isinstance(answer, dict):
        return {}
    inside = answer.get("tokens") if isinstance(answer.get("tokens"), dict) else answer
    tokens = {name: inside[name] for name in ("access", "refresh") if name in inside}
    return tokens | ({"access": answer["access_token"]} if "access_token" in answer else {})
