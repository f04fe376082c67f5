"""New accounts."""
import threading
from people import Person, unique
from signing import session_of, sign_in


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
    person = Person(unique("pupil").replace(" ", ""))
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
    person = Person(unique("rival").replace(" ", ""))
    path, body = registration(person.name, person.email, person.passwords[0], 1)

    def claim(connection):
        connection.ask("register at once", person, "POST", path, body, expected=(400,), claims=person.email,
                       mail=(person.email, "verify-email"))
    threads = [threading.Thread(target=claim, args=[it]) for it in client.rivals]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
