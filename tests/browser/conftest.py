"""Tests that open what the workflow makes in a real Chromium without a window, which they start and end."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from ..workflow.conftest import copy_repository
from .pages import Page

HERE = Path(__file__).parent
QUICK = "config/quick.yaml"

FLAGS = [
    "--headless=new",
    "--hide-scrollbars",  # a page is as wide as its window, as in print and on a telephone
    "--no-sandbox",  # it does not start as root with one, and opens nothing but our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    # Whatever asks for something, page or browser, gets no answer, and nothing leaves the machine. The flags
    # after these two only make it ask less: by its own log, Chromium still tries its updates and an account.
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
    """Return the path of a program; without it, skip the tests, or fail where Chromium is required."""
    path = shutil.which(name)
    if path is None:
        refuse = pytest.fail if os.environ.get("HANDGRAD_REQUIRE_CHROMIUM") == "1" else pytest.skip
        refuse(f"no Chromium: {name} is not on the PATH (on Debian: apt install {package})")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    """One browser for all tests: the machine's own; selenium, given its driver, looks for none to download."""
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
    """Open a file in the browser; what it does there, the ``Page`` tells."""
    return partial(Page, browser)


@pytest.fixture(scope="session")
def quick_results(browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """results/quick of a copy of the repository that has made it, with the report.

    Asks for the browser first: without one, nothing is computed in vain.
    """
    project = copy_repository(tmp_path_factory.mktemp("quick") / "project")
    for arguments in ([], ["--report", "results/quick/report.html"]):
        done = project.snakemake("--configfile", QUICK, *arguments)
        assert done.returncode == 0, done.stdout
    return project.path / "results/quick"
