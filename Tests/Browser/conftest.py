import pytest
from browser import Browser


@pytest.fixture(scope="session")
def chromium():
    browser = Browser()
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(chromium):
    """A first visit; afterwards the console has nothing that the test did not provoke."""
    chromium.fresh()
    yield chromium
    assert chromium.complaints() == []
