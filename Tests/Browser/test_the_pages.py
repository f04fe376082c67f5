"""What holds for every page. The file's last test needs the mails of the others: pytest runs files by their names."""
from pathlib import Path

import pytest
from browser import PASSWORD, URL, Person
from mail import mails

FILES = Path(__file__).parent.parent.parent / "nginx/pages"
OUTSIDE = ["/", "/register", "/forgot-password", "/reset-password#token=x", "/verify-email#token=x", "/undo-email#token=x"]
INSIDE = ["/", "/profile", "/avatar", "/password", "/devices", "/people"]
PHOTO = Path(__file__).parent.parent / "PicturesTests/Vectors/orientation/Landscape_6.jpg"


def everything(browser, language):
    """Every page in turn, with what comes late in it."""
    browser.fresh("en-US" if language == "en" else "zh-CN")
    for path in OUTSIDE:
        browser.open(path)
        browser.one("h1")
        yield path
    browser.sign_in(Person("teacher", language=language))
    for path in INSIDE:
        browser.open(path)
        browser.one({"/": "#tiles a", "/profile": "#facts dd", "/avatar": "#present .portrait", "/devices": ".device",
                     "/people": ".person"}.get(path, "h1"))
        if path == "/avatar":
            browser.all("#file")[0].send_keys(str(PHOTO))
            browser.one("#stage")
        yield f"{path} signed in"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_is_wider_than_320_pixels_or_leaves_a_text_in_the_other_language(browser, language):
    for path in everything(browser, language):
        browser.size(320)
        width = browser.script("return document.documentElement.scrollWidth")
        assert (path, width) == (path, 320)
        assert browser.script("return document.documentElement.lang") == language
        assert browser.script("""return [...document.querySelectorAll("[data-en]")].filter((element) =>
            element.textContent !== element.dataset[document.documentElement.lang]).map((element) => element.outerHTML)""") == []


def test_axe_finds_nothing_in_light_and_dark(browser):
    for path in everything(browser, "en"):
        for theme in ["light", "dark"]:
            browser.script("document.documentElement.dataset.theme = arguments[0]", theme)
            assert (path, theme, browser.findings()) == (path, theme, [])


def test_axe_finds_nothing_where_all_is_wrong(browser):
    browser.refusal(400, "/api/user/register/")
    browser.open("/register")
    browser.type(password="1234")
    browser.submit()
    browser.one("[aria-invalid]")

    for theme in ["light", "dark"]:
        browser.script("document.documentElement.dataset.theme = arguments[0]", theme)
        assert browser.findings() == []


def test_every_page_loads_from_here_alone(browser):
    for path in everything(browser, "zh"):
        assert (path, browser.hosts()) == (path, {URL})


def test_all_files_together_are_below_100_kilobytes():
    assert sum(file.stat().st_size for file in FILES.iterdir()) < 100_000


def test_nothing_moves_for_who_wants_no_motion(browser):
    browser.sign_in(Person(language="en"))
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])

    assert browser.one(".tiles .card").value_of_css_property("transition-duration") == "0s"


@pytest.mark.parametrize("path, fields", [
    ("/", {"username": "username", "password": "current-password"}),
    ("/register", {"username": "username", "email": "email", "password": "new-password", "password2": "new-password"}),
    ("/reset-password#token=x", {"new_password": "new-password", "repeated": "new-password"}),
])
def test_password_managers_know_the_fields(browser, path, fields):
    browser.open(path)

    assert {field: browser.one(f"#{field}").get_attribute("autocomplete") for field in fields} == fields


def test_every_link_of_every_mail_opens_its_page(browser):
    links = sorted({link for mail in mails() for link in mail.links})
    pages = {link.split("#")[0].removeprefix(URL) for link in links}
    assert pages == {"/reset-password", "/verify-email", "/undo-email"}
    for link in links:
        browser.open(link)
        assert browser.one("#form [type=submit]").is_enabled()
