"""Changing a password, and setting a new one with the link of a mail."""
from people import unique
from reading import drop_if_refused, look_back
from signing import login


def change_password(client, person):
    """All other sessions end, and the old password is wrong from then on."""
    session = person.session(client.random)
    if not session or len(person.passwords) > 1 or not person.lock.acquire(blocking=False):
        return
    try:
        old, new = person.passwords[0], unique("pass-word")
        choices = [("/api/account/password/", {"current_password": old}),
                   ("/api/user/change-password/", {"current_password": old, "confirm_password": new})]
        if not session.cookie:
            choices += [("/api/v1/password/change/", {"old_password": old, "new_password_confirm": new}),
                        ("/api/v1/auth/change-password", {"old_password": old})]
        path, body = client.random.choice(choices)
        body["new_password"] = new
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
    if person.asked_reset or not person.lock.acquire(blocking=False):
        return
    try:
        person.asked_reset = True
        client.ask("forgot password", person, "POST", "/api/v1/auth/forgot-password", {"email": person.email},
                   mail=(person.email, "reset-password"))
    finally:
        person.lock.release()


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
