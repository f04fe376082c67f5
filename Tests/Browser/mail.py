"""The mails that a running Homeroom has written into its folder."""
import email
import email.policy
import os
import re
from pathlib import Path

FOLDER = Path(os.environ["SITE_MAILS"])


class Mail:
    def __init__(self, path):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        self.recipient = message["To"]
        self.subject = message["Subject"]
        self.texts = [message.get_body([kind]).get_content() for kind in ("plain", "html")]

    @property
    def links(self):
        return sorted(set(re.findall(r"https?://[^\s\"<>]+", " ".join(self.texts))))


def mails(to=None):
    """All that are there as a whole, the oldest first."""
    found = [Mail(path) for path in sorted(FOLDER.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)]
    return [mail for mail in found if to is None or mail.recipient == to]


def link(browser, to, page):
    """The newest link to a page that an address was sent, when it is there."""
    return browser.until(lambda: [link for mail in mails(to) for link in mail.links if f"/{page}#" in link][-1])
