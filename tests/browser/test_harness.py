"""What the other tests rely on: a fault of a page is seen, and a page without one has none."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from socket import create_server

import pytest
from PIL import Image
from selenium.webdriver import Keys

from ..workflow.conftest import ROOT
from .pages import WINDOW, Page

Write = Callable[[str], Page]

#: nobody's, for ever (RFC 2606)
AWAY = "http://example.invalid"

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>'
GOOD = "data:image/svg+xml;base64," + base64.b64encode(SVG.encode()).decode()
GOOD_WITHOUT_SIZE = GOOD.replace(
    base64.b64encode(SVG.encode()).decode(),
    base64.b64encode(SVG.replace('width="9" height="9"', 'viewBox="0 0 9 9"').encode()).decode(),
)
BAD = "data:image/png;base64,AAAA"


@pytest.fixture
def write(open_page: Callable[[Path], Page], tmp_path: Path) -> Write:
    """Write a page with this body and open it."""

    def write(body: str) -> Page:
        path = tmp_path / "page, mine (50 %) #1.html"  # a name that a URL cannot hold as it is
        path.write_text(f'<!doctype html><meta charset="utf-8"><title>A page</title>{body}')
        return open_page(path)

    return write


def test_a_page_without_fault_has_no_problems(write: Write) -> None:
    page = write(
        f"""
        <style>body {{ background: url("{GOOD}"); }} p {{ fill: url("#there"); }}</style>
        <style>@font-face {{ font-family: unused; src: url("data:font/woff2;base64,AAAA"); }}</style>
        <p>Text, <a href="#there">a link within</a>, <a href="{AWAY}">a link away</a></p><p id="there"></p>
        <img src="{GOOD}"><img src="{GOOD_WITHOUT_SIZE}"><img src="{GOOD}" hidden>
        <div style="height: 30000px"></div><img src="{GOOD}" loading="lazy">
        <object type="image/svg+xml" data="{GOOD}"></object><embed src="{GOOD}">
        <svg><image href="{GOOD}"/></svg>
        <iframe srcdoc="<img src='{GOOD}'>"></iframe>
        <script>console.log("well"); new Image().src = URL.createObjectURL(new Blob(["x"]))</script>
        """
    )
    page.click("a", "a link within")
    assert page.problems() == []
    assert page.title == "A page"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<script>throw new Error('boom')</script>", "SEVERE"),
        ("<script>Promise.reject(new Error('boom'))</script>", "SEVERE"),
        ("<script>console.error('boom')</script>", "SEVERE"),
        ("<script>console.warn('boom')</script>", "WARNING"),
        ("<script>let boom boom</script>", "SEVERE"),
        ('<iframe srcdoc="<script>boom()</script>"></iframe>', "SEVERE"),
        ("<iframe src='data:text/html,<script>boom()</script>'></iframe>", "SEVERE"),
    ],
    ids=["error", "promise", "logged", "warning", "syntax", "frame", "frame of data"],
)
def test_errors_and_warnings_of_a_page_are_seen(write: Write, body: str, expected: str) -> None:
    page = write(body)
    (problem,) = page.problems()
    assert problem.startswith(f"message: {expected}: ")
    assert "boom" in problem
    assert page.problems() == [problem]  # not forgotten once told


def test_an_error_of_a_click_is_seen(write: Write) -> None:
    page = write("<button onclick='boom()'>Sort</button>")
    assert page.problems() == []
    page.click("button", "Sort")
    assert "boom is not defined" in page.problems()[0]


def test_an_error_of_a_moment_later_is_seen(write: Write) -> None:
    page = write("")
    page.script("setTimeout(() => boom(), 40)")
    assert "boom is not defined" in page.problems()[0]


def test_problems_are_those_of_the_page_alone_not_of_the_page_before(write: Write) -> None:
    write(f"<img src='{AWAY}/a.png'><script>setTimeout(() => boom(), 50)</script>")
    assert write("").problems() == []


@pytest.mark.parametrize(
    "body",
    [
        f"<img src='{AWAY}'>",
        f"<script src='{AWAY}'></script>",
        f"<link rel='stylesheet' href='{AWAY}'>",
        f"<link rel='icon' href='{AWAY}'>",
        f"<style>@import url('{AWAY}')</style>",
        f"<style>body {{ background: url('{AWAY}') }}</style>",
        f"<style>@font-face {{ font-family: F; src: url('{AWAY}') }} p {{ font-family: F }}</style><p>Text",
        f"<iframe src='{AWAY}'></iframe>",
        f"<iframe srcdoc='<img src={AWAY}>'></iframe>",
        f"<iframe src='data:text/html,<img src={AWAY}>'></iframe>",
        f"<object data='{AWAY}'></object>",
        f"<svg><image href='{AWAY}'/></svg>",
        f"<video src='{AWAY}'></video>",
        f"<script>fetch('{AWAY}').catch(() => 0)</script>",
        f"<script>navigator.sendBeacon('{AWAY}')</script>",
        f"<script>new WebSocket('{AWAY}')</script>",
        f"<link rel='preconnect' href='{AWAY}'>",
        f"<link rel='DNS-prefetch' href='{AWAY}'>",
        f"<link rel='prefetch' href='{AWAY}'>",
    ],
)
def test_whatever_a_page_asks_for_is_seen(write: Write, body: str) -> None:
    page = write(body)
    assert {url.rstrip("/").replace("ws:", "http:") for url in page.requests()} == {AWAY}
    assert [f"request: {url}" for url in page.requests()] == [
        problem for problem in page.problems() if problem.startswith("request: ")
    ]


def test_another_file_is_a_request(write: Write) -> None:
    page = write("<img src='figure.png'>")
    assert page.requests() == [(page.path.parent / "figure.png").as_uri()]


def test_no_request_leaves_the_browser(write: Write) -> None:
    with create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert write(f"<img src='{address}'>").requests() == [address]
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "body",
    [
        f"<img src='{BAD}'>",
        f"<img src='{BAD}' hidden>",
        f"<div style='height: 30000px'></div><img src='{BAD}' loading='lazy'>",
        f"<details><img src='{BAD}' loading='lazy'></details>",
        f"<object type='image/png' data='{BAD}'></object>",
        f"<embed src='{BAD}'>",
        f"<svg><image href='{BAD}'/></svg>",
        f"<input type='image' src='{BAD}'>",
        f"<style>p::before {{ content: url('{BAD}') }}</style><p>Text",
        f"<p style='background: url({BAD})'>Text",
        f"<iframe srcdoc='<img src={BAD}>'></iframe>",
        f"<iframe srcdoc=\"<iframe></iframe><iframe srcdoc='<img src={BAD}>'></iframe>\"></iframe>",
    ],
)
def test_a_broken_image_is_seen(write: Write, body: str) -> None:
    page = write(f"<img src='{GOOD}'>{body}")
    assert page.broken_images() == [BAD]
    assert f"broken image: {BAD}" in page.problems()


def test_an_image_without_a_source_is_broken(write: Write) -> None:
    assert write("<img>").broken_images() == [""]


def test_an_image_without_a_size_is_broken(write: Write) -> None:
    nothing = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='0' height='0'/>"
    assert len(write(f'<img src="{nothing}">').broken_images()) == 1


def test_rows_are_those_that_a_reader_sees_in_their_order(write: Write) -> None:
    page = write(
        """
        <input id="filter" value="old">
        <button onclick="tbody.prepend(tbody.rows[1])">Sort</button>
        <table><tr><td>another</td></tr></table>
        <table id="t"><thead><tr><th>Name</th><th>n</th></tr></thead>
        <tbody><tr><td>tanh</td><td> 1 </td></tr><tr><td>cos</td><td>2</td></tr></tbody></table>
        <script>
        const tbody = document.querySelector("#t").tBodies[0];
        document.querySelector("#filter").oninput = (event) => {
          for (const row of tbody.rows) row.hidden = !row.textContent.includes(event.target.value);
        };
        </script>
        """
    )
    assert page.rows("#t") == [["tanh", "1"], ["cos", "2"]]
    page.click("button", "Sort")
    assert page.rows("#t") == [["cos", "2"], ["tanh", "1"]]
    page.type("#filter", "tan")
    assert page.rows("#t") == [["tanh", "1"]]
    page.press("#filter", Keys.BACKSPACE + Keys.BACKSPACE + Keys.BACKSPACE + "c")
    assert page.rows("#t") == [["cos", "2"]]
    page.type("#filter", "")
    assert len(page.rows("#t")) == 2
    assert page.texts("th") == ["Name", "n"]


def test_a_page_can_be_narrow_or_printed_and_the_next_is_not(write: Write, tmp_path: Path) -> None:
    page = write("<style>@media print { p { display: none } }</style><p>Text<div style='height: 3000px'>")
    assert page.texts("p") == ["Text"]
    page.emulate("print")
    assert page.texts("p") == []
    page.resize(400, 700)
    assert page.script("return [innerWidth, innerHeight]") == [400, 700]
    page.screenshot(tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as image:
        assert image.width == 400
        assert image.height > 3000
    page = write("")
    assert page.script("return [innerWidth, innerHeight, matchMedia('screen').matches]") == [*WINDOW, True]


@pytest.mark.parametrize(
    ("required", "status", "outcome"), [("", 0, "1 skipped"), ("1", 1, "1 error")], ids=["here", "in CI"]
)
def test_without_chromium_tests_are_skipped_but_fail_where_it_is_required(
    tmp_path: Path, required: str, status: int, outcome: str
) -> None:
    test = f"{__file__}::{test_a_page_without_fault_has_no_problems.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n0", test],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path), "HANDGRAD_REQUIRE_CHROMIUM": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert outcome in done.stdout
    assert "no Chromium: chromium is not on the PATH (on Debian: apt install chromium)" in done.stdout
