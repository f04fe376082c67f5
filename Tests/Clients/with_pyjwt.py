"""Another service that shares the signing key and reads access tokens with PyJWT."""
import jwt
import requests

from service import KEY, PASSWORD, Person, bearer, documented, expired, fact, signed, tell, url

ISSUER = "homeroom"
OTHER_KEY = "0123456789abcdef0123456789abcdef"


def claims(token, **options):
    """As the manual of PyJWT says it should be done."""
    return jwt.decode(token, options.pop("key", KEY), **{
        "algorithms": ["HS256"], "issuer": ISSUER,
        "options": {"require": ["exp", "iat", "iss", "sub", "jti"]}, **options})


def refusal(token, **options):
    """The class of the error that a token is refused with."""
    try:
        claims(token, **options)
    except jwt.InvalidTokenError as error:
        return type(error)
    raise AssertionError("it was accepted")


@fact("an access token of each contract is verified with the shared key")
def _():
    person = Person()

    for contract in (1, 2, 4, 5):
        found = claims(person.access_token(contract))

        assert found["user_id"] == person.id, contract
        assert found["sub"] == str(person.id)
        assert found["token_type"] == "access"
        assert found["role"] == "student"
        assert found["iss"] == ISSUER


@fact("the lines of docs/frontends.md say who somebody is, and take no refresh token")
def _():
    person, lines = Person(), documented("jwt.decode")
    found = {"jwt": jwt, "key": KEY, "token": person.access}

    exec(lines, found)

    assert (found["user"], found["role"]) == (person.id, "student")
    for token in (person.refresh, expired(person.access)):
        try:
            exec(lines, {"jwt": jwt, "key": KEY, "token": token})
        except jwt.InvalidTokenError:
            continue
        raise AssertionError("it was accepted")


@fact("it is good from its first second on, without leeway")
def _():
    person = Person()

    found = claims(person.access_token(1), leeway=0)

    assert isinstance(found["iat"], int) and isinstance(found["exp"], int)


@fact("it lives as long as its contract says")
def _():
    person = Person()
    remembered = requests.post(url("/api/v1/auth/login/json"), json={
        "username": person.username, "password": PASSWORD, "remember_me": True}).json()["access_token"]

    lives = [found["exp"] - found["iat"] for found in map(
        claims, [person.access_token(contract) for contract in (1, 2, 4, 5)] + [remembered])]
    refresh = claims(person.refresh)

    assert lives == [3600, 3600, 10_800, 3600, 30 * 86_400]
    assert (refresh["token_type"], refresh["exp"] - refresh["iat"]) == ("refresh", 86_400)


@fact("each token has a jti of its own, and those of a session one sid")
def _():
    person = Person()
    renewed = requests.post(url("/api/v1/auth/token/refresh/"), json={"refresh": person.refresh}).json()

    found = [claims(token) for token in (person.access, person.refresh, renewed["access"], renewed["refresh"])]

    assert len({each["jti"] for each in found}) == 4
    assert len({each["sid"] for each in found}) == 1
    assert claims(person.access_token(1))["sid"] != found[0]["sid"]


@fact("its header names the algorithm and nothing else")
def _():
    assert jwt.get_unverified_header(Person().access) == {"typ": "JWT", "alg": "HS256"}


@fact("with another key it is refused")
def _():
    assert refusal(Person().access, key=OTHER_KEY) is jwt.InvalidSignatureError


@fact("where another algorithm is expected it is refused")
def _():
    assert refusal(Person().access, algorithms=["HS512"]) is jwt.InvalidAlgorithmError


@fact("where another issuer is expected it is refused")
def _():
    assert refusal(Person().access, issuer="elsewhere") is jwt.InvalidIssuerError


@fact("behind its end it is refused, within the leeway it is not")
def _():
    token = expired(Person().access)

    assert refusal(token) is jwt.ExpiredSignatureError
    assert claims(token, leeway=120)["token_type"] == "access"


@fact("changed claims are refused by PyJWT and by the service")
def _():
    person = Person()
    head, _, signature = person.access.split(".")
    changed = signed({**claims(person.access), "role": "teacher"}).split(".")[1]
    token = f"{head}.{changed}.{signature}"

    assert refusal(token) is jwt.InvalidSignatureError
    assert requests.get(url("/api/v1/info/"), headers=bearer(token)).status_code == 401


@fact("the same claims make the same token again, which the service takes")
def _():
    person = Person()

    token = signed(claims(person.access))

    assert token == person.access
    assert requests.get(url("/api/v1/info/"), headers=bearer(token)).status_code == 200


@fact("what PyJWT signs with another key, another algorithm or none is refused by the service")
def _():
    found = claims(Person().access)
    tokens = [
        signed(found, OTHER_KEY), jwt.encode(found, KEY, algorithm="HS512"), jwt.encode(found, None, algorithm="none")]

    statuses = [requests.get(url("/api/v1/info/"), headers=bearer(token)).status_code for token in tokens]

    assert statuses == [401, 401, 401]


@fact("what PyJWT signs for another issuer, or as a refresh token, opens nothing here")
def _():
    found = claims(Person().access)
    tokens = [signed({**found, "iss": "elsewhere"}), signed({**found, "token_type": "refresh"})]

    statuses = [requests.get(url("/api/v1/info/"), headers=bearer(token)).status_code for token in tokens]

    assert statuses == [401, 401]


tell()
