"""Fetch one file from the first mirror that has it. Size and sha256 decide; no mirror is trusted."""

import hashlib
import logging
import sys
import time
from collections.abc import Sequence
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
    """Why a mirror did not deliver the file; ``again``: whether asking it again could help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


class _Received:
    """A file that counts and hashes what is written to it, and stops a mirror that sends too much."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = size
        self.count = 0

    def write(self, chunk: bytes) -> int:
        self.count += len(chunk)
        if self.count > self.size:
            raise _Failed(f"sent more than {self.size} bytes", again=False)
        self._digest.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        """Pooch asks for it after every chunk; closing the file does it once."""

    def sent(self) -> str:
        return f"sent {self.count} of {self.size} bytes"

    def check(self, sha256: str) -> None:
        if self.count < self.size:
            raise _Failed(self.sent(), again=True)
        found = self._digest.hexdigest()
        if found != sha256:
            raise _Failed(f"sent a file with sha256 {found}", again=False)


def fetch(
    path: str | Path,
    *,
    size: int,
    sha256: str,
    mirrors: Sequence[str],
    dataset: str,
    timeout: float = 30.0,
    attempts: int = 3,
    pause: float = 2.0,
    progress: bool | None = None,
) -> None:
    """Have a file of this size and sha256 at ``path``; does nothing if it is there already.

    Mirrors are tried in order, all of them up to ``attempts`` times, with ``pause`` seconds more before
    each further time; one that answered with another file, or that it has none, is asked once. A mirror
    that is silent for ``timeout`` seconds is given up. progress: show a bar; None: if stderr is a terminal.

    Only a verified file is ever put at ``path``. Raises HandgradError, several lines, that says why each
    mirror failed and what else can be done.
    """
    wanted = _Wanted(Path(path), size, sha256)
    fault = wanted.fault()
    if fault is None:
        logger.info("%s: here already, size and sha256 are right", path)
        return
    show = sys.stderr.isatty() if progress is None else progress
    reasons: dict[str, str] = {}
    hopeful = list(mirrors)
    for attempt in range(attempts):
        if attempt and hopeful:
            time.sleep(pause * attempt)
        for mirror in list(hopeful):
            try:
                _fetch_from(mirror, wanted, timeout, show)
                return
            except _Failed as failure:
                logger.info("%s: %s", mirror, failure)
                reasons[mirror] = str(failure)
                if not failure.again:
                    hopeful.remove(mirror)
    raise HandgradError(_no_mirror_left(wanted, dataset, fault, reasons))


def _fetch_from(mirror: str, wanted: _Wanted, timeout: float, progress: bool) -> None:
    """Put the file in place if this mirror delivers it; raises _Failed."""
    logger.info("%s: asking %s", wanted.path, mirror)
    began = time.perf_counter()
    try:
        with whole_file(wanted.path) as part, part.open("wb") as file:
            received = _Received(file, wanted.size)
            _transfer(mirror, received, timeout, progress)
            received.check(wanted.sha256)
    except OSError as error:
        raise HandgradError(
            f"{wanted.path}: cannot be written ({error.strerror}); see to {wanted.path.parent}, and run "
            "snakemake again"
        ) from error
    logger.info("%s: %d bytes in %.1f s", wanted.path, wanted.size, time.perf_counter() - began)


def _transfer(mirror: str, received: _Received, timeout: float, progress: bool) -> None:
    download = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=CHUNK,
        timeout=timeout,
        headers={"Accept-Encoding": "identity"},
        hooks={"response": _as_stored},
    )
    try:
        download(mirror, received, None)
    except NETWORK_ERRORS as error:
        raise _failure(error, received, timeout) from error


def _as_stored(response: requests.Response, **_: Any) -> None:
    """Keep requests from decompressing a .gz file that a server labels as ``Content-Encoding: gzip``."""
    response.raw.headers.discard("Content-Encoding")


def _failure(error: Exception, received: _Received, timeout: float) -> _Failed:
    """The reason, in few words, that stands in the list of mirrors."""
    cause = error.args[0] if error.args else error
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code
        return _Failed(f"HTTP {status}", again=status >= 500 or status in BUSY)
    if isinstance(error, requests.ConnectTimeout):
        return _Failed(f"cannot connect (no answer in {timeout:g} s)", again=True)
    if isinstance(error, requests.Timeout) or isinstance(cause, urllib3.exceptions.ReadTimeoutError):
        return _Failed(f"stalled for {timeout:g} s", again=True)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        broken = cause.args[-1]
        if isinstance(broken, urllib3.exceptions.IncompleteRead):
            received.count = broken.partial  # with the part of a chunk that was never written
        return _Failed(received.sent(), again=True)
    if isinstance(error, requests.ConnectionError):
        reason = str(getattr(cause, "reason", cause)).rpartition("): ")[2]
        return _Failed(f"cannot connect ({reason})", again=True)
    return _Failed(f"{type(error).__name__}: {error}", again=False)


def _no_mirror_left(wanted: _Wanted, dataset: str, fault: str, reasons: dict[str, str]) -> str:
    tried = [f"  {mirror}\n    {reason}" for mirror, reason in reasons.items()] or ["  none is listed"]
    return "\n".join(
        [
            f"{wanted.path}: {fault}, and no mirror delivered it:",
            *tried,
            "Any of these helps:",
            f"  put the file there yourself: {wanted.size} bytes, sha256 {wanted.sha256}",
            "  use a folder that holds the files of this dataset; in your config:",
            f"    datasets: {{{dataset}: {{local_dir: /your/folder}}}}",
            "  train on the digits that come with scikit-learn, without a network: make quick",
            "    (or snakemake --cores 1 --configfile config/quick.yaml)",
        ]
    )
