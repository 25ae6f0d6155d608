"""What a download promises, over real HTTP from servers on this machine, good and bad."""

import errno
import fcntl
import gzip
import hashlib
import os
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from handgrad.common.atomic import partial_file
from handgrad.common.errors import HandgradError
from handgrad.datasets.download import fetch
from handgrad.datasets.received import Patience

CONTENT = gzip.compress(bytes(range(256)) * 1000, mtime=0) + bytes(200_000)  # several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """A mirror for each path in ``answers``; counts requests and keeps their headers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.requests: Counter[str] = Counter()
        self.headers: list[Any] = []
        self.sent: list[tuple[int, int]] = []  # from and up to which byte, by ``resuming``
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def mirror(self, name: str, answer: "Callable[[Handler], None]") -> str:
        """The address at which this answer is given."""
        self.answers[f"/{name}"] = answer
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests[self.path[1:]] += 1
        self.server.headers.append(self.headers)
        self.server.answers[self.path](self)

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""

    def send(self, body: bytes, *, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for key, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def trickle(self, content: bytes) -> None:
        """Send a byte each hundredth of a second."""
        for byte in content[:500]:  # no more: a test of code that has no floor ends too
            if self.server.over.wait(0.01):
                return
            self.wfile.write(bytes([byte]))


def sending(body: bytes, **how: Any) -> Callable[[Handler], None]:
    return lambda handler: handler.send(body, **how)


def stalling(handler: Handler) -> None:
    handler.send(CONTENT[:100], Content_Length=len(CONTENT))
    handler.wfile.flush()
    handler.server.over.wait()


def trickling(first: int, **headers: object) -> Callable[[Handler], None]:
    """Sends this much at once, and then trickles."""

    def answer(handler: Handler) -> None:
        handler.send(CONTENT[:first], **{"Content_Length": len(CONTENT), **headers})
        handler.trickle(CONTENT[first:])

    return answer


def trickling_in_chunks(handler: Handler) -> None:
    """The same for a body in HTTP chunks, of which the first is never whole."""
    handler.send(f"{len(CONTENT):x}\r\n".encode(), Content_Length=None, Transfer_Encoding="chunked")
    handler.trickle(CONTENT)


def in_ten_parts(handler: Handler) -> None:
    """Sends the whole file, slowly and steadily."""
    handler.send(b"", Content_Length=len(CONTENT))
    step = len(CONTENT) // 9
    for start in range(0, len(CONTENT), step):
        handler.server.over.wait(0.02)
        handler.wfile.write(CONTENT[start : start + step])


GOOD = sending(CONTENT)
WRONG = CONTENT[:-1] + b"\1"
MISSING = sending(b"<html>no such file</html>", status=404)


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


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a port that this test holds, and at which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/file"


def get(path: Path, *mirrors: str, **patience: Any) -> None:
    how = Patience(**{"connect": 10, "silence": 10, "attempts": 1, "pause": 0, **patience})
    fetch(path, size=len(CONTENT), sha256=SHA256, mirrors=mirrors, dataset="mnist", patience=how)


def failure(path: Path, *mirrors: str, **how: Any) -> str:
    """What a download that must fail says. It leaves the folder of ``path`` as it was, and what arrived."""
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(HandgradError) as caught:
        get(path, *mirrors, **how)
    after = {file: file.read_bytes() for file in path.parent.iterdir()}
    arrived = after.pop(partial(path), b"1")
    assert arrived
    assert len(arrived) < len(CONTENT)
    assert after == before
    return str(caught.value)


def partial(path: Path) -> Path:
    """Where what has arrived is kept."""
    return path.with_name(f".{path.name}.partial")


@pytest.mark.parametrize("there", [None, CONTENT[:-1], WRONG, CONTENT], ids=["absent", "short", "changed", "good"])
def test_a_good_mirror_delivers_the_file_unless_it_is_there(
    server: Server, tmp_path: Path, there: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mnist" / "file.gz"
    if there is not None:
        path.parent.mkdir()
        path.write_bytes(there)
    get(path, server.mirror("good", GOOD))
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert server.requests["good"] == (there != CONTENT)
    assert capsys.readouterr() == ("", "")  # the main process shows how far it is


@pytest.mark.parametrize(
    ("there", "fault"),
    [(None, "is not there"), (b"mine", f"has 4 bytes, not {len(CONTENT)}"), (WRONG, "has another sha256")],
)
def test_a_failed_download_says_what_is_there_now_and_leaves_it(
    server: Server, tmp_path: Path, there: bytes | None, fault: str
) -> None:
    path = tmp_path / "file.gz"
    if there is not None:
        path.write_bytes(there)
    message = failure(path, server.mirror("missing", MISSING), server.mirror("wrong", sending(WRONG)))
    assert message.startswith(f"{path}: {fault}, and no mirror had it:\n")


REASONS: dict[str, tuple[Callable[[Handler], None], str]] = {
    "missing": (MISSING, "HTTP 404"),
    "down": (sending(b"", status=503), "HTTP 503"),
    "wrong": (sending(WRONG), f"sent a file with sha256 {hashlib.sha256(WRONG).hexdigest()}"),
    "truncated": (
        sending(CONTENT[:150_000], Content_Length=len(CONTENT)),
        f"sent 150000 of {len(CONTENT)} bytes",
    ),
    "short": (sending(b"<html>log in</html>"), f"sent 19 of {len(CONTENT)} bytes"),
    "hung up": (sending(CONTENT[:100], Content_Length=None), f"sent 100 of {len(CONTENT)} bytes"),
    "too long": (sending(CONTENT + b"\0"), f"sent more than {len(CONTENT)} bytes"),
    "without end": (sending(CONTENT * 3, Content_Length=None), f"sent more than {len(CONTENT)} bytes"),
    "trickling": (trickling(0), "too slow: "),
    "odd length": (sending(CONTENT, Content_Length="many"), "ValueError: "),
    "leads nowhere": (sending(b"", status=302, Location="file:///etc/passwd"), "InvalidSchema: "),
}


QUICK = {"window": 0.1, "floor": 1000}  # what trickles has sent some ten bytes when it is judged


@pytest.mark.parametrize("case", REASONS)
def test_a_mirror_that_fails_is_named_and_the_next_is_asked(server: Server, tmp_path: Path, case: str) -> None:
    (answer, reason), path = REASONS[case], tmp_path / "file.gz"
    mirror = server.mirror("bad", answer)
    assert f"\n  {mirror}: {reason}" in failure(path, mirror, **QUICK)
    get(path, mirror, server.mirror("good", GOOD), **QUICK)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def silent(handler: Handler) -> None:
    handler.server.over.wait()


@pytest.mark.parametrize("answer", [stalling, silent])
def test_a_mirror_that_stalls_or_never_answers_is_given_up(
    server: Server, tmp_path: Path, answer: Callable[[Handler], None]
) -> None:
    mirror, began = server.mirror("stalled", answer), time.monotonic()
    assert f"{mirror}: stalled for 0.2 s\n" in failure(tmp_path / "file.gz", mirror, silence=0.2)
    get(tmp_path / "file.gz", mirror, server.mirror("good", GOOD), silence=0.2)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "answer",
    [
        trickling(0),
        trickling(200_000),
        trickling(0, Content_Encoding="gzip"),
        trickling_in_chunks,
    ],
    ids=["from the start", "after a good start", "labelled", "in chunks"],
)
def test_a_mirror_that_trickles_is_given_up_and_asked_once(
    server: Server, tmp_path: Path, answer: Callable[[Handler], None]
) -> None:
    slow = server.mirror("slow", answer)
    message = failure(tmp_path / "file.gz", slow, attempts=3, **QUICK)
    assert re.search(rf"\n  {slow}: too slow: \d\d? bytes in 0\.\d s\n", message)
    assert server.requests["slow"] == 1


def test_a_mirror_that_is_slow_but_above_the_floor_delivers(server: Server, tmp_path: Path) -> None:
    get(tmp_path / "file.gz", server.mirror("steady", in_ten_parts), window=0.05, floor=1000)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_an_address_elsewhere_counts_at_once_whatever_is_sent_with_it(server: Server, tmp_path: Path) -> None:
    def moved(handler: Handler) -> None:
        handler.send(b"see there", status=302, Location=server.mirror("good", GOOD), Content_Length=len(CONTENT))
        handler.server.over.wait()

    get(tmp_path / "file.gz", server.mirror("moved", moved))
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_mirrors_that_drop_packets_cost_less_than_45_seconds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def unanswered(*_: Any, timeout: tuple[float, float], **__: Any) -> None:
        waited.append(timeout[0])  # instead of waiting for so long
        raise requests.ConnectTimeout

    monkeypatch.setattr("time.sleep", waited.append)
    failure(tmp_path / "file.gz", server.mirror("down", REASONS["down"][0]), attempts=3, pause=2)
    assert waited == [2, 4]
    waited.clear()
    monkeypatch.setattr(requests, "get", unanswered)
    mirrors = ["https://one.example/file.gz", "https://two.example/file.gz"]
    with pytest.raises(HandgradError, match=r"two.example/file.gz: cannot connect \(no answer\) \(asked 2 times\)\n"):
        fetch(tmp_path / "file.gz", size=1, sha256=SHA256, mirrors=mirrors, dataset="mnist")
    assert len(waited) == 5
    assert sum(waited) < 45


@pytest.mark.parametrize(("mirrors", "line"), [(["file.gz"], "file.gz: MissingSchema"), ([], "no mirror is listed")])
def test_without_an_address_nothing_is_fetched(tmp_path: Path, mirrors: list[str], line: str) -> None:
    assert f"no mirror had it:\n  {line}" in failure(tmp_path / "file.gz", *mirrors)


def test_the_message_has_a_line_for_each_mirror_and_two_of_advice(
    server: Server, refusing: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.gz"
    missing, down = server.mirror("missing", MISSING), server.mirror("down", sending(b"", status=503))
    lines = failure(path, missing, refusing, down, attempts=3).splitlines()
    assert lines[:2] == [f"{path}: is not there, and no mirror had it:", f"  {missing}: HTTP 404"]
    assert re.fullmatch(rf"  {refusing}: cannot connect \(.*Connection refused\) \(asked 2 times\)", lines[2])
    assert lines[3] == f"  {down}: HTTP 503 (asked 3 times)"
    assert all(part in lines[4] for part in (str(len(CONTENT)), SHA256, str(path), "datasets.mnist.local_dir"))
    assert "config/quick.yaml" in lines[5]
    assert len(lines) == 6


def test_a_mirror_that_was_busy_or_broke_off_is_asked_again(server: Server, tmp_path: Path) -> None:
    down, short = sending(b"", status=503), sending(CONTENT[:9], Content_Length=len(CONTENT))
    turns = iter([down, short, down, down, short, GOOD])
    mirror = server.mirror("busy", lambda handler: next(turns)(handler))
    message = failure(tmp_path / "file.gz", mirror, attempts=3)
    assert f"\n  {mirror}: HTTP 503; sent 9 of {len(CONTENT)} bytes (asked 3 times)\n" in message
    get(tmp_path / "file.gz", mirror, attempts=3)
    assert server.requests["busy"] == 6


@pytest.mark.parametrize("case", ["missing", "wrong", "too long"])
def test_a_mirror_that_has_another_file_or_none_is_asked_once(server: Server, tmp_path: Path, case: str) -> None:
    mirrors = [server.mirror("bad", REASONS[case][0]), server.mirror("down", REASONS["down"][0])]
    failure(tmp_path / "file.gz", *mirrors, attempts=3)
    assert server.requests == {"bad": 1, "down": 3}


def test_a_gz_file_that_is_labelled_as_encoded_arrives_as_it_is_stored(server: Server, tmp_path: Path) -> None:
    get(tmp_path / "file.gz", server.mirror("labelled", sending(CONTENT, Content_Encoding="gzip")))
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert server.headers[0]["Accept-Encoding"] == "identity"


# --- what has arrived is not fetched again ---

CUT = len(CONTENT) * 9 // 10


def resuming(*stops: int, body: bytes = CONTENT) -> Callable[[Handler], None]:
    """Sends what it is asked for, in the n-th answer up to the n-th stop, then up to the end."""
    turns = iter(stops)

    def answer(handler: Handler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start, stop = int(asked[1]) if asked else 0, next(turns, len(body))
        part = f"bytes {start}-{len(body) - 1}/{len(body)}" if start else None
        handler.server.sent.append((start, stop))
        status = 206 if start else 200
        handler.send(body[start:stop], status=status, Content_Length=len(body) - start, Content_Range=part)

    return answer


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
        assert f"sent {CUT} of {len(CONTENT)} bytes" in failure(path, mirror)
        assert partial(path).stat().st_size == CUT
    get(path, mirror, attempts=3 - calls)
    assert server.sent == [(0, CUT), (CUT, len(CONTENT))]
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fits", [True, False])
def test_another_mirror_sends_the_rest_or_all_if_that_does_not_fit(server: Server, tmp_path: Path, fits: bool) -> None:
    first = server.mirror("first", resuming(CUT, body=CONTENT if fits else bytes(len(CONTENT))))
    get(tmp_path / "file.gz", first, server.mirror("second", resuming()))
    assert server.sent == [(0, CUT), (CUT, len(CONTENT)), (0, len(CONTENT))][: 2 if fits else 3]
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def with_range(value: str) -> Callable[[Handler], None]:
    """Answers a request for a range with another one; sends the whole file to others."""

    def answer(handler: Handler) -> None:
        if "Range" in handler.headers:
            handler.send(CONTENT[7:], status=206, Content_Range=value)
        else:
            handler.send(CONTENT)

    return answer


def without_satisfying(handler: Handler) -> None:
    handler.send(b"", status=416) if "Range" in handler.headers else handler.send(CONTENT)


STARTS_OVER: dict[str, tuple[Callable[[Handler], None], int]] = {
    "ignores ranges": (GOOD, 1),
    "another range": (with_range(f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}"), 2),
    "no range": (with_range(""), 2),
    "not satisfiable": (without_satisfying, 2),
    "what was there is of another file": (resuming(), 2),
}


@pytest.mark.parametrize("case", STARTS_OVER)
def test_what_cannot_be_continued_is_fetched_whole(server: Server, tmp_path: Path, case: str) -> None:
    answer, requests_made = STARTS_OVER[case]
    path = tmp_path / "file.gz"
    other = case == "what was there is of another file"
    partial(path).write_bytes(bytes(CUT) if other else CONTENT[:CUT])
    get(path, server.mirror("mirror", answer))
    assert path.read_bytes() == CONTENT
    assert server.requests == {"mirror": requests_made}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [CONTENT, WRONG, CONTENT + b"1"], ids=["whole", "wrong", "too long"])
def test_a_partial_file_with_all_bytes_is_used_if_its_checksum_is_right(
    server: Server, tmp_path: Path, there: bytes
) -> None:
    path = tmp_path / "file.gz"
    partial(path).write_bytes(there)
    get(path, server.mirror("good", resuming()))
    assert path.read_bytes() == CONTENT
    assert server.requests == ({} if there == CONTENT else {"good": 1})


def test_a_page_in_place_of_the_file_spoils_nothing_that_has_arrived(server: Server, tmp_path: Path) -> None:
    partial(tmp_path / "file.gz").write_bytes(CONTENT[:CUT])
    get(tmp_path / "file.gz", server.mirror("login", REASONS["short"][0]), server.mirror("good", resuming()))
    assert server.sent == [(CUT, len(CONTENT))]


def test_the_checksum_decides_not_the_length_that_is_announced(server: Server, tmp_path: Path) -> None:
    more = len(CONTENT) + 1000
    short = server.mirror("short", sending(CONTENT[:CUT], Content_Length=more))
    assert f"sent {CUT} of {len(CONTENT)} bytes" in failure(tmp_path / "a", short)
    get(tmp_path / "b", server.mirror("whole", sending(CONTENT, Content_Length=more)))
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_two_downloads_of_one_file_at_once_do_not_mix(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    with partial_file(path) as (_, first):
        first.write(CONTENT[:CUT])
        first.flush()
        get(path, server.mirror("good", resuming()))
    assert server.sent == [(0, len(CONTENT))]
    assert path.read_bytes() == CONTENT
    assert partial(path).read_bytes() == CONTENT[:CUT]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_download_that_cannot_be_stored_is_one_line_with_the_reason(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(HandgradError) as caught:
        get(tmp_path / "file.gz", server.mirror("good", GOOD))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'file.gz'}: ")
    assert os.strerror(number) in message
    assert "delete" not in message
    assert "\n" not in message
