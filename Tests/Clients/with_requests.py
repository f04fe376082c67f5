"""Clients that use requests: scripts of a school, and other services behind it."""
import io
import json

import requests

from service import PASSWORD, Person, bearer, fact, new_name, picture, tell, url


@fact("contract 1: register, sign in, profile, renewal, logout")
def _():
    person = Person()
    login = requests.post(url("/api/v1/auth/login/"), json={"username": person.username, "password": PASSWORD})
    tokens = login.json()["tokens"]

    profile = requests.get(url("/api/v1/profile/"), headers=bearer(tokens["access"]))
    renewed = requests.post(url("/api/v1/auth/token/refresh/"), json={"refresh": tokens["refresh"]}).json()
    logout = requests.post(
        url("/api/v1/auth/logout/"), json={"refresh": renewed["refresh"]}, headers=bearer(renewed["access"]))
    after = requests.get(url("/api/v1/profile/"), headers=bearer(renewed["access"]))

    assert profile.json()["user"]["email"] == person.email
    assert profile.json()["user"]["last_login"].endswith("Z")
    assert logout.json() == {"message": "登出成功"}
    assert after.status_code == 401
    assert after.headers["WWW-Authenticate"] == "Bearer"


@fact("contract 2: sign in by email, renewal, logout")
def _():
    person = Person()
    login = requests.post(url("/api/auth/login/"), json={"email": person.email, "password": PASSWORD})
    tokens = login.json()["tokens"]

    renewed = requests.post(url("/api/auth/token/refresh/"), json={"refresh": tokens["refresh"]}).json()
    protected = requests.get(url("/api/protected/"), headers=bearer(renewed["access"]))
    logout = requests.post(url("/api/auth/logout/"), json={"refresh": renewed["refresh"]})
    after = requests.get(url("/api/protected/"), headers=bearer(renewed["access"]))

    assert protected.json()["user"] == {"email": person.email, "username": person.username}
    assert logout.status_code == 200
    assert after.status_code == 401
    assert list(after.json()) == ["error"]


@fact("contract 3: the session's cookie is kept, used and taken away")
def _():
    person, session = Person(), requests.Session()
    session.post(url("/api/user/login/"), json={
        "username": person.username, "password": PASSWORD, "role": "student"}).raise_for_status()
    cookie = next(cookie for cookie in session.cookies if cookie.name == "sessionid")

    me = session.get(url("/api/user/me/"))
    renamed = session.put(url("/api/user/update/"), json={"username": person.username + "x"})
    logout = session.post(url("/api/user/logout/"))
    kept = dict(session.cookies)
    after = session.get(url("/api/user/me/"), cookies={"sessionid": cookie.value})

    assert cookie.path == "/" and cookie.has_nonstandard_attr("HttpOnly") and not cookie.secure
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert me.status_code == 200
    assert renamed.json()["user"]["username"] == person.username + "x"
    assert logout.status_code == 200
    assert kept == {}
    assert after.status_code == 401


@fact("contract 3: no cookie, no token: 401 in its words")
def _():
    answer = requests.get(url("/api/user/list/"))

    assert answer.status_code == 401
    assert answer.json() == {"message": "用户未登录或认证失败"}


@fact("contract 4: a bearer token that renews itself")
def _():
    person = Person()
    login = requests.post(url("/api/users/login"), json={"email": person.email, "password": PASSWORD}).json()

    renewed = requests.post(url("/api/users/refresh_token"), headers=bearer(login["access_token"])).json()
    me = requests.get(url("/api/me"), headers=bearer(renewed["access_token"]))
    logout = requests.post(url("/api/users/logout"), headers=bearer(renewed["access_token"]))
    dead = requests.post(url("/api/users/refresh_token"), headers=bearer(renewed["access_token"]))

    assert (login["token_type"], login["expires_in"], renewed["expires_in"]) == ("bearer", 180, 180)
    assert renewed["access_token"] != login["access_token"]
    assert me.json()["email"] == person.email
    assert logout.json() == {"message": "You have been logged out."}
    assert dead.status_code == 403


@fact("contract 5: a form signs in, with what OAuth2 clients add to it")
def _():
    person = Person()

    login = requests.post(url("/api/v1/auth/login"), data={
        "grant_type": "password", "username": person.username, "password": PASSWORD, "scope": "", "client_id": ""})
    me = requests.get(url("/api/v1/auth/me"), headers=bearer(login.json()["access_token"]))

    assert login.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (login.json()["token_type"], login.json()["expires_in"]) == ("bearer", 3600)
    assert me.json()["login_count"] == 1


@fact("contract 5: a form sent as multipart signs in too")
def _():
    person = Person()

    login = requests.post(
        url("/api/v1/auth/login"), files={"username": (None, person.username), "password": (None, PASSWORD)})

    assert login.request.headers["Content-Type"].startswith("multipart/form-data")
    assert login.status_code == 200


@fact("contract 6: errors are problem details, in the language that is asked for")
def _():
    answers = [
        requests.post(url("/api/account/email/undo/"), json={"token": "used"}, headers={"Accept-Language": language})
        for language in ("en-GB,en;q=0.9", "zh-CN,zh;q=0.9")]

    for answer in answers:
        assert answer.status_code == 400
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json()["code"] == "invalid"
        assert answer.json()["errors"][0]["field"] == "token"
        assert answer.json()["request"] == answer.headers["X-Request-Id"]
    assert answers[0].json()["title"] != answers[1].json()["title"]


@fact("a file is uploaded as requests sends it, whatever its name")
def _():
    person, content = Person(), picture()

    for name in ("me.png", "照片.png", 'a"b.png', ""):
        answer = requests.put(
            url("/api/v1/profile/update/"), headers=bearer(person.access), data={"bio": name or "-"},
            files={"avatar": (name, io.BytesIO(content), "image/png")})

        assert answer.status_code == 200, (name, answer.text)
        assert answer.json()["user"]["bio"] == (name or "-")
        served = requests.get(answer.json()["user"]["avatar_url"])
        assert served.headers["Content-Type"] == "image/png"
        assert served.content[:8] == content[:8]


@fact("a file without a type of its own is told by its content")
def _():
    person = Person()

    answer = requests.put(
        url("/api/v1/profile/update/"), headers=bearer(person.access), files={"avatar": picture()})

    assert answer.json()["user"]["avatar"].endswith(".png")


@fact("what is no picture is refused on its field")
def _():
    person = Person()

    answer = requests.put(
        url("/api/v1/profile/update/"), headers=bearer(person.access), files={"avatar": ("me.png", b"none")})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["avatar"]


@fact("a body whose length is not known before is taken")
def _():
    person = Person()
    body = json.dumps({"username": person.username, "password": PASSWORD}).encode()

    answer = requests.post(
        url("/api/v1/auth/login/"), data=(body[index:index + 7] for index in range(0, len(body), 7)),
        headers={"Content-Type": "application/json"})

    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.status_code == 200


@fact("the list of users is read as it comes")
def _():
    people = [Person() for _ in range(3)]

    with requests.get(url("/api/user/list/"), headers=bearer(people[0].access), stream=True) as answer:
        pieces = list(answer.iter_content(64))
        listed = json.loads(b"".join(pieces))

    assert len(pieces) > 1
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert [person.id for person in people] == [entry["id"] for entry in listed if entry["id"] in
                                                {person.id for person in people}]


@fact("links lead through all pages of the list, each person once")
def _():
    people = [Person() for _ in range(5)]
    address, found = url(f"/api/user/list/?limit=2&after={people[0].id - 1}"), []

    while address:
        answer = requests.get(address, headers=bearer(people[0].access))
        answer.raise_for_status()
        assert len(answer.json()) <= 2
        found += [entry["id"] for entry in answer.json()]
        address = answer.links.get("next", {}).get("url")

    assert found == sorted(set(found))
    assert {person.id for person in people} <= set(found)


@fact("no path is redirected, with its final slash or without")
def _():
    person = Person()
    paths = ["/api/v1/profile", "/api/v1/info", "/api/protected", "/api/user/me", "/api/users/me", "/api/me",
             "/api/v1/auth/me"]

    for path in (path + end for path in paths for end in ("", "/")):
        answer = requests.get(url(path), headers=bearer(person.access), allow_redirects=False)

        assert (path, answer.status_code) == (path, 200)


@fact("a session uses one connection for all of its requests")
def _():
    person, session = Person(), requests.Session()

    for _ in range(20):
        session.get(url("/api/v1/info/"), headers=bearer(person.access)).raise_for_status()

    pools = session.get_adapter(url("/")).poolmanager.pools
    assert [(pools[key].num_connections, pools[key].num_requests) for key in pools.keys()] == [(1, 20)]


@fact("a locked name says for how long, where programs look for it")
def _():
    name = new_name()
    body = {"username": name, "password": "wrong-Owls-42"}
    for _ in range(10):
        assert requests.post(url("/api/v1/auth/login/"), json=body).status_code == 401

    answer = requests.post(url("/api/v1/auth/login/"), json=body)
    other = requests.post(url("/api/v1/auth/login"), data=body)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert answer.json() == {"message": "登录失败次数过多，请稍后再试"}
    assert other.status_code == 423
    assert other.json() == {"detail": "账户已被锁定"}


@fact("Chinese texts arrive as they are, without a charset in the type")
def _():
    person = Person()

    answer = requests.get(url("/api/v1/profile/"), headers=bearer(person.access))

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["message"] == "获取用户资料成功"


tell()
