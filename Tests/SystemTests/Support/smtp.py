#!/usr/bin/python3
"""A mail server for tests: keeps what it accepts as files N.json in FOLDER.

While a file `hold` is in FOLDER, a mail that came in waits before it is accepted and N.held tells so; while a file
`refuse` is there, its text is the answer: `451 Try again`.
"""
import argparse, asyncio, email, email.policy, json, os, ssl
from aiosmtpd.smtp import SMTP, AuthResult

words = argparse.ArgumentParser()
words.add_argument("port", type=int)
words.add_argument("folder")
words.add_argument("--address", default="127.0.0.1", help="where it listens")
words.add_argument("--certificate", help="offers STARTTLS with this file and FILE.key")
words.add_argument("--needs-tls", action="store_true", help="takes no mail without STARTTLS")
words.add_argument("--ascii", action="store_true", help="has no SMTPUTF8")
words.add_argument("--account", help="takes mail only from USER:PASSWORD")
words = words.parse_args()


class Keeper:
    count = len([name for name in os.listdir(words.folder) if name.endswith(".json")])

    async def handle_DATA(self, server, session, envelope):
        Keeper.count += 1
        path = f"{words.folder}/{Keeper.count}"
        if os.path.exists(f"{words.folder}/refuse"):
            with open(f"{words.folder}/refuse") as file:
                return file.read()
        if os.path.exists(f"{words.folder}/hold"):
            open(f"{path}.held", "w").close()
            while os.path.exists(f"{words.folder}/hold"):
                await asyncio.sleep(0.01)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [part for part in mail.walk() if not part.is_multipart()]
        found = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "encrypted": session.ssl is not None,
            "user": session.auth_data,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "parts": [[part.get_content_type(), part.get_content()] for part in parts],
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
            "raw": envelope.content.decode("utf-8"),
        }
        with open(f"{path}.new", "w") as file:
            json.dump(found, file, ensure_ascii=False)
        os.rename(f"{path}.new", f"{path}.json")
        return "250 OK"


def authenticator(server, session, envelope, mechanism, data):
    given = f"{data.login.decode()}:{data.password.decode()}"
    # Not handled: then the server itself answers 535.
    return AuthResult(success=given == words.account, handled=False, auth_data=data.login.decode())


def protocol():
    tls = None
    if words.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(words.certificate, words.certificate + ".key")
    return SMTP(
        Keeper(), hostname="mail.test", enable_SMTPUTF8=not words.ascii, tls_context=tls, require_starttls=words.needs_tls,
        authenticator=authenticator if words.account else None, auth_required=bool(words.account),
        auth_require_tls=False)


async def main():
    server = await asyncio.get_running_loop().create_server(protocol, words.address, words.port)
    await server.serve_forever()


asyncio.run(main())
