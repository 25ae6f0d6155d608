"""A page in a real browser: its errors, its requests, and images that do not load.

A test opens a file with the fixture ``open_page``. It requires that ``page.problems()`` is empty, also after clicks and
input. Selectors are CSS selectors. Methods wait a few seconds for an element; then the test fails.
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
#: checks accessibility; ``make test-browser`` installs it
AXE = Path(__file__).parents[2] / "tools/javascript/node_modules/axe-core/axe.min.js"

#: Waits until pending timers, promises and drawing have had time to fail.
SETTLE = "requestAnimationFrame(() => setTimeout(arguments[0], 50))"

#: Returns the URLs of connection hints, which the browser does not report as requests.
HINTS = """
const hints = document.querySelectorAll("link[rel~=preconnect i], link[rel~=dns-prefetch i]");
return [...hints].map(link => link.href);
"""

#: Returns the truncated URLs of images that do not load or have no size, including images that are not displayed.
BROKEN = """
const done = arguments[arguments.length - 1];
const packed = (image) => image.dataset.packed && !image.src;
const ready = async (image) => { while (packed(image)) await new Promise((next) => setTimeout(next, 20)); };
const fails = (image) => ready(image).then(() => image.decode()).then(() => image.naturalWidth === 0, () => true);
const looks = [...document.images].map(async (image) => (await fails(image)) ? [image.src.slice(0, 200)] : []);
Promise.all(looks).then(found => done(found.flat()));
"""

#: Returns the displayed body rows, each as a list of the texts of its cells.
ROWS = """
const bodies = [...document.querySelectorAll(arguments[0])].flatMap(table => [...table.tBodies]);
const rows = bodies.flatMap(body => [...body.rows]).filter(row => row.checkVisibility());
return rows.map(row => [...row.cells].map(cell => cell.innerText.trim()));
"""

#: Returns the id of each violated rule of axe-core, with its description and an element.
VIOLATIONS = """
const done = arguments[arguments.length - 1];
axe.run().then(({ violations }) => done(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 300)}`)));
"""


class Page:
    """A file in the browser, and the problems since it was opened."""

    def __init__(self, browser: Chrome, path: Path, site: Path | None = None) -> None:
        """Open a file on a screen of normal size, and wait until it has loaded.

        site: a folder whose files the page may request.
        """
        self.browser = browser
        self.path = path.absolute()
        self.site = site
        self._found: list[str] = []
        browser.get("about:blank")
        for log in ("browser", "performance"):
            browser.get_log(log)  # discards the log of the previous page
        self.emulate()
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        browser.get(self.path.as_uri())

    def problems(self) -> list[str]:
        """Return console warnings and errors, requests and broken images of the page and its frames.

        Connection hints count as requests. The URL of the page and data:, blob: and about: URLs do not count. The
        browser gets no answer from the network. Requests for other files count, except those of the site.
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
        """Return the texts of the cells of each displayed body row, in the order of the page."""
        rows: list[list[str]] = self.script(ROWS, table)
        return rows

    def script(self, code: str, *arguments: Any) -> Any:
        """Run JavaScript in the page as the body of a function, and return its result."""
        return self.browser.execute_script(code, *arguments)

    def click(self, selector: str, text: str | None = None) -> None:
        """Click the first displayed element that matches and, if a text is given, shows exactly this text."""
        self.find(selector, text).click()

    def type(self, selector: str, text: str) -> None:
        """Replace the content of a field, key by key."""
        self.find(selector).send_keys(Keys.CONTROL + "a" + Keys.NULL + text)

    def find(self, selector: str, text: str | None = None) -> WebElement:
        """Wait for the first displayed element that matches and, if a text is given, shows exactly it; return it."""
        return self.wait_until(
            lambda: [one for one in self._displayed(selector) if text in (None, one.text.strip())],
            f"{selector} {text or ''}",
        )[0]

    def wait_until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until a condition is true and return its value. Fail after PATIENCE seconds and name ``what``."""
        return WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(lambda _: condition(), what)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the page's main thread since it was opened, which does not depend on other load."""
        metrics = self.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    def violations(self) -> list[str]:
        """Return the accessibility rules of axe-core that the page violates, with the first element of each."""
        self.script(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.browser.execute_async_script(VIOLATIONS)
        return found

    def emulate(self, media: str = "screen", width: int = 1280, scheme: str = "light") -> None:
        """Show the page as "print" or "screen", with this width in CSS pixels and scheme. The next page resets all."""
        colours = {"name": "prefers-color-scheme", "value": scheme}
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [colours]})

    def _displayed(self, selector: str) -> list[WebElement]:
        return [e for e in self.browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]

    def _in_every_frame(self, look: Callable[[], list[str]]) -> list[str]:
        """Return the results of ``look`` in the page and in each of its frames."""
        found = list(look())
        for frame in self.browser.find_elements(By.CSS_SELECTOR, "iframe, frame"):
            self.browser.switch_to.frame(frame)
            found += self._in_every_frame(look)
            self.browser.switch_to.parent_frame()
        return found

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        file = Path(unquote(parts.path))
        own = file == self.path or (self.site is not None and self.site in file.parents)
        return (own and parts.scheme == "file") or parts.scheme in ("data", "blob", "about")


def _requested(event: dict[str, Any]) -> str | None:
    """Return the URL that an event of the browser's network log requests, or None if it is not a request."""
    if event["method"] == "Network.requestWillBeSent":
        return str(event["params"]["request"]["url"])
    return str(event["params"]["url"]) if event["method"] == "Network.webSocketCreated" else None
