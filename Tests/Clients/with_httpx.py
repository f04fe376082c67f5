"""Clients that use httpx: other services, one request after the other and many at once."""
import asyncio
import json

import httpx

from service import PASSWORD, SERVICE, Person, bearer, expired, fact, picture, tell


class TokenPair(httpx.Auth):
    """Shows the access token, and renews the pair once where that is refused. Counts how often it did."""

    def __init__(self, person):
        self.access, self.refresh, self.renewals = person.access, person.refresh, 0
        self.lock = asyncio.Lock()

    def sync_auth_flow(self, request):
        request.headers["Authorization"] = f"Bearer {self.access}"
        answer = yield request
        if answer.status_code == 401:
            renewal = yield self.renewal()
            renewal.read()
            self.take(renewal)
            request.headers["Authorization"] = f"Bearer {self.access}"
            yield request

    async def async_auth_flow(self, request):
        shown = self.access
        request.headers["Authorization"] = f"Bearer {shown}"
        answer = yield request
        if answer.status_code == 401:
            async with self.lock:
                if self.access == shown:
                    renewal = yield self.renewal()
                    await renewal.aread()
                    self.take(renewal)
            request.headers["Authorization"] = f"Bearer {self.access}"
            yield request

    def renewal(self):
        self.renewals += 1
        return httpx.Request("POST", SERVICE + "/api/v1/auth/token/refresh/", json={"refresh": self.refresh})

    def take(self, renewal):
        renewal.raise_for_status()
        self.access, self.refresh = renewal.json()["access"], renewal.json()["refresh"]


def client(**options):
    return httpx.Client(base_url=SERVICE, **options)


@fact("contract 1: a client renews the pair when the access token has expired")
def _():
    person = Person()
    auth = TokenPair(person)
    auth.access = expired(person.access)

    with client(auth=auth) as http:
        first = http.get("/api/v1/profile/")
        second = http.get("/api/v1/info/")

    assert (first.status_code, second.status_code, auth.renewals) == (200, 200, 1)
    assert auth.refresh != person.refresh


@fact("contract 1: twenty tasks that wait for a new pair cost one renewal")
def _():
    person = Person()
    auth = TokenPair(person)
    auth.access = expired(person.access)

    async def ask():
        async with httpx.AsyncClient(base_url=SERVICE, auth=auth) as http:
            return await asyncio.gather(*(http.get("/api/v1/profile/") for _ in range(20)))
    answers = asyncio.run(ask())

    assert [answer.status_code for answer in answers] == [200] * 20
    assert auth.renewals == 1


@fact("contract 2: sign in by email, then what is protected")
def _():
    person = Person()

    with client() as http:
        login = http.post("/api/auth/login/", json={"email": person.email, "password": PASSWORD})
        http.headers.update(bearer(login.json()["tokens"]["access"]))
        protected = http.get("/api/protected/")

    assert protected.json() == {
        "message": "认证成功", "user": {"email": person.email, "username": person.username}}


@fact("contract 3: a client's jar keeps the cookie until the logout")
def _():
    person = Person()

    with client() as http:
        http.post("/api/user/login/", data={
            "username": person.username, "password": PASSWORD, "role": "student"}).raise_for_status()
        me = http.get("/api/user/me/")
        changed = http.post("/api/user/change-password/", json={
            "current_password": PASSWORD, "new_password": "eight-Owls-43", "confirm_password": "eight-Owls-43"})
        after_change = http.get("/api/user/me/")
        had = "sessionid" in http.cookies
        http.post("/api/user/logout/").raise_for_status()
        has = "sessionid" in http.cookies
        after_logout = http.get("/api/user/me/")

    assert (me.status_code, changed.status_code, after_change.status_code) == (200, 200, 200)
    assert (had, has) == (True, False)
    assert after_logout.status_code == 401


@fact("contract 4: the token is renewed with itself, and shown as Bearer")
def _():
    person = Person()

    with client() as http:
        token = http.post("/api/users/login", json={"email": person.email, "password": PASSWORD}).json()
        renewed = http.post("/api/users/refresh_token", headers=bearer(token["access_token"])).json()
        me = http.get("/api/users/me", headers=bearer(renewed["access_token"]))

    assert renewed["token_type"] == "bearer"
    assert me.json()["email"] == person.email


@fact("contract 4: field errors are Pydantic's, and show no password")
def _():
    with client() as http:
        answer = http.post("/api/users/register", json={"email": "none", "password": "short"})

    assert answer.status_code == 422
    assert {tuple(error["loc"]) for error in answer.json()["detail"]} == {
        ("body", name) for name in ("email", "password", "first_name", "last_name", "phone_number")}
    assert "short" not in {error["input"] for error in answer.json()["detail"] if isinstance(error["input"], str)}


@fact("contract 5: a form signs in, a renewal and a logout need no body")
def _():
    person = Person()

    with client() as http:
        token = http.post("/api/v1/auth/login", data={"username": person.email, "password": PASSWORD}).json()
        http.headers.update(bearer(token["access_token"]))
        renewed = http.post("/api/v1/auth/refresh").json()
        http.headers.update(bearer(renewed["access_token"]))
        me = http.get("/api/v1/auth/me")
        logout = http.post("/api/v1/auth/logout")
        after = http.get("/api/v1/auth/me")

    assert me.json()["username"] == person.username
    assert logout.json() == {"message": "登出成功"}
    assert after.status_code == 401


@fact("contract 6: a picture is taken as the whole body, with the token of any contract")
def _():
    person = Person()

    for contract in (1, 2, 4, 5):
        with client(headers=bearer(person.access_token(contract))) as http:
            answer = http.put("/api/account/avatar", content=picture(), headers={"Content-Type": "image/png"})

        assert answer.status_code == 200, (contract, answer.text)
        assert answer.json()["avatar"]["url_64"].endswith("-64.png")


@fact("an access token of one contract opens the endpoints of all")
def _():
    person = Person()

    with client() as http:
        statuses = {
            (contract, path): http.get(path, headers=bearer(person.access_token(contract))).status_code
            for contract in (1, 2, 4, 5)
            for path in ("/api/v1/profile/", "/api/protected/", "/api/user/me/", "/api/users/me", "/api/v1/auth/me")}

    assert {pair: status for pair, status in statuses.items() if status != 200} == {}


@fact("a form with a file and fields is taken as httpx writes it")
def _():
    person = Person()

    with client(headers=bearer(person.access)) as http:
        answer = http.patch(
            "/api/v1/profile/update/", data={"bio": "七年级"}, files={"avatar": ("照片.png", picture(), "image/png")})
        user = answer.json()["user"]
        served = http.get(user["avatar_url"])

    assert user["bio"] == "七年级"
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["X-Content-Type-Options"] == "nosniff"


@fact("the list of users is streamed")
def _():
    person = Person()

    with client() as http, http.stream("GET", "/api/user/list/", headers=bearer(person.access)) as answer:
        body = b"".join(answer.iter_bytes())

    assert "Content-Length" not in answer.headers
    assert person.id in [entry["id"] for entry in json.loads(body)]


@fact("a client that follows no redirect meets none")
def _():
    person = Person()
    registration = {"email": f"{person.username}2@example.com", "password": PASSWORD, "first_name": "A",
                    "last_name": "B", "phone_number": "13800138000"}

    with client(follow_redirects=False) as http:
        answers = [
            http.post("/api/users/register/", json=registration),
            http.post("/api/auth/login", json={"email": person.email, "password": PASSWORD}),
            http.post("/api/v1/auth/token/refresh", json={"refresh": person.refresh}),
            http.get("/api/user/me", headers=bearer(person.access)),
        ]

    assert [answer.status_code for answer in answers] == [200] * 4


@fact("HEAD and OPTIONS are answered without a body")
def _():
    person = Person()

    with client(headers=bearer(person.access)) as http:
        head, options = http.head("/api/v1/profile/"), http.options("/api/v1/profile/update/")

    assert (head.status_code, head.content) == (200, b"")
    assert (options.status_code, options.content) == (204, b"")
    assert {"PUT", "PATCH"} <= set(options.headers["Allow"].split(", "))


@fact("a wrong method says which ones are right")
def _():
    with client() as http:
        answer = http.delete("/api/v1/auth/login/")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert answer.json() == {"detail": 'Method "DELETE" not allowed.'}


tell()
