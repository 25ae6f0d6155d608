"""Downloads over HTTP from good and bad servers on this machine."""

import errno
import fcntl
import gzip
import hashlib
import os
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from handgrad.common.atomic import partial_file
from handgrad.common.errors import HandgradError
from handgrad.datasets.download import Patience, fetch

CONTENT = gzip.compress(bytes(range(256)) * 1000, mtime=0) + bytes(200_000)  # several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = CONTENT[:-1] + b"\1"
SIZE = len(CONTENT)
CUT = SIZE * 9 // 10


class Server(ThreadingHTTPServer):
    """A server with a mirror for each path in ``answers``. It counts requests and stores requested ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.requests: Counter[str] = Counter()
        self.sent: list[tuple[int, int]] = []  # the first byte and the end of each answer of ``resuming``
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def mirror(self, name: str, answer: "Callable[[Handler], None]") -> str:
        """Return the address of a new mirror that gives this answer."""
        self.answers[f"/{name}"] = answer
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        assert self.headers["Accept-Encoding"] == "identity"
        self.server.requests[self.path[1:]] += 1
        self.server.answers[self.path](self)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def sending(
    body: bytes, slow: bytes = b"", *, step: int = 1, stall: bool = False, status: int = 200, **headers: object
) -> Callable[[Handler], None]:
    """Return an answer: ``body`` at once, then ``slow`` in pieces of ``step`` bytes. stall: the answer then hangs."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for key, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                handler.send_header(key.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)
        for start in range(
            0, min(len(slow), 500 * step), step
        ):  # limited, so that a test without a minimum rate ends too
            if not handler.server.over.wait(0.01):
                handler.wfile.write(slow[start : start + step])
        handler.wfile.flush()
        handler.server.over.wait(stall * 100)

    return answer


def resuming(*stops: int, body: bytes = CONTENT) -> Callable[[Handler], None]:
    """Return an answer that sends the requested range; the n-th answer ends early, at the n-th stop."""
    turns = iter(stops)

    def answer(handler: Handler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start, stop = int(asked[1]) if asked else 0, next(turns, len(body))
        handler.server.sent.append((start, stop))
        sending(body[start:stop], status=206 if start else 200, Content_Length=len(body) - start)(handler)

    return answer


def with_range(body: bytes, status: int) -> Callable[[Handler], None]:
    """Return an answer with this body and status for requests with a range; others get the whole file."""
    return lambda handler: (sending(body, status=status) if "Range" in handler.headers else GOOD)(handler)


GOOD = sending(CONTENT)
DOWN = sending(b"", status=503)
MISSING = sending(b"<html>no such file</html>", status=404)
LOGIN = sending(b"<html>log in</html>")
BROKEN_OFF = sending(CONTENT[:9], Content_Length=SIZE)
STALLING = sending(CONTENT[:100], stall=True, Content_Length=SIZE)
LABELLED = sending(CONTENT, Content_Encoding="gzip")  # must be stored without decompression
MOVED = sending(b"see there", status=302, Location="/good")
STEADY = sending(b"", CONTENT, step=SIZE // 9, Content_Length=SIZE)
TRICKLING = sending(b"", CONTENT, Content_Length=SIZE, Content_Encoding="gzip")
#: the first chunk never becomes complete
IN_CHUNKS = sending(f"{SIZE:x}\r\n".encode(), CONTENT, Content_Length=None, Transfer_Encoding="chunked")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def get(path: Path, *mirrors: str, **patience: Any) -> None:
    how = Patience(**{"connect": 10, "silence": 10, "attempts": 1, "pause": 0, **patience})
    fetch(path, size=SIZE, sha256=SHA256, mirrors=mirrors, dataset="mnist", patience=how)


def partial(path: Path) -> Path:
    """Return the path of the partial file."""
    return path.with_name(f".{path.name}.partial")


def failure(path: Path, *mirrors: str, **how: Any) -> str:
    """Return the message of a download that must fail. Only the partial file of ``path`` may change."""
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(HandgradError) as caught:
        get(path, *mirrors, **how)
    after = {file: file.read_bytes() for file in path.parent.iterdir()}
    assert 0 < len(after.pop(partial(path), b"1")) < SIZE
    assert after == before
    return str(caught.value)


@pytest.mark.parametrize("there", [None, CONTENT[:-1], WRONG, CONTENT], ids=["absent", "short", "changed", "good"])
def test_a_good_mirror_delivers_the_file_unless_it_is_there(
    server: Server, tmp_path: Path, there: bytes | None
) -> None:
    path = tmp_path / "mnist" / "file.gz"
    if there is not None:
        path.parent.mkdir()
        path.write_bytes(there)
        if there != CONTENT:
            message = failure(path, server.mirror("missing", MISSING))
            assert message.startswith(f"{path}: ")
            assert ("sha256 is" in message) == (there == WRONG)
    get(path, server.mirror("good", GOOD))
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert server.requests["good"] == (there != CONTENT)


QUICK = {"window": 0.1, "floor": 1000}  # a slow mirror has sent about ten bytes by then
OTHER_FILE = f"sent a file with sha256 {hashlib.sha256(WRONG).hexdigest()}"
#: an answer, the reason in the message, and the number of requests in three attempts
BAD: dict[str, tuple[Callable[[Handler], None], str, int]] = {
    "missing": (MISSING, "HTTP 404", 1),
    "down": (DOWN, "HTTP 503", 3),
    "wrong": (sending(WRONG), OTHER_FILE, 1),
    "truncated": (sending(CONTENT[:150_000], Content_Length=SIZE), f"sent 150000 of {SIZE} bytes", 3),
    "short": (LOGIN, f"sent 19 of {SIZE} bytes", 3),
    "hung up": (sending(CONTENT[:100], Content_Length=None), f"sent 100 of {SIZE} bytes", 3),
    "too long": (sending(CONTENT + b"\0"), f"sent more than {SIZE} bytes", 1),
    "without end": (sending(CONTENT * 3, Content_Length=None), f"sent more than {SIZE} bytes", 1),
    "stalling": (
        sending(CONTENT[:100], stall=True, Content_Length=SIZE),
        f"sent 100 of {SIZE} bytes (ReadTimeoutError)",
        3,
    ),
    "silent": (lambda handler: handler.server.over.wait() and None, "ReadTimeout (Read timed out", 3),
    "trickling": (TRICKLING, "too slow: ", 1),
    "trickling in chunks": (IN_CHUNKS, "too slow: ", 1),
    "odd length": (sending(CONTENT, Content_Length="many"), "ValueError (", 1),
    "leads nowhere": (sending(b"", status=302, Location="file:///etc/passwd"), "InvalidSchema (", 1),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mirror_that_fails_is_named_and_the_next_is_asked(server: Server, tmp_path: Path, case: str) -> None:
    (answer, reason, times), path = BAD[case], tmp_path / "file.gz"
    mirror, how = server.mirror("bad", answer), {**QUICK, "silence": 0.2 if "ReadTimeout" in reason else 10}
    assert f"\n  {mirror}: {reason}" in failure(path, mirror, attempts=3, **how)
    assert server.requests == {"bad": times}
    get(path, mirror, server.mirror("good", GOOD), **how)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("answers", [[STEADY], [LABELLED], [MOVED], [DOWN, BROKEN_OFF, GOOD]])
def test_a_mirror_that_is_slow_elsewhere_or_busy_for_a_while_delivers(
    server: Server, tmp_path: Path, answers: list[Callable[[Handler], None]]
) -> None:
    server.mirror("good", GOOD)
    turns, path = iter(answers), tmp_path / "file.gz"
    get(path, server.mirror("first", lambda handler: next(turns)(handler)), attempts=3, window=0.05, floor=1000)
    assert path.read_bytes() == CONTENT


def test_mirrors_that_drop_packets_cost_less_than_45_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def unanswered(*_: Any, timeout: tuple[float, float], **__: Any) -> None:
        waited.append(timeout[0])  # instead of waiting
        raise requests.ConnectTimeout

    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr(requests, "get", unanswered)
    mirrors = ["https://one.example/file.gz", "https://two.example/file.gz"]
    with pytest.raises(HandgradError, match=r"two.example/file.gz: cannot connect"):
        fetch(tmp_path / "file.gz", size=1, sha256=SHA256, mirrors=mirrors, dataset="mnist")
    assert len(waited) == 3 * len(mirrors) + 2
    assert sum(waited) < 45


def test_the_message_has_a_line_for_each_mirror_and_two_of_advice(server: Server, tmp_path: Path) -> None:
    path, missing = tmp_path / "file.gz", server.mirror("missing", MISSING)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # no server listens
        refusing = f"http://127.0.0.1:{held.getsockname()[1]}/file"
        lines = failure(path, missing, refusing, "file.gz", attempts=3).splitlines()
    assert re.fullmatch(rf"{path}: .*, and no mirror delivered the file:", lines[0])
    assert lines[1] == f"  {missing}: HTTP 404"
    assert re.fullmatch(rf"  {refusing}: cannot connect \(.*Connection refused\)", lines[2])
    assert lines[3].startswith("  file.gz: MissingSchema")
    assert all(part in lines[4] for part in (str(SIZE), SHA256, str(path), "datasets.mnist.local_dir"))
    assert "config/quick.yaml" in lines[5]
    assert len(lines) == 6
    assert "no mirror is listed" in failure(path)


# --- received bytes are not downloaded again ---


@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.parametrize("calls", [1, 2])
def test_a_file_that_broke_off_fetches_the_rest_alone(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int, locks: bool
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if not locks:
        monkeypatch.setattr(fcntl, "flock", refuse)
    path, mirror = tmp_path / "file.gz", server.mirror("breaks", resuming(CUT))
    if calls == 2:
        assert f"sent {CUT} of {SIZE} bytes" in failure(path, mirror)
        assert partial(path).stat().st_size == CUT
        mirror = server.mirror("another", resuming())
    # a web page instead of the file does not damage the received bytes
    get(path, mirror, server.mirror("login", LOGIN), attempts=3 - calls)
    assert server.sent == [(0, CUT), (CUT, SIZE)]
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


#: the answer of a mirror, the content of the partial file, and the number of requests
CONTINUED: dict[str, tuple[Callable[[Handler], None], bytes, int]] = {
    "ignores ranges": (GOOD, CONTENT[:CUT], 1),
    "another range": (with_range(CONTENT[7:], 206), CONTENT[:CUT], 2),
    "not satisfiable": (with_range(b"", 416), CONTENT[:CUT], 2),
    "of another file": (resuming(), bytes(CUT), 2),
    "too long": (resuming(), CONTENT + b"1", 1),
    "all, but wrong": (resuming(), WRONG, 1),
    "all": (resuming(), CONTENT, 0),
}


@pytest.mark.parametrize("case", CONTINUED)
def test_what_cannot_be_continued_is_fetched_whole(server: Server, tmp_path: Path, case: str) -> None:
    (answer, there, asked), path = CONTINUED[case], tmp_path / "file.gz"
    partial(path).write_bytes(there)
    get(path, server.mirror("mirror", answer), attempts=2)
    assert path.read_bytes() == CONTENT
    assert server.requests["mirror"] == asked
    assert list(tmp_path.iterdir()) == [path]


def test_two_downloads_of_one_file_at_once_do_not_mix(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    with partial_file(path) as (_, first):
        first.write(CONTENT[:CUT])
        first.flush()
        get(path, server.mirror("good", resuming()))
    assert server.sent == [(0, SIZE)]
    assert path.read_bytes() == CONTENT
    assert partial(path).read_bytes() == CONTENT[:CUT]


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_a_download_that_cannot_be_stored_is_one_line_with_the_reason(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(HandgradError) as caught:
        get(tmp_path / "file.gz", server.mirror("good", GOOD))
    assert str(caught.value).startswith(f"{tmp_path / 'file.gz'}: {os.strerror(number)}; ")
    assert not re.search("delete|\n", str(caught.value))
