"""What a download promises, over real HTTP from servers on this machine, good and bad."""

import gzip
import hashlib
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

from handgrad.download import fetch
from handgrad.errors import HandgradError

CONTENT = gzip.compress(bytes(range(256)) * 1000, mtime=0) + bytes(200_000)  # several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """A mirror for each path in ``answers``; counts requests and keeps their headers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.requests: Counter[str] = Counter()
        self.headers: list[Any] = []
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
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)


def sending(body: bytes, **how: Any) -> Callable[[Handler], None]:
    return lambda handler: handler.send(body, **how)


def without_length(body: bytes) -> Callable[[Handler], None]:
    """Sends and hangs up, as a mirror does that does not know how much it has."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def stalling(handler: Handler) -> None:
    handler.send(CONTENT[:100], Content_Length=len(CONTENT))
    handler.wfile.flush()
    handler.server.over.wait()


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


def get(path: Path, *mirrors: str, **how: Any) -> None:
    how = {"timeout": 10, "attempts": 1, "pause": 0, "progress": False, **how}
    fetch(path, size=len(CONTENT), sha256=SHA256, mirrors=mirrors, dataset="mnist", **how)


def failure(path: Path, *mirrors: str, **how: Any) -> str:
    """What a download that must fail says. It leaves the folder of ``path`` as it was."""
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(HandgradError) as caught:
        get(path, *mirrors, **how)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    return str(caught.value)


def test_a_good_mirror_delivers_the_file_and_nothing_else_is_left(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "mnist" / "file.gz"
    get(path, server.mirror("good", GOOD))
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_good_file_that_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(CONTENT)
    get(path, server.mirror("good", GOOD))
    assert not server.requests


@pytest.mark.parametrize("there", [CONTENT[:-1], WRONG], ids=["short", "changed"])
def test_a_wrong_file_that_is_there_is_replaced_by_a_verified_one(
    server: Server, tmp_path: Path, there: bytes
) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(there)
    get(path, server.mirror("good", GOOD))
    assert path.read_bytes() == CONTENT


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
    assert message.startswith(f"{path}: {fault}, and no mirror delivered it:\n")


REASONS: dict[str, tuple[Callable[[Handler], None], str]] = {
    "missing": (MISSING, "HTTP 404"),
    "down": (sending(b"", status=503), "HTTP 503"),
    "wrong": (sending(WRONG), f"sent a file with sha256 {hashlib.sha256(WRONG).hexdigest()}"),
    "truncated": (
        sending(CONTENT[:150_000], Content_Length=len(CONTENT)),
        f"sent 150000 of {len(CONTENT)} bytes",
    ),
    "short": (sending(b"<html>log in</html>"), f"sent 19 of {len(CONTENT)} bytes"),
    "hung up": (without_length(CONTENT[:100]), f"sent 100 of {len(CONTENT)} bytes"),
    "too long": (sending(CONTENT + b"\0"), f"sent more than {len(CONTENT)} bytes"),
    "without end": (without_length(CONTENT * 3), f"sent more than {len(CONTENT)} bytes"),
    "odd length": (sending(CONTENT, Content_Length="many"), "ValueError: "),
    "leads nowhere": (sending(b"", status=302, Location="file:///etc/passwd"), "InvalidSchema: "),
}


@pytest.mark.parametrize("case", REASONS)
def test_a_mirror_that_fails_is_named_with_the_reason(server: Server, tmp_path: Path, case: str) -> None:
    answer, reason = REASONS[case]
    mirror = server.mirror("bad", answer)
    assert f"\n  {mirror}\n    {reason}" in failure(tmp_path / "file.gz", mirror)


@pytest.mark.parametrize("case", REASONS)
def test_the_next_mirror_is_asked_when_one_fails(server: Server, tmp_path: Path, case: str) -> None:
    path = tmp_path / "file.gz"
    get(path, server.mirror("bad", REASONS[case][0]), server.mirror("good", GOOD))
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_a_mirror_that_stalls_is_given_up_and_the_next_is_asked(server: Server, tmp_path: Path) -> None:
    stalled = server.mirror("stalled", stalling)
    assert f"{stalled}\n    stalled for 0.2 s" in failure(tmp_path / "file.gz", stalled, timeout=0.2)
    get(tmp_path / "file.gz", stalled, server.mirror("good", GOOD), timeout=0.2)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_a_mirror_that_never_answers_is_given_up(server: Server, tmp_path: Path) -> None:
    silent = server.mirror("silent", lambda handler: handler.server.over.wait() and None)
    began = time.monotonic()
    assert f"{silent}\n    stalled for 0.2 s" in failure(tmp_path / "file.gz", silent, timeout=0.2)
    assert time.monotonic() - began < 10  # pooch's own limit is 30 s


def test_a_mirror_at_which_nothing_listens_cannot_be_connected_to(refusing: str, tmp_path: Path) -> None:
    message = failure(tmp_path / "file.gz", refusing)
    assert re.search(rf"{refusing}\n    cannot connect \(.*Connection refused\)", message)


def test_a_connection_that_is_not_answered_is_told_from_a_stalled_transfer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unanswered(*_: Any, **__: Any) -> None:
        raise requests.ConnectTimeout  # no address of this machine can be made to behave so

    monkeypatch.setattr(requests, "get", unanswered)
    message = failure(tmp_path / "file.gz", "https://example.org/file.gz")
    assert "file.gz\n    cannot connect (no answer in 10 s)\n" in message


def test_a_mirror_that_is_no_address_is_a_failed_mirror(tmp_path: Path) -> None:
    assert "    MissingSchema: " in failure(tmp_path / "file.gz", "file.gz")


def test_the_message_names_every_mirror_and_every_way_on(
    server: Server, refusing: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.gz"
    missing, wrong = server.mirror("missing", MISSING), server.mirror("wrong", sending(WRONG))
    message = failure(path, missing, refusing, wrong)
    for part in (
        f"{missing}\n    HTTP 404",
        f"{refusing}\n    cannot connect",
        f"{wrong}\n    sent a file with sha256",
        f"{len(CONTENT)} bytes, sha256 {SHA256}",
        "datasets: {mnist: {local_dir: /your/folder}}",
        "make quick",
        "snakemake --cores 1 --configfile config/quick.yaml",
    ):
        assert part in message
    assert message.startswith(str(path))


def test_a_file_without_mirrors_says_so(tmp_path: Path) -> None:
    assert "no mirror delivered it:\n  none is listed\n" in failure(tmp_path / "file.gz")


def test_a_mirror_that_was_busy_or_broke_off_is_asked_again(server: Server, tmp_path: Path) -> None:
    answers = [sending(b"", status=503), sending(CONTENT[:9], Content_Length=len(CONTENT)), GOOD]
    turns = iter(answers)
    mirror = server.mirror("busy", lambda handler: next(turns)(handler))
    get(tmp_path / "file.gz", mirror, attempts=3)
    assert server.requests["busy"] == 3


@pytest.mark.parametrize("case", ["missing", "wrong", "too long"])
def test_a_mirror_that_has_another_file_or_none_is_asked_once(
    server: Server, tmp_path: Path, case: str
) -> None:
    mirrors = [server.mirror("bad", REASONS[case][0]), server.mirror("down", REASONS["down"][0])]
    failure(tmp_path / "file.gz", *mirrors, attempts=3)
    assert server.requests == {"bad": 1, "down": 3}


def test_the_pause_grows_from_one_attempt_to_the_next(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    failure(tmp_path / "file.gz", server.mirror("down", REASONS["down"][0]), attempts=3, pause=2)
    assert pauses == [2, 4]


def test_a_gz_file_that_is_labelled_as_encoded_arrives_as_it_is_stored(
    server: Server, tmp_path: Path
) -> None:
    get(tmp_path / "file.gz", server.mirror("labelled", sending(CONTENT, Content_Encoding="gzip")))
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert server.headers[0]["Accept-Encoding"] == "identity"


def test_a_mirror_may_lead_to_another_address(server: Server, tmp_path: Path) -> None:
    good = server.mirror("good", GOOD)
    get(tmp_path / "file.gz", server.mirror("moved", sending(b"", status=302, Location=good)))
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_not_blamed_on_the_mirror(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mnist").write_bytes(b"a file where the folder should be")
    with pytest.raises(HandgradError, match=r"cannot be written \(File exists\); see to .*/mnist, and run"):
        get(tmp_path / "mnist" / "file.gz", server.mirror("good", GOOD))


@pytest.mark.parametrize("progress", [True, False])
def test_the_bar_is_shown_when_asked_for(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], progress: bool
) -> None:
    get(tmp_path / "file.gz", server.mirror("good", GOOD), progress=progress)
    assert ("100%" in capsys.readouterr().err) is progress


def test_without_a_terminal_no_bar_is_shown(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    get(tmp_path / "file.gz", server.mirror("good", GOOD), progress=None)
    assert capsys.readouterr().err == ""
