"""The mail server that all machines send through: that of the system tests."""
import glob, json, os, re
import network
from supervisor import Unit

PORT = 2525
# What a link in a mail leads to, and what it is for.
LINK = re.compile(r"https?://\S+?/(verify-email|reset-password|undo-email)#token=([A-Za-z0-9_-]+)")


class MailServer:
    address = f"smtp://{network.MIDDLE}:{PORT}"

    def __init__(self, stack):
        self.folder = stack.folder + "/mail"
        os.makedirs(self.folder)
        script = stack.checkout + "/Tests/SystemTests/Support/smtp.py"
        words = ["/usr/bin/python3", script, str(PORT), self.folder, "--address", network.MIDDLE]
        self.unit = Unit("mail server", lambda: words, stack.folder + "/log/smtp.log", 1)
        self.unit.start()
        self.read = {}

    def mails(self):
        """All that came: of each its recipient, what it is for, and its token."""
        for path in glob.glob(self.folder + "/*.json"):
            if path in self.read:
                continue
            with open(path) as file:
                mail = json.load(file)
            text = next(content for kind, content in mail["parts"] if kind == "text/plain")
            found = LINK.search(text)
            self.read[path] = {"to": mail["recipients"][0], "about": found[1] if found else "other",
                               "token": found and found[2]}
        return list(self.read.values())
