"""Tests that open results of the workflow in headless Chromium. The tests start and stop the browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from ..workflow.conftest import Project, made_once
from .pages import AXE, Page

HERE = Path(__file__).parent
QUICK = "config/quick.yaml"

FLAGS = [
    "--headless=new",
    "--hide-scrollbars",  # a scroll bar would make the page narrower than the window
    "--no-sandbox",  # Chromium does not start as root with a sandbox; it opens only our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    # Requests of the page and of the browser get no answer, and nothing leaves the machine. The flags after these two
    # only reduce the number of requests: Chromium's log shows that it still tries to reach updates and an account.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_program(name: str, package: str) -> str:
    """Return the path of a program. If it is missing, skip the tests, or fail if Chromium is required."""
    path = shutil.which(name)
    if path is None:
        refuse = pytest.fail if os.environ.get("HANDGRAD_REQUIRE_CHROMIUM") == "1" else pytest.skip
        refuse(f"no Chromium: {name} is not on the PATH (on Debian: apt install {package})")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    """Start the Chromium of this machine once for all tests. With the driver given, selenium downloads none."""
    options = ChromeOptions()
    options.binary_location = find_program("chromium", "chromium")
    driver = find_program("chromedriver", "chromium-driver")
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def open_page(browser: Chrome) -> Callable[[Path], Page]:
    """Return a function that opens a file in the browser and returns its ``Page``."""
    return partial(Page, browser)


@pytest.fixture(scope="session")
def axe() -> None:
    """Require axe-core: without it, skip the tests, or fail if Chromium is required."""
    if not AXE.is_file():
        refuse = pytest.fail if os.environ.get("HANDGRAD_REQUIRE_CHROMIUM") == "1" else pytest.skip
        refuse(f"no axe-core: {AXE} is missing (make test-browser installs it from npm)")


@pytest.fixture(scope="session")
def quick_results(browser: Chrome, shared: Path) -> Path:
    """Make the experiment ``quick`` and its report in a copy of the repository, and return results/quick.

    The browser is an argument, so that nothing is computed if it is missing.
    """

    def make(project: Project) -> None:
        for arguments in ([], ["--report", "results/quick/report.html"]):
            done = project.snakemake("--configfile", QUICK, *arguments)
            assert done.returncode == 0, done.stdout

    return made_once(shared, "quick", make).path / "results/quick"
