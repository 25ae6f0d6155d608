"""What a page does in a real browser: its errors, what it asks for, and the images that do not load.

A test opens a file with the fixture ``open_page`` and holds ``page.problems()`` empty, also after what it has
clicked and typed. Selectors are those of CSS. What is looked for is waited for, a few seconds; then the test fails.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 5  # seconds

#: Gives what has just begun (timers, promises, drawing) the time to fail.
SETTLE = "requestAnimationFrame(() => setTimeout(arguments[0], 50))"

#: Connections that a page asks for without a request that the browser would report.
HINTS = """
const hints = document.querySelectorAll("link[rel~=preconnect i], link[rel~=dns-prefetch i]");
return [...hints].map(link => link.href);
"""

#: The URLs, cut, of images that do not load or have no size, also of those that are not displayed.
BROKEN = """
const done = arguments[arguments.length - 1];
const fails = (image) => image.decode().then(() => image.naturalWidth === 0, () => true);
const looks = [...document.images].map(async (image) => (await fails(image)) ? [image.src.slice(0, 200)] : []);
Promise.all(looks).then(found => done(found.flat()));
"""

#: the body's rows that are displayed, each as the texts of its cells
ROWS = """
const bodies = [...document.querySelectorAll(arguments[0])].flatMap(table => [...table.tBodies]);
const rows = bodies.flatMap(body => [...body.rows]).filter(row => row.checkVisibility());
return rows.map(row => [...row.cells].map(cell => cell.innerText.trim()));
"""


class Page:
    """A file in the browser, and what has happened since it was opened."""

    def __init__(self, browser: Chrome, path: Path) -> None:
        """Open a file on a screen of the usual size; returns once it has loaded."""
        self.browser = browser
        self.path = path.absolute()
        self._found: list[str] = []
        browser.get("about:blank")
        for log in ("browser", "performance"):
            browser.get_log(log)  # of the page before
        self.emulate()
        browser.get(self.path.as_uri())

    def problems(self) -> list[str]:
        """Return warnings and errors of the console, requests and broken images, those of frames too.

        A request is any URL but the page's own and data:, blob: and about: URLs, and a hint to connect. None on
        the network is ever answered (``start_browser``). Other files count, since the page would lack them
        elsewhere.
        """
        self.browser.execute_async_script(SETTLE)
        entries = (entry for entry in self.browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE"))
        self._found += [f"message: {entry['level']}: {entry['message']}" for entry in entries]
        events = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        urls = [url for event in events if (url := _requested(event)) and not self._is_own(url)]
        self._found += [f"request: {url}" for url in urls]
        hints = self._in_every_frame(lambda: self.script(HINTS))
        broken = self._in_every_frame(lambda: self.browser.execute_async_script(BROKEN))
        return [*self._found, *(f"request: {url}" for url in hints), *(f"broken image: {url}" for url in broken)]

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all displayed elements that match."""
        return [element.text for element in self._displayed(selector)]

    def rows(self, table: str = "table") -> list[list[str]]:
        """Return the texts of the cells of each body row shown, in the order of the page."""
        rows: list[list[str]] = self.script(ROWS, table)
        return rows

    def script(self, code: str, *arguments: Any) -> Any:
        """Return what JavaScript returns that runs in the page as a function's body."""
        return self.browser.execute_script(code, *arguments)

    def click(self, selector: str, text: str | None = None) -> None:
        """Click the first displayed element that matches; with a text, the first that shows just that."""
        self.find(selector, text).click()

    def type(self, selector: str, text: str) -> None:
        """Replace what a field holds, key by key."""
        self.find(selector).send_keys(Keys.CONTROL + "a" + Keys.NULL + text)

    def find(self, selector: str, text: str | None = None) -> WebElement:
        """Return the first displayed element that matches and, if a text is given, shows just that. Waits for it."""
        return self.wait_until(
            lambda: [one for one in self._displayed(selector) if text in (None, one.text.strip())],
            f"{selector} {text or ''}",
        )[0]

    def wait_until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until a condition holds, and return it; fails after PATIENCE seconds, with what was waited for."""
        return WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(lambda _: condition(), what)

    def emulate(self, media: str = "screen", width: int = 1280) -> None:
        """Style the page for "print" or "screen", of this many CSS pixels. The next page gets a usual screen."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})

    def _displayed(self, selector: str) -> list[WebElement]:
        return [e for e in self.browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]

    def _in_every_frame(self, look: Callable[[], list[str]]) -> list[str]:
        """What is found in the page and in the frames in it, in turn."""
        found = list(look())
        for frame in self.browser.find_elements(By.CSS_SELECTOR, "iframe, frame"):
            self.browser.switch_to.frame(frame)
            found += self._in_every_frame(look)
            self.browser.switch_to.parent_frame()
        return found

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        own = parts.scheme == "file" and unquote(parts.path) == str(self.path)
        return own or parts.scheme in ("data", "blob", "about")


def _requested(event: dict[str, Any]) -> str | None:
    """The URL that an event of the browser's network log asks for, if it does."""
    if event["method"] == "Network.requestWillBeSent":
        return str(event["params"]["request"]["url"])
    return str(event["params"]["url"]) if event["method"] == "Network.webSocketCreated" else None
