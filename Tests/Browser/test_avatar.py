import base64
from pathlib import Path

import pytest
from browser import Person, call
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

VECTORS = Path(__file__).parent.parent / "PicturesTests/Vectors"
PHOTO = VECTORS / "orientation/Landscape_6.jpg"

# A file as a paste or a drop brings it.
FILE = """const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt());
const transfer = new DataTransfer();
transfer.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
"""


@pytest.fixture
def person(browser):
    person = Person(language="en")
    browser.sign_in(person)
    browser.open("/avatar")
    browser.one("#present .portrait")
    return person


def choose(browser, path):
    browser.all("#file")[0].send_keys(str(path))
    browser.one("#stage")


def shown(browser):
    return browser.script("return document.getElementById('stage').toDataURL()")


def sent(browser, person):
    """The size of what the server has."""
    browser.until(lambda: browser.outcome() == "Your picture is in place.")
    url = call("GET", "/api/account/", token=person.token())["avatar"]["url"]
    browser.one("#present img")
    return browser.driver.execute_async_script(
        "const image = new Image(); image.onload = () => arguments[1]([image.naturalWidth, image.naturalHeight]);"
        "image.src = arguments[0]", url)


def test_a_picture_is_chosen_and_sent_as_a_square(browser, person):
    choose(browser, PHOTO)
    assert browser.focused == "stage"
    browser.submit()

    width, height = sent(browser, person)
    assert width == height > 0
    browser.press("#remove")
    browser.until(lambda: browser.outcome() == "The picture is removed.")
    assert call("GET", "/api/account/", token=person.token())["avatar"] is None


def test_the_keyboard_moves_and_enlarges(browser, person):
    choose(browser, PHOTO)
    pictures = [shown(browser)]
    for keys, words in [("+++", "50 % across, 50 % down, size 130 %"), (Keys.SHIFT + Keys.RIGHT, None), (Keys.NULL + Keys.UP, None),
                        ("-", None)]:
        browser.one("#stage").send_keys(keys)
        pictures.append(shown(browser))
        assert words is None or browser.script("return document.getElementById('position').textContent") == words
    assert len(set(pictures)) == 5
    browser.one("#stage").send_keys(Keys.HOME)
    assert shown(browser) == pictures[0]
    browser.one("#stage").send_keys(Keys.TAB)
    assert browser.focused == "zoom"
    browser.driver.switch_to.active_element.send_keys(Keys.RIGHT)
    assert shown(browser) != pictures[0]
    browser.one("#stage").send_keys(Keys.HOME)
    browser.one("#form [type=submit]").send_keys(Keys.ENTER)

    assert len(set(sent(browser, person))) == 1


def test_the_pointer_moves_the_picture(browser, person):
    choose(browser, PHOTO)
    browser.put(zoom="200")
    before = shown(browser)
    ActionChains(browser.driver, duration=50).drag_and_drop_by_offset(browser.one("#stage"), 60, 40).perform()

    assert shown(browser) != before


@pytest.mark.parametrize("event", [
    "document.getElementById('drop').dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }))",
    "document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }))",
])
def test_a_picture_is_dropped_or_pasted(browser, person, event):
    browser.script(FILE + event, base64.b64encode(PHOTO.read_bytes()).decode())
    browser.one("#stage")
    browser.submit()

    assert len(set(sent(browser, person))) == 1


def test_the_bar_grows_while_a_picture_is_sent(browser, person):
    choose(browser, PHOTO)
    browser.script("""window.seen = [];
        const bar = document.getElementById("progress");
        new MutationObserver(() => seen.push([bar.value, bar.checkVisibility()])).observe(bar, { attributes: true })""")
    browser.submit()

    sent(browser, person)
    seen = browser.script("return seen")
    assert [100, True] in seen
    assert not browser.all("#progress")[0].is_displayed()


def test_what_is_no_picture_is_refused_in_clear_words(browser, person, tmp_path):
    file = tmp_path / "me.jpg"
    file.write_text("not a picture")
    browser.all("#file")[0].send_keys(str(file))

    assert browser.outcome() == "This file is not a picture that can be used. Choose a JPEG, PNG or GIF."
    assert not browser.all("#form")[0].is_displayed()


def test_what_the_server_refuses_is_told_in_its_words(browser, person, tmp_path):
    animation = tmp_path / "long.gif"
    animation.write_bytes((VECTORS / "colour-and-ends/dispose-to-background.gif").read_bytes() + bytes(5 * 1024 * 1024))
    browser.refusal(400, "/api/account/avatar/")
    choose(browser, animation)
    browser.submit()

    browser.until(lambda: "5 MiB" in browser.outcome())
    assert call("GET", "/api/account/", token=person.token())["avatar"] is None


def test_an_animation_is_kept_or_cropped(browser, person):
    choose(browser, VECTORS / "colour-and-ends/canvas-not-covered-animated.gif")
    browser.submit()
    sent(browser, person)
    kept = call("GET", "/api/account/", token=person.token())["avatar"]["url"]
    choose(browser, VECTORS / "colour-and-ends/canvas-not-covered-animated.gif")
    browser.press("#whole")
    browser.submit()
    browser.until(lambda: call("GET", "/api/account/", token=person.token())["avatar"]["url"] != kept)

    assert kept.endswith(".gif")
    assert call("GET", "/api/account/", token=person.token())["avatar"]["url"].endswith(".png")
