import pytest
from browser import PASSWORD, RUN, URL, Person, status
from mail import link
from selenium.webdriver.common.keys import Keys

ROLES = {"student": "Student", "mentor": "Mentor", "teacher": "Teacher"}


# Register

def test_who_registers_is_signed_in_with_the_browsers_language_and_time_zone(browser):
    browser.open("/register")
    browser.type(username=f"new.{RUN}", email=f"new.{RUN}@example.org", password=PASSWORD, password2=PASSWORD)
    browser.submit()

    browser.at("/")
    assert browser.text("#name") == f"new.{RUN}"
    assert browser.text("#role") == "Student"
    browser.open("/profile")
    browser.one("#facts dd")
    values = {field: browser.one(f"#{field}").get_attribute("value") for field in ("language", "timezone", "theme")}
    assert values == {"language": "en", "timezone": "Europe/Madrid", "theme": "system"}


@pytest.mark.parametrize("language, needed", [("en-US", "This is needed."), ("zh-CN", "该字段是必填项。该字段不能为空。")])
def test_empty_fields_are_all_named_and_the_first_has_the_focus(browser, language, needed):
    browser.fresh(language)
    browser.refusal(400, "/api/user/register/")
    browser.open("/register")
    browser.submit()

    browser.one("[aria-invalid]")
    assert all(browser.error(field) in needed for field in ("username", "email", "password", "password2"))
    assert len(browser.all("[aria-invalid]")) == 4
    assert browser.focused == "username"


@pytest.mark.parametrize("language, errors", [
    ("en-US", ["Only letters, digits and @ . + - _ are allowed.", "This is not a valid email address.",
               "At least 8 characters. This password is too common. A password cannot be digits alone.",
               "The two passwords differ."]),
    ("zh-CN", ["用户名只能包含字母、数字和 @/./+/-/_ 字符。", "请输入有效的邮箱地址。",
               "密码太短。密码长度必须至少为8个字符。 密码太常见。 密码不能全为数字。", "两次输入的密码不一致"]),
])
def test_wrong_fields_are_all_told_at_once(browser, language, errors):
    browser.fresh(language)
    browser.refusal(400, "/api/user/register/")
    browser.open("/register")
    browser.type(username="a b!", email="nobody", password="123456", password2="654321")
    browser.submit()

    browser.one("[aria-invalid]")
    assert [browser.error(field) for field in ("username", "email", "password", "password2")] == errors
    described = browser.one("#email").get_attribute("aria-describedby").split()
    assert "email-error" in described


def test_a_name_that_somebody_has_is_refused(browser):
    somebody = Person()
    browser.refusal(400, "/api/user/register/")
    browser.open("/register")
    browser.type(username=somebody.username.upper(), email="another@example.org", password=PASSWORD, password2=PASSWORD)
    browser.submit()

    assert browser.error("username") == "Somebody has this username already."
    assert browser.focused == "username"


# Sign in and out

@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", ["username", "email"])
def test_every_role_signs_in_by_either_name(browser, role, name):
    person = Person(role, language="en")
    browser.open("/")
    browser.press(f"label:has([value={role}])")
    browser.type(username=getattr(person, name), password=PASSWORD)
    browser.submit()

    assert browser.text("#role") == ROLES[role]
    places = [link.get_attribute("href").removeprefix(URL) for link in browser.all("nav a")]
    assert ("/people" in places) == (role != "student")


def test_another_role_than_the_accounts_is_refused(browser):
    person = Person("mentor")
    browser.refusal(400, "/api/user/login/")
    browser.open("/")
    browser.press("label:has([value=teacher])")
    browser.type(username=person.username, password=PASSWORD)
    browser.submit()

    assert browser.error("role") == "This account has another role."
    assert browser.focused == "role"


@pytest.mark.parametrize("language, words", [("en-US", "Wrong username or password."), ("zh-CN", "用户名或密码错误。")])
def test_a_wrong_password_is_refused(browser, language, words):
    browser.fresh(language)
    browser.refusal(401, "/api/user/login/")
    browser.open("/")
    browser.type(username=Person().username, password="wrong")
    browser.submit()

    assert browser.error("password") == words
    assert browser.focused == "password"


def test_who_failed_too_often_is_told_how_long_to_wait(browser):
    person = Person()
    for _ in range(10):
        status("POST", "/api/user/login/", {"username": person.username, "password": "wrong", "role": "student"})
    browser.refusal(429, "/api/user/login/")
    browser.open("/")
    browser.type(username=person.username, password=PASSWORD)
    browser.submit()

    assert browser.outcome() == "Too many failed attempts. Try again in 15 min."


@pytest.mark.parametrize("asked, reached", [
    ("/devices", "/devices"), ("//evil.example/", "/"), ("https://evil.example", "/"), ("javascript:alert(1)", "/"),
])
def test_signing_in_leads_to_the_page_that_was_asked_for_and_to_no_other_address(browser, asked, reached):
    person = Person(language="en")
    browser.open(f"/?next={asked}")
    browser.type(username=person.username, password=PASSWORD)
    browser.submit()

    browser.at(reached)
    browser.one("nav")
    assert browser.script("return location.origin") == URL


def test_pages_of_an_account_send_to_the_sign_in(browser):
    browser.refusal(401, "/api/account/")
    browser.open("/profile")

    browser.at("/?next=%2Fprofile")
    assert browser.outcome() == "Sign in first."


def test_who_signs_out_is_out(browser):
    browser.sign_in(Person(language="en"))
    cookie = browser.driver.get_cookie("sessionid")["value"]
    browser.press("#sign-out")

    browser.one("#sign-in")
    browser.until(lambda: browser.driver.get_cookie("sessionid") is None)
    browser.driver.add_cookie({"name": "sessionid", "value": cookie})
    browser.refusal(401, "/api/account/")
    browser.open("/devices")
    browser.at("/?next=%2Fdevices")


def test_the_keyboard_alone_is_enough_to_sign_in(browser):
    person = Person("teacher", language="en")
    browser.open("/")
    body = browser.one("body")
    body.send_keys(Keys.TAB)
    assert browser.script("return document.activeElement.className") == "skip"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.focused == "main"
    for keys in [Keys.TAB, Keys.RIGHT + Keys.RIGHT + Keys.TAB, person.email + Keys.TAB, PASSWORD + Keys.ENTER]:
        browser.driver.switch_to.active_element.send_keys(keys)

    assert browser.text("#name") == person.username


# Forgotten passwords and mailed links

def test_a_forgotten_password_is_set_anew_by_the_mailed_link(browser):
    person = Person(language="en")
    browser.open("/forgot-password")
    browser.type(email=person.email)
    browser.submit()
    assert browser.outcome() == "If an account has this address, the link is on its way. Look into your mail."
    address = link(browser, person.email, "reset-password")

    browser.open(address)
    browser.type(new_password="green-Kite-88", repeated="green-Kite-89")
    browser.submit()
    assert browser.error("repeated") == "The two passwords differ."
    browser.refusal(400, "/api/v1/auth/reset-password")
    browser.type(new_password="short", repeated="short")
    browser.submit()
    browser.until(lambda: browser.error("new_password") == "A password has 8 to 128 characters.")
    browser.type(new_password="green-Kite-88", repeated="green-Kite-88")
    browser.submit()
    browser.until(lambda: browser.outcome() == "Your password is changed. You can sign in now.")
    assert browser.script("return location.hash") == ""
    person.password = "green-Kite-88"
    browser.sign_in(person)

    browser.open(address)
    browser.type(new_password="green-Kite-88", repeated="green-Kite-88")
    browser.submit()
    assert browser.outcome() == "This link was used already or is too old. Ask for a new one."


def test_an_unknown_address_is_answered_the_same(browser):
    browser.open("/forgot-password")
    browser.type(email="nobody@example.org")
    browser.submit()

    assert browser.outcome() == "If an account has this address, the link is on its way. Look into your mail."


def test_an_address_is_proven_by_the_link_of_the_registration(browser):
    browser.open("/register")
    browser.type(username=f"proven-{RUN}", email=f"proven-{RUN}@example.org", password=PASSWORD, password2=PASSWORD)
    browser.submit()
    browser.one("#unverified")
    address = link(browser, f"proven-{RUN}@example.org", "verify-email")

    browser.open(address)
    browser.submit()
    assert browser.outcome() == "Your email address is confirmed."
    browser.open("/")
    browser.one("#overview h1")
    assert not browser.all("#unverified")[0].is_displayed()
    browser.refusal(400, "/api/account/email/verify/")
    browser.open(address)
    browser.submit()
    browser.until(lambda: "wrong" in browser.one("#outcome").get_attribute("class"))
    assert browser.outcome() != ""


def test_the_link_is_sent_again_to_who_asks(browser):
    person = Person(language="en")
    browser.sign_in(person)
    browser.press("#send-link")

    assert browser.outcome() == "The link is on its way. Look into your mail."
    browser.open(link(browser, person.email, "verify-email"))
    browser.submit()
    assert browser.outcome() == "Your email address is confirmed."


def test_a_changed_address_is_taken_back_by_the_link_to_the_old_one(browser):
    person = Person(language="en")
    browser.sign_in(person)
    browser.open("/profile")
    browser.one("#facts dd")
    assert not browser.all("#proof")[0].is_displayed()
    browser.refusal(400, "/api/account/")
    browser.type(email=f"thief-{RUN}@example.org")
    browser.submit()
    browser.until(lambda: browser.focused == "current_password")
    assert browser.error("current_password") != ""
    browser.type(current_password="wrong")
    browser.submit()
    browser.until(lambda: browser.error("current_password") != "" and browser.focused == "current_password")
    browser.type(current_password=PASSWORD)
    browser.submit()
    browser.until(lambda: browser.outcome() == "Saved.")
    assert "can be taken back" in browser.text("#address-state")

    browser.open(link(browser, person.email, "undo-email"))
    browser.submit()
    assert browser.outcome().startswith("Your address is back.")
    assert person.account()["email"] == person.email
    browser.refusal(401, "/api/account/")
    browser.open("/profile")
    browser.at("/?next=%2Fprofile")
    browser.open(link(browser, person.email, "reset-password"))
    browser.type(new_password="green-Kite-88", repeated="green-Kite-88")
    browser.submit()
    assert browser.outcome() == "Your password is changed. You can sign in now."


@pytest.mark.parametrize("page", ["reset-password", "verify-email", "undo-email"])
@pytest.mark.parametrize("language, words", [
    ("en-US", "This link is incomplete. Open the one in your mail."), ("zh-CN", "链接不完整，请打开邮件中的链接。"),
])
def test_a_link_without_a_token_says_so(browser, page, language, words):
    browser.fresh(language)
    browser.open(f"/{page}")

    assert browser.outcome() == words
    assert not browser.all("#form")[0].is_displayed()
