"""What a page does in a real browser: what it complains of, what it asks for, what it fails to show.

A test opens a file with the fixture ``open_page`` and holds ``page.problems()`` empty, at the end too, after
what it has clicked and typed::

    page = open_page(results / "summary.html")
    page.type("#filter", "tanh")
    assert {row[1] for row in page.rows("#results")} == {"tanh"}
    assert page.problems() == []

Selectors are those of CSS. What is looked for is waited for, a few seconds; then the test fails.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 5  # seconds
WINDOW = (1280, 900)  # CSS pixels, unless a test resizes it

#: Gives what has just begun (timers, promises, drawing) the time to fail.
SETTLE = "requestAnimationFrame(() => setTimeout(arguments[0], 50))"

#: Connections that a page asks for without a request that the browser would tell of.
HINTS = """
const hints = document.querySelectorAll("link[rel~=preconnect i], link[rel~=dns-prefetch i]");
return [...hints].map(link => link.href);
"""

BROKEN = (Path(__file__).parent / "broken_images.js").read_text()

#: the body's rows that are displayed, each as the texts of its cells
ROWS = """
const bodies = [...document.querySelectorAll(arguments[0])].flatMap(table => [...table.tBodies]);
const rows = bodies.flatMap(body => [...body.rows]).filter(row => row.checkVisibility());
return rows.map(row => [...row.cells].map(cell => cell.innerText.trim()));
"""


class Page:
    """A file in the browser, and what has come of it since it was opened."""

    def __init__(self, browser: Chrome, path: Path) -> None:
        """Open a file on a screen of the usual size; returns once it has loaded."""
        self.browser = browser  #: selenium's own, for what is not here
        self.path = path.absolute()
        self._messages: list[str] = []
        self._requests: list[str] = []
        browser.get("about:blank")
        for log in ("browser", "performance"):
            browser.get_log(log)  # what the page before has left
        self.emulate("screen")
        self.resize(*WINDOW)
        browser.get(self.path.as_uri())

    # --- what must not be ---

    def problems(self) -> list[str]:
        """All messages, requests and broken images, each with what it is. Empty for a good page."""
        return [
            *(f"message: {text}" for text in self.messages()),
            *(f"request: {url}" for url in self.requests()),
            *(f"broken image: {url}" for url in self.broken_images()),
        ]

    def messages(self) -> list[str]:
        """Warnings and errors of the console so far, errors that nothing caught among them; of frames too."""
        self._read_logs()
        return list(self._messages)

    def requests(self) -> list[str]:
        """Every URL asked for so far but the page's own file and data:, blob: and about: URLs; of frames too.

        None on the network is ever answered (``start_browser``). Other files count, since the page would lack
        them elsewhere, and so do hints to connect. Not seen: what workers ask for; of those, only errors are.
        """
        self._read_logs()
        return [*self._requests, *self._in_every_frame(lambda: self.script(HINTS))]

    def broken_images(self) -> list[str]:
        """The URLs, cut at 200 characters, of images that do not load or have no size; of frames too.

        Those of <img>, <input>, <object> and <embed>, of SVG's <image>, of posters and of style sheets.
        """
        return self._in_every_frame(lambda: self.browser.execute_async_script(BROKEN))

    # --- what is there ---

    @property
    def title(self) -> str:
        return self.browser.title

    def texts(self, selector: str) -> list[str]:
        """The texts of all displayed elements that match."""
        return [element.text for element in self._displayed(selector)]

    def rows(self, table: str = "table") -> list[list[str]]:
        """The texts of the cells of each body row shown, in the order of the page; no heads, no feet."""
        rows: list[list[str]] = self.script(ROWS, table)
        return rows

    def script(self, code: str, *arguments: Any) -> Any:
        """What JavaScript returns that runs in the page as a function's body."""
        return self.browser.execute_script(code, *arguments)

    @contextmanager
    def inside(self, frame: str) -> Iterator[None]:
        """Within it, all that looks, clicks and types does so in a frame of the page."""
        self.browser.switch_to.frame(self.find(frame))
        try:
            yield
        finally:
            self.browser.switch_to.default_content()

    def screenshot(self, path: Path) -> None:
        """Write the whole page, not only what the window shows of it, as PNG."""
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(shot["data"]))

    # --- what a reader does ---

    def click(self, selector: str, text: str | None = None) -> None:
        """Click the first displayed element that matches; with a text, the first that shows just that."""
        self.find(selector, text).click()

    def type(self, selector: str, text: str) -> None:
        """Replace what a field holds, key by key; the empty text clears it."""
        self.press(selector, Keys.CONTROL + "a" + Keys.NULL + (text or Keys.BACKSPACE))

    def press(self, selector: str, keys: str) -> None:
        """Send keys to an element, such as selenium's ``Keys.ENTER``."""
        self.find(selector).send_keys(keys)

    def find(self, selector: str, text: str | None = None) -> WebElement:
        """The first displayed element that matches and, if a text is given, shows just that. Waits for it."""

        def found() -> list[WebElement]:
            return [e for e in self._displayed(selector) if text is None or e.text.strip() == text]

        self.wait_until(found, f"{selector} {text or ''}")
        return found()[0]

    def wait_until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait until a condition holds; fails after PATIENCE seconds, with what was waited for."""
        WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(lambda _: condition(), what)

    def resize(self, width: int, height: int) -> None:
        """Give the page so many CSS pixels. The next page to be opened gets WINDOW again."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def emulate(self, media: str) -> None:
        """Style the page for "print" or "screen". The next page to be opened gets the screen again."""
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})

    # --- how ---

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

    def _read_logs(self) -> None:
        """Take over what the browser has noted since it was last asked; it gives each entry once."""
        self.browser.execute_async_script(SETTLE)
        self._messages += [
            f"{entry['level']}: {entry['message']}"
            for entry in self.browser.get_log("browser")
            if entry["level"] in ("WARNING", "SEVERE")
        ]
        for entry in self.browser.get_log("performance"):
            url = _requested(json.loads(entry["message"])["message"])
            if url is not None and not self._is_own(url):
                self._requests.append(url)

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        own = parts.scheme == "file" and unquote(parts.path) == str(self.path)
        return own or parts.scheme in ("data", "blob", "about")


def _requested(event: dict[str, Any]) -> str | None:
    """The URL that an event of the browser's network log asks for, if it does."""
    if event["method"] == "Network.requestWillBeSent":
        return str(event["params"]["request"]["url"])
    if event["method"] == "Network.webSocketCreated":
        return str(event["params"]["url"])
    return None
