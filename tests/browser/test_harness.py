"""What the other tests rely on: a fault of a page is seen, and a page without one has none."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from socket import create_server

import pytest

from ..workflow.conftest import ROOT
from .pages import Page

Write = Callable[[str], Page]

#: nobody's, for ever (RFC 2606)
AWAY = "http://example.invalid/"
GOOD = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
EMPTY = GOOD.replace("9", "0")
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
    write(f"<img src='{AWAY}'><script>setTimeout(() => boom(), 50)</script>")  # of a page before, which do not count
    page = write(
        f"""<a href="#there">within</a> <a href="{AWAY}">away</a><p id="there"><img src="{GOOD}" hidden>
        <iframe srcdoc='<img src="{GOOD}">'></iframe>
        <script>console.log("well"); new Image().src = URL.createObjectURL(new Blob(["x"]))</script>"""
    )
    page.click("a", "within")
    assert page.problems() == []


@pytest.mark.parametrize(
    "body",
    [
        "<script>throw new Error('boom')</script>",
        "<script>Promise.reject(new Error('boom'))</script>",
        "<script>console.warn('boom')</script>",
        "<script>setTimeout(() => boom(), 40)</script>",
        '<iframe srcdoc="<script>boom()</script>"></iframe>',
    ],
    ids=["error", "promise", "warning", "later", "frame"],
)
def test_errors_and_warnings_of_a_page_are_seen(write: Write, body: str) -> None:
    page = write(body)
    (problem,) = page.problems()
    assert problem.startswith("message: ")
    assert "boom" in problem
    assert page.problems() == [problem]  # not forgotten once reported


@pytest.mark.parametrize(
    "body",
    [
        f"<img src='{AWAY}'>",
        f"<script src='{AWAY}'></script>",
        f"<style>@import url('{AWAY}')</style>",
        f"<style>@font-face {{ font-family: F; src: url('{AWAY}') }} p {{ font-family: F }}</style><p>Text",
        f"<iframe srcdoc='<img src={AWAY}>'></iframe>",
        f"<script>fetch('{AWAY}').catch(() => 0)</script>",
        f"<script>new WebSocket('{AWAY.replace('http', 'ws')}')</script>",
        f"<link rel='preconnect' href='{AWAY}'>",
    ],
)
def test_whatever_a_page_asks_for_is_seen(write: Write, body: str) -> None:
    requests = {problem for problem in write(body).problems() if problem.startswith("request: ")}
    assert {request.replace("ws:", "http:") for request in requests} == {f"request: {AWAY}"}


def test_another_file_is_a_request_and_no_request_leaves_the_browser(write: Write) -> None:
    page = write("<img src='figure.png'>")
    assert f"request: {(page.path.parent / 'figure.png').as_uri()}" in page.problems()
    with create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert f"request: {address}" in write(f"<img src='{address}'>").problems()
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "body",
    [
        f"<img src='{BAD}'>",
        f"<img src='{BAD}' hidden>",
        f"<div style='height: 30000px'></div><img src='{BAD}' loading='lazy'>",
        f"<iframe srcdoc=\"<iframe></iframe><iframe srcdoc='<img src={BAD}>'></iframe>\"></iframe>",
        f'<img src="{EMPTY}">',
        "<img>",
    ],
    ids=["shown", "hidden", "lazy", "frames", "without size", "without source"],
)
def test_a_broken_image_is_seen(write: Write, body: str) -> None:
    (problem,) = write(f'<img src="{GOOD}">{body}').problems()
    assert problem.startswith("broken image: ")


@pytest.mark.parametrize(("required", "status", "outcome"), [("", 0, "1 skipped"), ("1", 1, "1 error")])
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
