import json

import pytest
from browser import PASSWORD, RUN, Person, call, homeroom, status

TEXTS = {"full_name": "Alice Liddell", "last_name": "Liddell", "first_name": "Alice", "phone": "+44 1865 276150",
         "bio": "Grade 7\nReads <b>a lot</b> & more"}
CHOICES = {"language": "zh", "theme": "dark", "timezone": "Asia/Tokyo"}


@pytest.fixture
def person(browser):
    person = Person(language="en")
    browser.sign_in(person)
    return person


def profile(browser):
    browser.open("/profile")
    browser.one("#facts dd")


def values(browser, fields):
    return {field: browser.one(f"#{field}").get_attribute("value") for field in fields}


def choose(browser, field, value):
    browser.press(f"#{field} option[value='{value}']")


# Profile

def test_every_field_of_the_account_is_saved_and_cleared(browser, person):
    profile(browser)
    browser.type(**TEXTS)
    for field, value in CHOICES.items():
        choose(browser, field, value)
    browser.submit()

    browser.until(lambda: browser.outcome() == "已保存。")
    assert browser.script("return [document.documentElement.lang, document.documentElement.dataset.theme]") == ["zh", "dark"]
    profile(browser)
    assert values(browser, TEXTS | CHOICES) == TEXTS | CHOICES
    for field in TEXTS:
        browser.one(f"#{field}").clear()
    browser.submit()
    browser.until(lambda: browser.outcome() == "已保存。")
    account = call("GET", "/api/account/", token=person.token())
    assert {field: account[field] for field in TEXTS} == dict.fromkeys(TEXTS)


def test_username_and_address_change_with_the_password(browser, person):
    profile(browser)
    browser.type(username=f"renamed-{RUN}", email=f"renamed-{RUN}@example.org")
    browser.type(current_password=PASSWORD)
    browser.submit()

    browser.until(lambda: browser.outcome() == "Saved.")
    account = call("GET", "/api/v1/auth/me", token=browser_token(f"renamed-{RUN}"))
    assert (account["username"], account["email"]) == (f"renamed-{RUN}", f"renamed-{RUN}@example.org")


def browser_token(name):
    return call("POST", "/api/v1/auth/login/json", {"username": name, "password": PASSWORD})["access_token"]


def test_all_that_is_wrong_with_a_profile_is_told_at_once(browser, person):
    browser.refusal(400, "/api/account/")
    profile(browser)
    browser.put(username="a b!", email="nobody", full_name="x" * 101, phone="1" * 33, bio="x" * 501)
    browser.type(current_password=PASSWORD)
    browser.submit()

    browser.one("[aria-invalid]")
    wrong = [field.get_attribute("name") for field in browser.all("[aria-invalid]")]
    assert wrong == ["username", "email", "full_name", "phone", "bio"]
    assert all(browser.error(field) for field in wrong)
    assert browser.focused == "username"


def test_the_switches_are_remembered_by_the_account(browser, person):
    browser.press("#language-switch")
    browser.press("#theme-choice option[value=dark]")
    browser.until(lambda: (lambda account: (account["language"], account["theme"]) == ("zh", "dark"))(
        call("GET", "/api/account/", token=person.token())))

    browser.fresh()
    browser.sign_in(person)
    browser.until(lambda: browser.text("#sign-out") == "退出登录")
    assert browser.script("return document.documentElement.dataset.theme") == "dark"


def test_what_was_typed_outlives_a_change_of_the_language(browser):
    browser.open("/register")
    browser.type(username="half")
    browser.press("#language-switch")

    assert browser.text("h1") == "注册账户"
    assert browser.one("#username").get_attribute("value") == "half"
    assert browser.driver.title == "注册账户 · Homeroom"


@pytest.mark.parametrize("scheme, ground", [("light", "rgb(243, 245, 248)"), ("dark", "rgb(17, 21, 28)")])
def test_without_a_choice_the_systems_theme_is_shown(browser, scheme, ground):
    browser.prefer(scheme)
    browser.open("/")

    assert browser.one("body").value_of_css_property("background-color").replace("rgba", "rgb").replace(", 1)", ")") == ground


# Password

HINTS = [
    ("Kite-7", ["At least 8 characters"]), ("4815162342", ["Not digits alone"]), ("Sunshine", ["Not a common one"]),
    ("{username}-", ["Not like username or email"]), ("1234567", ["At least 8 characters", "Not digits alone"]),
    ("green-Kite-88", []),
]


def test_the_hint_follows_the_rules(browser, person):
    browser.open("/password")
    browser.until(lambda: browser.one("#username").get_attribute("value") == person.username)
    for password, broken in HINTS:
        browser.type(new_password=password.format(username=person.username))

        assert (password, [item.text for item in browser.all(".strength .broken")]) == (password, broken)
        assert (browser.text(".verdict") == "Too weak") == bool(broken)


def test_a_new_password_ends_the_other_devices(browser, person):
    other = person.token()
    browser.refusal(400, "/api/account/password/")
    browser.open("/password")
    browser.until(lambda: browser.one("#username").get_attribute("value") == person.username)
    browser.type(current_password="wrong", new_password="12345678", repeated="12345678")
    browser.submit()
    browser.one("[aria-invalid]")
    assert browser.error("current_password") != "" and browser.error("new_password") != ""
    assert browser.focused == "current_password"
    browser.type(current_password=PASSWORD, new_password="green-Kite-88", repeated="green-Kite-88")
    browser.submit()

    browser.until(lambda: browser.outcome().startswith("The password is changed"))
    assert status("GET", "/api/account/", token=other) == 401
    person.password = "green-Kite-88"
    assert person.token()
    browser.open("/devices")
    assert browser.text(".device .pill") == "This device"


# Devices

def test_devices_are_shown_and_ended(browser, person):
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    one, two, three = person.token(agent), person.token(agent), person.token("curl/7.88.1")
    browser.open("/devices")
    # The browser, these three, and the one that chose the language.
    browser.until(lambda: len(browser.all(".device")) == 5)
    assert len([heading for heading in browser.all(".device h2") if heading.text == "Firefox on Windows"]) == 2
    # The newest comes first: the one of curl.
    browser.press(".device:first-child button")

    browser.until(lambda: len(browser.all(".device")) == 4)
    assert browser.outcome() == "The device is signed out."
    assert [status("GET", "/api/account/", token=token) for token in (one, two, three)] == [200, 200, 401]
    browser.press("#end-others")
    browser.until(lambda: len(browser.all(".device")) == 1)
    assert [status("GET", "/api/account/", token=token) for token in (one, two)] == [401, 401]
    browser.press(".device button")
    browser.one("#sign-in")


# People

@pytest.fixture(scope="module")
def pupils():
    people = [{"username": f"pupil-{RUN}-{number:02}", "email": f"pupil-{RUN}-{number:02}@example.org",
               "full_name": f"Zoe {RUN} {number:02}", "password_hash": "!"} for number in range(25)]
    lines = "".join(json.dumps(person) + "\n" for person in people)
    homeroom("user", "import", "-", text=lines)


def names(browser):
    return [name.text for name in browser.all(".person strong")]


@pytest.mark.parametrize("role", ["mentor", "teacher"])
def test_people_are_found_by_search_role_and_page(browser, pupils, role):
    person = Person(role, language="en")
    browser.sign_in(person)
    browser.open("/people")
    browser.until(lambda: len(names(browser)) == 20)
    browser.type(q=f"zoe {RUN}")
    browser.until(lambda: names(browser) == [f"Zoe {RUN} {number:02}" for number in range(20)])

    browser.press("#on")
    browser.until(lambda: names(browser) == [f"Zoe {RUN} {number:02}" for number in range(20, 25)])
    assert browser.text("#count") == "Page 2, 5 people"
    assert not browser.one("#on").is_enabled()
    assert browser.focused == "back"
    browser.press("#back")
    browser.until(lambda: len(names(browser)) == 20)
    assert browser.focused == "on"
    browser.type(q=f"{person.username}@")
    browser.until(lambda: names(browser) == [person.username])
    choose(browser, "role", "student")
    browser.until(lambda: browser.text("#count") == "Nobody found.")
    assert not browser.all("#back")[0].is_displayed()


def test_one_letter_is_too_little_to_search_by(browser):
    browser.sign_in(Person("teacher", language="en"))
    browser.refusal(400, "/api/account/people/")
    browser.open("/people")
    browser.one(".person")
    browser.type(q="z")
    browser.submit()

    assert browser.error("q") != ""
    assert browser.focused == "q"


def test_a_student_is_told_that_the_list_is_for_others(browser, person):
    browser.refusal(403, "/api/account/people/")
    browser.open("/people")

    assert browser.outcome() == "You do not have the right to do this."
