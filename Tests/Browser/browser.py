"""A Chromium on Homeroom's pages, and what tests and screenshots ask of it."""
import base64
import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from importlib.resources import files

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

URL = os.environ["SITE_URL"]
COMMAND = os.environ["SITE_COMMAND"]
SETTINGS = os.environ["SITE_SETTINGS"]
PASSWORD = "seven-Owls-42"
# Of names: the tests may run twice on one database. No digits: passwords of digits must not be like a name.
RUN = "".join(secrets.choice("bcdfghjklm") for _ in range(4))

# Rules of WCAG 2.2, levels A and AA.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        # Root and containers have no sandbox; nothing but our own pages is opened.
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        self.agent = self.driver.execute_script("return navigator.userAgent")
        self.axe = files("selenium_axe_python").joinpath("axe-core/axe.min.js").read_text()
        self.expected = []

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def fresh(self, language="en-US", zone="Europe/Madrid"):
        """As somebody's first visit."""
        self.driver.get("about:blank")
        self.command("Storage.clearDataForOrigin", origin=URL, storageTypes="all")
        self.command("Network.clearBrowserCookies")
        self.command("Network.setUserAgentOverride", userAgent=self.agent, acceptLanguage=language)
        self.command("Emulation.setTimezoneOverride", timezoneId="")
        self.command("Emulation.setTimezoneOverride", timezoneId=zone)
        self.size(1280)
        self.prefer("light")
        self.driver.get_log("browser")
        self.expected = []

    def size(self, width, height=900):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme):
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        # A path that differs behind # alone would load nothing.
        self.driver.get("about:blank")
        self.driver.get(path if path.startswith("http") else URL + path)
        self.until(lambda: self.script("return document.readyState") == "complete")

    def at(self, path):
        self.until(lambda: self.path == path)

    @property
    def path(self):
        return self.script("return location.pathname + location.search")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, condition):
        """What a condition says once it says something."""
        def holds(_):
            try:
                return condition()
            except Exception:
                return False    # the page is about to change
        return WebDriverWait(self.driver, 15, poll_frequency=0.03).until(holds)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        """The element that is, or comes to be, shown."""
        return self.until(lambda: next(found for found in self.all(selector) if found.is_displayed()))

    def text(self, selector):
        return self.one(selector).text

    def type(self, **fields):
        for field, text in fields.items():
            element = self.one(f"#{field}")
            element.clear()
            element.send_keys(text)

    def put(self, **fields):
        """As a script would: also what an input would not let anybody type."""
        for field, text in fields.items():
            self.script(
                "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
                "field.dispatchEvent(new Event('input', { bubbles: true }))", field, text)

    def press(self, selector):
        element = self.one(selector)
        self.script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def submit(self):
        self.press("form [type=submit]")

    def error(self, field):
        return self.text(f"#{field}-error")

    def outcome(self):
        return self.text("#outcome")

    @property
    def focused(self):
        return self.script("return document.activeElement.id || document.activeElement.name")

    def sign_in(self, person, role=None):
        self.open("/")
        self.press(f"label:has([value={role or person.role}])")
        self.type(username=person.username, password=person.password)
        self.submit()
        self.one("#overview")

    def refusal(self, status, path):
        """The console will tell of an answer that the test provokes."""
        self.expected.append((status, path))

    def complaints(self):
        """What the console has beside that: errors of scripts, violations of the policy, failed requests."""
        def is_expected(message):
            return any(path in message and f"status of {status} " in message for status, path in self.expected)
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries
                if entry["level"] in ("SEVERE", "WARNING") and not is_expected(entry["message"])]

    def findings(self):
        """What axe finds: rule and place."""
        self.script(self.axe)
        result = self.driver.execute_async_script(
            "axe.run({ runOnly: arguments[0] }).then(arguments[1])", RULES)
        return [(finding["id"], node["target"], node.get("failureSummary"))
                for finding in result["violations"] for node in finding["nodes"]]

    def hosts(self):
        """Where everything that the page loaded came from."""
        return set(self.script(
            "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
            ".map((entry) => new URL(entry.name).origin)"))

    def picture(self):
        """The whole page as PNG."""
        answer = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])


class Person:
    """Somebody with an account, made by the command: no mail is sent."""

    count = 0

    def __init__(self, role="student", name=None, language=None):
        Person.count += 1
        self.username = name or f"{role}-{RUN}-{Person.count}"
        self.email = f"{self.username}@example.org"
        self.password = PASSWORD
        self.role = role
        homeroom("user", "create", self.username, "--email", self.email, "--role", role, text=PASSWORD + "\n")
        if language:
            call("PATCH", "/api/account/", {"language": language, "theme": "system"}, token=self.token())

    def account(self):
        return json.loads(homeroom("user", "show", self.username))

    def token(self, agent="Homeroom tests"):
        """Another device's."""
        body = call("POST", "/api/v1/auth/login/json", {"username": self.username, "password": self.password}, agent=agent)
        return body["access_token"]


def homeroom(*words, text=""):
    return subprocess.run(
        [COMMAND, *words, "--config", SETTINGS], input=text, stdout=subprocess.PIPE, check=True, text=True).stdout


def call(method, path, body=None, token=None, agent="Homeroom tests"):
    """The body of an answer of the service; raises HTTPError from 400 on."""
    headers = {"Content-Type": "application/json", "User-Agent": agent}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def status(method, path, body=None, token=None):
    try:
        call(method, path, body, token)
    except urllib.error.HTTPError as error:
        return error.code
    return 200
