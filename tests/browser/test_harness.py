"""Tests of the browser fixtures: they find each problem of a page, and find none in a page without problems."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .pages import Page

Write = Callable[[str], Page]

#: a reserved domain that never exists (RFC 2606)
AWAY = "http://example.invalid/"
GOOD = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
EMPTY = GOOD.replace("9", "0")
BAD = "data:image/png;base64,AAAA"


@pytest.fixture
def write(open_page: Callable[[Path], Page], tmp_path: Path) -> Write:
    """Return a function that writes a page with this body and opens it."""

    def write(body: str) -> Page:
        path = tmp_path / "page, mine (50 %) #1.html"  # a name that must be escaped in a URL
        path.write_text(f'<!doctype html><meta charset="utf-8"><title>A page</title>{body}')
        return open_page(path)

    return write


def test_a_page_without_fault_has_no_problems(write: Write) -> None:
    write(f"<img src='{AWAY}'><script>setTimeout(() => boom(), 50)</script>")  # earlier pages do not count
    page = write(
        f"""<a href="#there">within</a> <a href="{AWAY}">away</a><p id="there"><img src="{GOOD}" hidden>
        <iframe srcdoc='<img src="{GOOD}">'></iframe>
        <script>console.log("well"); new Image().src = URL.createObjectURL(new Blob(["x"]))</script>"""
    )
    page.click("a", "within")
    assert page.problems() == []


FAULTS = {
    "message: ": [
        "<script>throw new Error('boom')</script>",
        "<script>Promise.reject(new Error('boom'))</script>",
        "<script>console.warn('boom')</script>",
        "<script>setTimeout(() => boom(), 40)</script>",
        '<iframe srcdoc="<script>boom()</script>"></iframe>',
    ],
    "request: ": [
        f"<img src='{AWAY}'>",
        f"<script src='{AWAY}'></script>",
        f"<style>@import url('{AWAY}')</style>",
        f"<style>@font-face {{ font-family: F; src: url('{AWAY}') }} p {{ font-family: F }}</style><p>Text",
        f"<iframe srcdoc='<img src={AWAY}>'></iframe>",
        f"<script>fetch('{AWAY}').catch(() => 0)</script>",
        f"<script>new WebSocket('{AWAY.replace('http', 'ws')}')</script>",
        f"<link rel='preconnect' href='{AWAY}'>",
        "<img src='another file.png'>",
    ],
    "broken image: ": [
        f"<img src='{BAD}'>",
        f"<img src='{BAD}' hidden>",
        f"<div style='height: 30000px'></div><img src='{BAD}' loading='lazy'>",
        f"<iframe srcdoc=\"<iframe></iframe><iframe srcdoc='<img src={BAD}>'></iframe>\"></iframe>",
        f'<img src="{EMPTY}">',
        "<img>",
    ],
}


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, bodies in FAULTS.items() for body in bodies])
def test_every_fault_of_a_page_is_seen_and_not_forgotten(write: Write, kind: str, body: str) -> None:
    page = write(f'<img src="{GOOD}">{body}')
    (problem,) = {problem for problem in page.problems() if problem.startswith(kind)}
    expected = {"message: ": "boom", "request: ": "example.invalid|another%20file", "broken image: ": "data:|$"}
    assert re.search(expected[kind], problem)
    assert problem in page.problems()
