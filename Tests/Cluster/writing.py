"""Changing one's own texts and picture."""
import people
import signing
from people import unique
from reading import ACCOUNT, PROFILE, VIEWS, avatar, drop_if_refused, read, shown


def write(client, person):
    """New texts, and a look at them through the next machine."""
    session = person.session(client.random)
    if not session:
        return signing.sign_in(client, person)
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
        it, _ = client.ask("upload", person, "PUT", "/api/account/avatar/", client.load.picture, session,
                           type="image/png", writes={person.register("avatar"): unique("?")}, judge=judge)
        drop_if_refused(person, session, it)
        if not it.is_acknowledged:
            return
        path = it.writes[person.register("avatar")]
        # Nobody else uploads meanwhile, so it is there until the next upload.
        client.ask("fetch picture", person, "GET", "/media/" + path)
    finally:
        person.lock.release()
