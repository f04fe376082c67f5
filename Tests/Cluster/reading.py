"""Looking at accounts, in every contract that shows one, and at what must not show them any more."""
import signing


def shown(person, fields):
    """Makes `reads` of an answer: of each register the member that shows it."""
    def judge(it, answer, document):
        it.reads = {person.register(name): member(document) for name, member in fields.items()}
        if "login_count" in document:
            it.logins = document["login_count"]
    return judge


def avatar(url):
    return url and url.partition("/media/")[2]


ACCOUNT = {name: lambda it, name=name: it[name] for name in ("full_name", "first_name", "phone", "bio", "role")}
ACCOUNT["avatar"] = lambda it: avatar(it["avatar"] and it["avatar"]["url"])
PROFILE = {"bio": lambda it: it["user"]["bio"], "avatar": lambda it: it["user"]["avatar"]}
# Where an account is shown: the path, what of it, and whether the cookie of contract 3 opens it.
VIEWS = [
    ("/api/v1/profile/", PROFILE, False),
    ("/api/v1/info/", {"bio": lambda it: it["bio"], "avatar": lambda it: avatar(it["avatar"])}, False),
    ("/api/v1/auth/me", {**{name: lambda it, name=name: it[name] for name in ("full_name", "bio", "phone", "status")},
                         "avatar": lambda it: avatar(it["avatar_url"])}, False),
    ("/api/users/me", {"first_name": lambda it: it["first_name"], "phone": lambda it: it["phone_number"]}, False),
    ("/api/user/me/", {"role": lambda it: it["role"]}, True),
    ("/api/account/", ACCOUNT, True),
]


def drop_if_refused(person, session, it):
    if it.status == 401:
        person.end(session)


def read(client, person, session=None, view=None):
    session = session or person.session(client.random)
    if not session:
        return signing.sign_in(client, person)
    path, fields, _ = view or client.random.choice([it for it in VIEWS if it[2] or not session.cookie])
    it, _ = client.ask("read " + path, person, "GET", path, session=session, judge=shown(person, fields))
    drop_if_refused(person, session, it)
    return it


def look_back(client, person):
    """Sessions that have ended, on the next machines."""
    for session in person.ended[-2:]:
        read(client, person, session, VIEWS[-1])
