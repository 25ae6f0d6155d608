"""Fetch one file from the first mirror that has it. Size and sha256 decide; no mirror is trusted."""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pooch
import requests
import urllib3.exceptions

from handgrad.atomic import whole_file
from handgrad.digests import file_sha256
from handgrad.errors import HandgradError

logger = logging.getLogger("handgrad")

CHUNK = 1 << 16  # bytes
NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, ValueError)  # pooch lets all pass
BUSY = (408, 425, 429)  # the 4xx that say "later"


@dataclass(frozen=True)
class Patience:
    """How long a mirror is waited for, in seconds, and how often it is asked in all."""

    connect: float = 10.0  # for a connection to one address of the mirror
    connect_attempts: int = 2  # if there is no connection: it is the network, and seldom passes
    silence: float = 30.0  # between two pieces of the file
    window: float = 60.0  # in which the mean rate must reach the floor
    floor: float = 5000.0  # bytes a second; the origin of CIFAR-10 gives 50,000
    attempts: int = 3  # if the mirror is busy, falls silent or breaks off
    pause: float = 2.0  # before the second attempt, twice that before the third


PATIENCE = Patience()


@dataclass(frozen=True)
class _Wanted:
    """The file to have: where, its size in bytes, its sha256."""

    path: Path
    size: int
    sha256: str

    def fault(self) -> str | None:
        """What is wrong with the file that is there now; None if nothing is."""
        if not self.path.is_file():
            return "is not there"
        found = self.path.stat().st_size
        if found != self.size:
            return f"has {found} bytes, not {self.size}"
        return None if file_sha256(self.path) == self.sha256 else "has another sha256"


class _Failed(Exception):
    """Why a mirror did not deliver the file; ``attempts``: how often to ask it in all, if this is why."""

    def __init__(self, reason: str, *, attempts: int = 1) -> None:
        super().__init__(reason)
        self.attempts = attempts


class _Received:
    """A file that counts, times and hashes what arrives; it stops a mirror that sends too much or is slow."""

    def __init__(self, file: IO[bytes], size: int, patience: Patience) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._patience = patience
        self._since = time.monotonic()  # the window over which the rate is taken: when it began,
        self._before = 0  # and the bytes that were here then
        self.size = size
        self.count = 0

    def pieces(self, body: Any) -> Iterator[bytes]:
        """The body of an answer (a urllib3 response), in chunks, as it is stored on the server.

        Each piece is looked at when it arrives: waiting for a whole chunk could take a slow mirror hours.
        A server that labels a .gz file as ``Content-Encoding: gzip`` does not get it decompressed.
        """
        self._since = time.monotonic()
        chunk = bytearray()
        while piece := body.read1(CHUNK - len(chunk), decode_content=False):
            self._arrived(len(piece))
            chunk += piece
            if len(chunk) == CHUNK:
                yield bytes(chunk)
                chunk.clear()
        yield bytes(chunk)

    def _arrived(self, count: int) -> None:
        """Raises _Failed if this was a piece too many, or if the last window was too slow."""
        self.count += count
        if self.count > self.size:
            raise _Failed(f"sent more than {self.size} bytes")
        seconds = time.monotonic() - self._since
        if seconds < self._patience.window or self.count == self.size:
            return
        new = self.count - self._before
        if new < self._patience.floor * seconds:
            raise _Failed(f"too slow: {new} bytes in {seconds:.1f} s")
        self._since, self._before = time.monotonic(), self.count

    def write(self, chunk: bytes) -> int:
        self._digest.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        """Pooch asks for it after every chunk; closing the file does it once."""

    def sent(self) -> str:
        return f"sent {self.count} of {self.size} bytes"

    def check(self, sha256: str) -> None:
        """Raises _Failed if the file that has arrived is not the one to have."""
        if self.count < self.size:
            raise _Failed(self.sent(), attempts=self._patience.attempts)
        found = self._digest.hexdigest()
        if found != sha256:
            raise _Failed(f"sent a file with sha256 {found}")


def fetch(
    path: str | Path,
    *,
    size: int,
    sha256: str,
    mirrors: Sequence[str],
    dataset: str,
    patience: Patience = PATIENCE,
) -> None:
    """Have a file of this size and sha256 at ``path``; does nothing if it is there already.

    Mirrors are tried in order. One that was busy, fell silent, broke off or could not be connected to is
    asked again after the others, as ``patience`` has it; one that answered with another file, that it has
    none, or too slowly, is asked once. How far it is shows in the size of ``.<name>.*.part`` beside the path.

    Only a verified file is ever put at ``path``. Raises HandgradError: a line that names the file, one for
    each mirror with the reason why it failed, and two that say what to do; or one line, if the file cannot
    be written.
    """
    wanted = _Wanted(Path(path), size, sha256)
    fault = wanted.fault()
    if fault is None:
        logger.info("%s: here already, size and sha256 are right", path)
        return
    failures = _ask_all(mirrors, wanted, patience)
    if failures is not None:
        raise HandgradError(_no_mirror_left(wanted, dataset, fault, failures))


def _ask_all(mirrors: Sequence[str], wanted: _Wanted, patience: Patience) -> dict[str, list[str]] | None:
    """Put the file in place: None; or, by mirror, why each attempt failed."""
    failures: dict[str, list[str]] = {mirror: [] for mirror in mirrors}
    hopeful = list(failures)
    for attempt in range(patience.attempts):
        if attempt and hopeful:
            time.sleep(patience.pause * attempt)
        for mirror in list(hopeful):
            try:
                _fetch_from(mirror, wanted, patience)
                return None
            except _Failed as failure:
                logger.info("%s: %s", mirror, failure)
                failures[mirror].append(str(failure))
                if len(failures[mirror]) >= failure.attempts:
                    hopeful.remove(mirror)
    return failures


def _fetch_from(mirror: str, wanted: _Wanted, patience: Patience) -> None:
    """Put the file in place if this mirror delivers it.

    Raises _Failed if it does not, HandgradError if the file cannot be written.
    """
    logger.info("%s: asking %s", wanted.path, mirror)
    began = time.perf_counter()
    try:
        with whole_file(wanted.path) as part, part.open("wb") as file:
            received = _Received(file, wanted.size, patience)
            _transfer(mirror, received, patience)
            received.check(wanted.sha256)
    except OSError as error:
        raise HandgradError(
            f"{wanted.path}: cannot be written ({error.strerror}); see to {wanted.path.parent}, and run "
            "snakemake again"
        ) from error
    logger.info("%s: %d bytes in %.1f s", wanted.path, wanted.size, time.perf_counter() - began)


def _transfer(mirror: str, received: _Received, patience: Patience) -> None:
    """Hand what this mirror sends to ``received``. Raises _Failed."""

    def watch(response: requests.Response, **_: Any) -> None:
        answers.callback(response.raw.close)
        if response.is_redirect:
            response.raw.close()  # nobody reads what it says besides the address
        else:
            response.raw.stream = lambda *_, **__: received.pieces(response.raw)  # what requests reads from

    download = pooch.HTTPDownloader(
        chunk_size=CHUNK,
        timeout=(patience.connect, patience.silence),
        headers={"Accept-Encoding": "identity"},
        hooks={"response": watch},
    )
    with ExitStack() as answers:
        try:
            download(mirror, received, None)
        except NETWORK_ERRORS as error:
            raise _failure(error, received, patience) from error


def _failure(error: Exception, received: _Received, patience: Patience) -> _Failed:
    """The reason, in few words, that stands in the list of mirrors."""
    cause = error.args[0] if error.args else error
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return _Failed(f"HTTP {status}", attempts=patience.attempts if status >= 500 or status in BUSY else 1)
    if isinstance(error, requests.ConnectTimeout):
        return _Failed("cannot connect (no answer)", attempts=patience.connect_attempts)
    if isinstance(error, requests.Timeout) or isinstance(cause, urllib3.exceptions.ReadTimeoutError):
        return _Failed(f"stalled for {patience.silence:g} s", attempts=patience.attempts)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return _Failed(received.sent(), attempts=patience.attempts)
    if isinstance(error, requests.ConnectionError):
        reason = str(getattr(cause, "reason", cause)).rpartition("): ")[2]
        return _Failed(f"cannot connect ({reason})", attempts=patience.connect_attempts)
    return _Failed(f"{type(error).__name__}: {error}")


def _no_mirror_left(wanted: _Wanted, dataset: str, fault: str, failures: dict[str, list[str]]) -> str:
    tried = [f"  {mirror}: {_folded(reasons)}" for mirror, reasons in failures.items()]
    return "\n".join(
        [
            f"{wanted.path}: {fault}, and no mirror had it:",
            *(tried or ["  no mirror is listed"]),
            f"  Put {wanted.size} bytes with sha256 {wanted.sha256} at {wanted.path} by hand, or name a "
            f"folder that holds the files: datasets.{dataset}.local_dir.",
            "  Without a network: make quick, or snakemake --cores 1 --configfile config/quick.yaml",
        ]
    )


def _folded(reasons: list[str]) -> str:
    """Why a mirror failed, on one line: each reason once, with the number of attempts if there were more."""
    line = " ".join("; ".join(dict.fromkeys(reasons)).split())
    return line if len(reasons) == 1 else f"{line} (asked {len(reasons)} times)"
