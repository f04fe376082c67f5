"""What the scripts for Python share: where the service is, its key, people of their own, pictures, and facts."""
import itertools
import os
import re
import struct
import sys
import time
import traceback
import zlib

import jwt
import requests

SERVICE, SETTINGS = sys.argv[1:3]

with open(SETTINGS, encoding="utf-8") as settings:
    # As text, which it is for the service too.
    KEY = re.search(r"^HOMEROOM_TOKEN_KEY=(.*)$", settings.read(), re.M)[1]

PASSWORD = "seven-Owls-42"

FACTS = []
NUMBERS = itertools.count(1)


def fact(sentence):
    """Puts a function among what `tell` looks at."""
    def keep(function):
        FACTS.append((sentence, function))
        return function
    return keep


def tell():
    """Looks at each fact and prints a line of TAP for it; ends the process with 1 when one is not so."""
    failures = 0
    print(f"TAP version 13\n1..{len(FACTS)}")
    for number, (sentence, function) in enumerate(FACTS, 1):
        try:
            function()
            print(f"ok {number} - {sentence}", flush=True)
        except Exception:
            failures += 1
            print(f"not ok {number} - {sentence}", flush=True)
            print("".join(f"  # {line}\n" for line in traceback.format_exc().splitlines()), flush=True, end="")
    sys.exit(1 if failures else 0)


def url(path):
    return SERVICE + path


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def documented(word):
    """The block of Python in docs/frontends.md that has this word, which its translation has too."""
    blocks = []
    for name in ("frontends.md", "frontends.zh.md"):
        with open(os.path.join(os.path.dirname(__file__), "../../docs", name), encoding="utf-8") as document:
            blocks += [block for block in re.findall(r"^```python\n(.*?)^```$", document.read(), re.M | re.S)
                       if word in block]
    assert len(blocks) == 2 and blocks[0] == blocks[1], f"{word}: {blocks}"
    return blocks[0]


def signed(claims, key=KEY):
    """A token with these claims as the service would write it, or whoever has another key."""
    return jwt.encode(claims, key, algorithm="HS256", headers={"typ": "JWT", "alg": "HS256"}, sort_headers=False)


def expired(token):
    """The same token as the service would have signed it so much earlier that it ended a minute ago."""
    claims = jwt.decode(token, options={"verify_signature": False})
    end = int(time.time()) - 60
    return signed({**claims, "exp": end, "iat": claims["iat"] - claims["exp"] + end})


def new_name():
    """A name that nobody has, in whichever process."""
    return f"python{os.getpid()}n{next(NUMBERS)}"


class Person:
    """Somebody who has just registered through contract 1."""

    def __init__(self):
        self.username = new_name()
        self.email = f"{self.username}@example.com"
        answer = requests.post(url("/api/v1/auth/register/"), json={
            "username": self.username, "email": self.email, "password": PASSWORD, "password_confirm": PASSWORD})
        answer.raise_for_status()
        self.id = answer.json()["user"]["id"]
        self.access = answer.json()["tokens"]["access"]
        self.refresh = answer.json()["tokens"]["refresh"]

    def access_token(self, contract):
        """A new one, from a login through a contract with tokens."""
        path, body, find = {
            1: ("/api/v1/auth/login/", {"username": self.username}, lambda body: body["tokens"]["access"]),
            2: ("/api/auth/login/", {"email": self.email}, lambda body: body["tokens"]["access"]),
            4: ("/api/users/login", {"email": self.email}, lambda body: body["access_token"]),
            5: ("/api/v1/auth/login/json", {"username": self.email}, lambda body: body["access_token"]),
        }[contract]
        answer = requests.post(url(path), json={**body, "password": PASSWORD})
        answer.raise_for_status()
        return find(answer.json())


def picture(side=200):
    """A PNG of noise."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
