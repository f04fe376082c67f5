"""Signing in and out, in all contracts."""
import reading
from people import Session, unique


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
                reading.read(client, person, session)
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
            1: ("/api/v1/auth/logout/", {"refresh": session.refresh}),
            2: ("/api/auth/logout/", {"refresh": session.refresh}),
            3: ("/api/user/logout/", None), 4: ("/api/users/logout", None), 5: ("/api/v1/auth/logout", None),
        }[session.contract]
        it, _ = client.ask("logout", person, "POST", path, body, session, ends="own")
        person.end(session)
        reading.look_back(client, person)
    finally:
        person.lock.release()


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
        reading.drop_if_refused(person, session, it)
        reading.read(client, person, session)
    finally:
        person.lock.release()
