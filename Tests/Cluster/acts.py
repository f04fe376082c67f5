"""What people do, each act with what follows from its answers. A session is used in every contract that takes it."""
import threading
import people
from people import Person, Session, unique


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


# Reading and writing


def read(client, person, session=None, view=None):
    session = session or person.session(client.random)
    if not session:
        return sign_in(client, person)
    path, fields, _ = view or client.random.choice([it for it in VIEWS if it[2] or not session.cookie])
    it, _ = client.ask("read " + path, person, "GET", path, session=session, judge=shown(person, fields))
    drop_if_refused(person, session, it)
    return it


def write(client, person):
    """New texts, and a look at them through the next machine."""
    session = person.session(client.random)
    if not session:
        return sign_in(client, person)
    if session.cookie or client.random.random() < 0.6:
        fields = client.random.sample(people.FIELDS, client.random.randint(1, 2))
        path, method, body = "/api/account/", "PATCH", {name: unique(name) for name in fields}
        if "phone" in body:
            body["phone"] = f"{100000 + next(people.counter)}"
        view, judge = VIEWS[-1], shown(person, ACCOUNT)
    else:
        path, method, body = "/api/v1/profile/update/", client.random.choice(["PUT", "PATCH"]), {"bio": unique("bio")}
        view, judge = VIEWS[0], shown(person, PROFILE)
    it, _ = client.ask("write " + path, person, method, path, body, session, judge=judge,
                       writes={person.register(name): value for name, value in body.items()})
    drop_if_refused(person, session, it)
    if session in person.sessions:
        read(client, person, session, view)


def upload(client, person):
    """A picture, then the file that its row names, through another machine."""
    session = person.session(client.random)
    if not session or not person.lock.acquire(blocking=False):
        return
    try:
        def judge(it, answer, document):
            it.writes = {person.register("avatar"): avatar(document["avatar"]["url"])}
        it, _ = client.ask("upload", person, "PUT", "/api/account/avatar/", client.load.picture, session, type="image/png",
                           writes={person.register("avatar"): unique("?")}, judge=judge)
        drop_if_refused(person, session, it)
        if not it.is_acknowledged:
            return
        path = it.writes[person.register("avatar")]
        # Nobody else uploads meanwhile, so it is there until the next upload.
        client.ask("fetch picture", person, "GET", "/media/" + path)
    finally:
        person.lock.release()


# Signing in and out


def login_request(person, password, contract, role):
    """Path, body, and what is in its answer for a session."""
    name, email = person.name, person.email
    return {
        1: ("/api/v1/auth/login/", {"username": name, "password": password}),
        2: ("/api/auth/login/", {"email": email, "password": password}),
        3: ("/api/user/login/", {"username": name, "password": password, "role": role}),
        4: ("/api/users/login", {"email": email, "password": password}),
        5: ("/api/v1/auth/login/json", {"username": email, "password": password}),
    }[contract]


def session_of(contract, answer, document):
    it = Session(unique("session"), contract)
    if contract in (1, 2):
        it.access, it.refresh = document["tokens"]["access"], document["tokens"]["refresh"]
    elif contract == 3:
        it.cookie = answer.headers["Set-Cookie"].partition("sessionid=")[2].partition(";")[0]
    else:
        it.access = document["access_token"]
    return it


def login(client, person, password, kind="login", contract=None):
    """The operation, and the session if there is one."""
    # Contract 3 asks for the role, which is not known after a change that was not answered.
    contract = contract or client.random.choice([1, 2, 3, 4, 5] if person.role else [1, 2, 4, 5])
    path, body = login_request(person, password, contract, person.role)
    sessions, values = [], {person.register("password"): password, person.register("status"): "active"}
    wrong = 400 if contract == 4 else 401

    def judge(it, answer, document):
        sessions.append(session_of(contract, answer, document))
        it.begins = sessions[0].id
        it.reads = {**values, person.register("role"): person.role} if contract == 3 else values
    it, _ = client.ask(kind, person, "POST", path, body, expected=(wrong, 403, 423, 429), judge=judge)
    if it.status == wrong:
        it.denies = {person.register("password"): password}
    elif it.status == 403:
        it.denies = {person.register("status"): "active"}
    return it, sessions[0] if sessions else None


def sign_in(client, person):
    if not person.lock.acquire(blocking=False):
        return
    try:
        # After a change that was not answered it is one of several.
        for password in person.passwords[::-1]:
            it, session = login(client, person, password)
            if session:
                person.passwords = [password]
                person.sessions.append(session)
                read(client, person, session)
            if not it.denies:
                break
    finally:
        person.lock.release()


def sign_out(client, person):
    """Afterwards nothing opens with the session."""
    session = person.session(client.random)
    if not session or not person.lock.acquire(blocking=False):
        return
    try:
        path, body = {
            1: ("/api/v1/auth/logout/", {"refresh": session.refresh}), 2: ("/api/auth/logout/", {"refresh": session.refresh}),
            3: ("/api/user/logout/", None), 4: ("/api/users/logout", None), 5: ("/api/v1/auth/logout", None),
        }[session.contract]
        it, _ = client.ask("logout", person, "POST", path, body, session, ends="own")
        person.end(session)
        look_back(client, person)
    finally:
        person.lock.release()


def look_back(client, person):
    """Sessions that have ended, on the next machines."""
    for session in person.ended[-2:]:
        read(client, person, session, VIEWS[-1])


def refresh(client, person):
    """A new access token; the one before stays good."""
    sessions = [it for it in person.sessions if it.refresh]
    if not sessions or not person.lock.acquire(blocking=False):
        return
    try:
        session = client.random.choice(sessions)
        path = {1: "/api/v1/auth/token/refresh/", 2: "/api/auth/token/refresh/"}[session.contract]
        it, document = client.ask("refresh", person, "POST", path, {"refresh": session.refresh}, session)
        if it.is_acknowledged:
            session.access, session.refresh = document["access"], document["refresh"]
        drop_if_refused(person, session, it)
        read(client, person, session)
    finally:
        person.lock.release()


# Passwords


def change_password(client, person):
    """All other sessions end, and the old password is wrong from then on."""
    session = person.session(client.random)
    if not session or len(person.passwords) > 1 or not person.lock.acquire(blocking=False):
        return
    try:
        old, new = person.passwords[0], unique("pass-word")
        path, body, expected = client.random.choice([
            ("/api/account/password/", {"current_password": old, "new_password": new}, ()),
            *([] if session.cookie else [
                ("/api/v1/password/change/", {"old_password": old, "new_password": new, "new_password_confirm": new}, ()),
                ("/api/v1/auth/change-password", {"old_password": old, "new_password": new}, ())]),
            ("/api/user/change-password/", {"current_password": old, "new_password": new, "confirm_password": new}, ())])
        it, _ = client.ask("change password", person, "POST", path, body, session, ends="others",
                           writes={person.register("password"): new})
        drop_if_refused(person, session, it)
        if it.is_acknowledged or it.is_unknown:
            person.passwords = [new] if it.is_acknowledged else [old, new]
            person.end(*[it for it in person.sessions if it is not session])
        if it.is_acknowledged:
            look_back(client, person)
            login(client, person, old, "login with old password")
            _, more = login(client, person, new)
            if more:
                person.sessions.append(more)
    finally:
        person.lock.release()


def forget_password(client, person):
    """A mail with a link, once for each person."""
    if person.asked_reset:
        return
    person.asked_reset = True
    client.ask("forgot password", person, "POST", "/api/v1/auth/forgot-password", {"email": person.email},
               mail=(person.email, "reset-password"))


def reset_password(client, person):
    """With the link of a mail, which works once."""
    token = client.load.tokens.pop(person.email, None)
    if not token:
        return
    with person.lock:
        new = unique("pass-word")
        for password in (new, unique("pass-word")):
            it, _ = client.ask("reset password", person, "POST", "/api/v1/auth/reset-password",
                               {"token": token, "new_password": password}, ends="all", spends=token, expected=(400,),
                               writes={person.register("password"): password})
            if it.is_acknowledged:
                person.passwords = [password]
            elif it.is_unknown:
                person.passwords = person.passwords + [password]
            if it.is_acknowledged or it.is_unknown:
                person.end(*person.sessions)
        look_back(client, person)


# Registering


def registration(name, email, password, contract):
    body = {"username": name, "email": email, "password": password}
    return {
        1: ("/api/v1/auth/register/", {**body, "password_confirm": password}),
        2: ("/api/auth/register/", {**body, "password2": password}),
        3: ("/api/user/register/", {**body, "password2": password}),
        5: ("/api/v1/auth/register", {**body, "confirm_password": password}),
    }[contract]


def register(client, person, contract):
    path, body = registration(person.name, person.email, person.passwords[0], contract)

    def judge(it, answer, document):
        if contract in (1, 2):
            session = session_of(contract, answer, document)
            it.begins = session.id
            person.sessions.append(session)
    return client.ask(
        "register", person, "POST", path, body, expected=(400,), judge=judge, writes=person.first_values(),
        claims=person.email, mail=(person.email, "verify-email"))[0]


def enrol(client, _=None):
    """Somebody new. Who gets no answer tries again: then the name is taken, or it is not."""
    person = Person(unique("p").replace(" ", ""))
    for _ in range(2):
        it = register(client, person, client.random.choice([1, 2, 3, 5]))
        if not it.is_unknown:
            break
    if it.is_unknown:
        return
    client.load.people.add(person)
    sign_in(client, person)


def race(client, _=None):
    """One name on all machines at once: one of them gives it."""
    person = Person(unique("r").replace(" ", ""))
    path, body = registration(person.name, person.email, person.passwords[0], 1)

    def claim(connection):
        connection.ask("register at once", person, "POST", path, body, expected=(400,), claims=person.email,
                       mail=(person.email, "verify-email"))
    threads = [threading.Thread(target=claim, args=[it]) for it in client.rivals]
    for it in threads:
        it.start()
    for it in threads:
        it.join()


# How often, of a hundred.
weights = [(read, 42), (write, 22), (sign_in, 7), (sign_out, 4), (refresh, 3), (change_password, 2), (enrol, 2), (upload, 1.5),
           (forget_password, 1), (reset_password, 2), (race, 0.5)]
