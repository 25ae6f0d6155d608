"""Markup in configs, data and file names: pages show it as text and never execute it."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from sklearn import datasets as sklearn_datasets

from ..workflow.conftest import TINY, Project, made_once
from .pages import Page

OpenPage = Callable[[Path], Page]

SCRIPT = "window.top.obeyed = window.obeyed = 1"
#: class names with HTML, the end of a script, templates, reStructuredText, Markdown, formulas, formats and quotes
NAMES = [
    f'<img src=no onerror="{SCRIPT}">',
    f"</script><script>{SCRIPT}</script>",
    f"--></style></pre></svg><svg onload='{SCRIPT}'>",
    "{{ 7 * 7 }}{% raw %}{7}",
    f"`link <javascript:{SCRIPT}>`_",
    ".. raw:: html",
    f"|sub| [x](javascript:{SCRIPT}) **b**",
    "$\\frac{1}{2}$",
    "%s &lt;b&gt; \\u003cb\\u003e",
    f"\"'`; {SCRIPT}//",
]
#: a folder and a file in it; together, the path contains the end tag of a script
FOLDER, FILE = f"own<img src=no onerror='{SCRIPT}'><", f"script><SCRIPT>{SCRIPT}<!--.csv"


@pytest.fixture(scope="module")
def results(browser: Chrome, shared: Path) -> Path:
    """Return results/tiny with its report, for a dataset with such names of classes, files and published table."""
    return made_once(shared, "markup", make_results).path / "results/tiny"


def make_results(project: Project) -> None:
    folder = project.path / "config" / FOLDER
    folder.mkdir()
    shutil.copy(Path(sklearn_datasets.__file__).parent / "data/digits.csv.gz", folder)
    rows = list(csv.reader((project.path / "config/published_results.csv").read_text().splitlines()))
    run = ["digits", "tanh", "5", "0.001", "50", "1", "0.01", *rows[1][7:]]
    with (folder / FILE).open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], run])
    config = {
        **TINY,
        "published": {"table": f"{FOLDER}/{FILE}", "loss_divisor": {"digits": 1.0}},
        "datasets": {"digits": {"class_names": NAMES, "local_dir": FOLDER}},
    }
    project.run(config)
    project.run(config, "--report", "results/tiny/report.html")


def assert_shows_text_only(page: Page) -> None:
    """Require that no name ran as a script or became an element, and that the page made no request."""
    assert page.script("return window.obeyed") is None
    assert page.texts("#obeyed, img[src=no], a[href^=javascript]") == []
    assert [p for p in page.problems() if "WARNING" not in p] == []


def test_no_name_is_markup_on_the_page_in_a_table_or_a_figure(open_page: OpenPage, results: Path) -> None:
    paths = [path for kind in ("html", "svg") for path in sorted(results.glob(f"*/**/*.{kind}"))]
    assert {path.suffix for path in paths} == {".html", ".svg"}
    for path in (*paths, results / "summary.html"):
        page = open_page(path)
        assert_shows_text_only(page)
    shown = page.script("return document.querySelector('pre').textContent")
    assert NAMES[0] in shown
    assert NAMES[3] in shown


def test_no_name_is_markup_in_snakemakes_report(open_page: OpenPage, results: Path) -> None:
    report = open_page(results / "report.html")
    assert_shows_text_only(report)
    report.click("nav a", "Workflow")
    for rule in report.script("return Object.keys(rules)"):
        report.script("app.setView({navbarMode: 'ruleinfo', ruleinfo: arguments[0]})", rule)
    for path in report.script("return Object.keys(results)"):
        report.script("app.setView({navbarMode: 'resultinfo', resultPath: arguments[0]})", path)
    assert_shows_text_only(report)
