"""Download a file from the first mirror that delivers it. Size and sha256 are verified; no mirror is trusted."""

import hashlib
import logging
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path

import requests
import urllib3.exceptions

from handgrad.common.atomic import partial_file, put_in_place
from handgrad.common.errors import HandgradError
from handgrad.common.system_errors import unreadable
from handgrad.datasets.source_files import file_fault

logger = logging.getLogger("handgrad")

CHUNK = 1 << 16  # bytes
#: HTTP status codes, in addition to 5xx, after which a mirror is retried
LATER = (408, 416, 425, 429)


@dataclass(frozen=True)
class Patience:
    """Timeouts of a mirror in seconds, and the number of attempts."""

    connect: float = 6.0  # timeout of a connection to one address of the mirror
    silence: float = 30.0  # timeout between two pieces of the file
    window: float = 60.0  # after this time, the mean rate must be at least floor
    floor: float = 5000.0  # bytes a second; the original server of CIFAR-10 sends 50,000
    attempts: int = 3  # if the connection fails, the mirror is busy, or the transfer stalls or breaks off
    pause: float = 2.0  # before the second attempt; doubled before the third


PATIENCE = Patience()


class Failed(Exception):
    """A mirror did not deliver the file. The message gives the reason. again: whether a retry can succeed."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


def fetch(
    path: str | Path,
    *,
    size: int,
    sha256: str,
    mirrors: Sequence[str],
    dataset: str,
    patience: Patience = PATIENCE,
) -> None:
    """Download a file of this size and sha256 to ``path``, unless it already exists.

    Mirrors are tried in order. A mirror that failed temporarily is retried after the other mirrors. Received bytes are
    stored in ``.<name>.partial`` in the same folder. Later requests, also those of the next call, ask only for the
    missing bytes, by HTTP Range.

    Only a verified file is moved to ``path``. Raises HandgradError if no mirror delivers the file. The message has one
    line with the file, one line with the reason of each mirror, and two lines with remedies. Raises HandgradError, one
    line, if the file cannot be written.
    """
    path, began = Path(path), time.perf_counter()
    try:
        fault = file_fault(path, size, sha256)
        if fault is None:
            logger.info("%s: already exists with the right size and sha256", path)
            return
        with partial_file(path) as (part, file):
            failures = _ask_all(mirrors, file, size, sha256, patience)
            if failures is None:
                file.flush()
                put_in_place(part, path)
    except OSError as error:
        raise unreadable(error, path) from error
    if failures is not None:
        raise HandgradError(
            f"{path}: {fault}, and no mirror delivered the file:\n{failures or '  no mirror is listed'}\n"
            f"  Copy the file ({size} bytes, sha256 {sha256}) to {path}, or set datasets.{dataset}.local_dir "
            "to a folder that holds the files.\n"
            "  To try the workflow without a network: make quick, or snakemake --cores 1 --configfile config/quick.yaml"
        )
    logger.info("%s: %d bytes in %.1f s", path, size, time.perf_counter() - began)


def _ask_all(mirrors: Sequence[str], file: BufferedRandom, size: int, sha256: str, patience: Patience) -> str | None:
    """Download to ``file``. Return None on success, otherwise one line for each mirror with the reasons."""
    reasons: dict[str, list[str]] = {mirror: [] for mirror in mirrors}
    remaining = list(reasons)
    file.seek(0, os.SEEK_END)  # after the bytes of earlier attempts
    for attempt in range(patience.attempts):
        if attempt and remaining:
            time.sleep(patience.pause * attempt)
        for mirror in list(remaining):
            try:
                logger.info("requesting %s from byte %d", mirror, file.tell())
                _ask(mirror, file, size, sha256, patience)
                return None
            except Failed as failure:
                logger.info("%s: %s", mirror, failure)
                reasons[mirror].append(" ".join(str(failure).split()))
                if not failure.again:
                    remaining.remove(mirror)
    return "\n".join(f"  {mirror}: {'; '.join(dict.fromkeys(said))}" for mirror, said in reasons.items())


def _ask(mirror: str, file: BufferedRandom, size: int, sha256: str, patience: Patience) -> None:
    """Download the missing bytes from a mirror to ``file``, and verify the file. Raises Failed."""
    if file.tell() > size:
        _clear(file)
    start = file.tell()
    if start < size:
        _transfer(mirror, file, size, patience)
    if file.tell() < size:
        raise Failed(f"sent {file.tell()} of {size} bytes", again=True)
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        _clear(file)
        raise Failed(f"sent a file with sha256 {found}", again=start > 0)  # earlier bytes may be of another file


def _transfer(mirror: str, file: BufferedRandom, size: int, patience: Patience) -> None:
    """Write the response of a mirror to ``file``. Raises Failed.

    A server without support for HTTP Range sends the whole file, which then overwrites the earlier bytes. If a server
    sends a wrong range, the checksum detects it.
    """
    start = file.tell()
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with requests.get(mirror, headers=headers, stream=True, timeout=(patience.connect, patience.silence)) as answer:
            status = answer.status_code
            if status == requests.codes.requested_range_not_satisfiable:
                _clear(file)
            if not answer.ok:
                raise Failed(f"HTTP {status}", again=status >= 500 or status in LATER)
            start = start if status == requests.codes.partial_content else 0
            announced = start + int(answer.headers.get("Content-Length", size))
            if announced < size:  # a web page instead of the file; the earlier bytes are kept
                raise Failed(f"sent {announced} of {size} bytes", again=True)
            if not start:
                _clear(file)
            _store(answer.raw, file, size, patience)
    except urllib3.exceptions.HTTPError as error:
        raise Failed(f"sent {file.tell()} of {size} bytes ({type(error).__name__})", again=True) from error
    except (requests.RequestException, ValueError) as error:  # ValueError: an invalid address or header
        what = "cannot connect" if isinstance(error, requests.ConnectionError) else type(error).__name__
        reason = re.sub(r"[\"')]{2,}$", "", str(error).rpartition(": ")[2])
        raise Failed(f"{what} ({reason})", again=not isinstance(error, ValueError)) from error


def _store(body: urllib3.BaseHTTPResponse, file: BufferedRandom, size: int, patience: Patience) -> None:
    """Write the body of a response to ``file``.

    The body is not decompressed, because a server may label a .gz file as ``Content-Encoding: gzip``. Each piece is
    written when it arrives, because a whole chunk could take hours from a slow mirror.
    """
    began, before = time.monotonic(), file.tell()
    while piece := body.read1(CHUNK, decode_content=False):
        file.write(piece)
        seconds, new = time.monotonic() - began, file.tell() - before
        if file.tell() > size:
            _clear(file)
            raise Failed(f"sent more than {size} bytes", again=before > 0)
        if seconds > patience.window and new < patience.floor * seconds and file.tell() < size:
            raise Failed(f"too slow: {new} bytes in {seconds:.1f} s")


def _clear(file: BufferedRandom) -> None:
    file.seek(0)
    file.truncate()
