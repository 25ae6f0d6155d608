"""Fetch one file from the first mirror that has it. Size and sha256 decide; no mirror is trusted."""

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
#: answers to ask again after, apart from 5xx: "later", and that what is here is longer than the file there
LATER = (408, 416, 425, 429)


@dataclass(frozen=True)
class Patience:
    """How long a mirror is waited for, in seconds, and how often it is asked."""

    connect: float = 6.0  # for a connection to one address of the mirror
    silence: float = 30.0  # between two pieces of the file
    window: float = 60.0  # after which the mean rate must have reached the floor
    floor: float = 5000.0  # bytes a second; the origin of CIFAR-10 gives 50,000
    attempts: int = 3  # if there is no connection, or the mirror is busy, falls silent or breaks off
    pause: float = 2.0  # before the second attempt, twice that before the third


PATIENCE = Patience()


class Failed(Exception):
    """Why a mirror did not deliver the file. again: it may, if it is asked again."""

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
    """Have a file of this size and sha256 at ``path``; does nothing if it is there already.

    Mirrors are tried in order; one that failed in a way that may pass is asked again after the others. What has
    arrived is kept in ``.<name>.partial`` beside the path, and a mirror is asked for the rest alone, by HTTP Range,
    also by the next call.

    Only a verified file is ever put at ``path``. Raises HandgradError: a line that names the file, one for
    each mirror with the reason why it failed, and two that say what to do; or one line, if the file cannot
    be written.
    """
    path, began = Path(path), time.perf_counter()
    try:
        fault = file_fault(path, size, sha256)
        if fault is None:
            logger.info("%s: here already, size and sha256 are right", path)
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
            f"{path}: {fault}, and no mirror had it:\n{failures or '  no mirror is listed'}\n"
            f"  Put {size} bytes with sha256 {sha256} at {path} by hand, or name a folder that holds the files: "
            f"datasets.{dataset}.local_dir.\n"
            "  Without a network: make quick, or snakemake --cores 1 --configfile config/quick.yaml"
        )
    logger.info("%s: %d bytes in %.1f s", path, size, time.perf_counter() - began)


def _ask_all(mirrors: Sequence[str], file: BufferedRandom, size: int, sha256: str, patience: Patience) -> str | None:
    """Have the file in ``file``: None; or a line for each mirror with the reasons why it failed."""
    reasons: dict[str, list[str]] = {mirror: [] for mirror in mirrors}
    hopeful = list(reasons)
    file.seek(0, os.SEEK_END)  # after what arrived before
    for attempt in range(patience.attempts):
        if attempt and hopeful:
            time.sleep(patience.pause * attempt)
        for mirror in list(hopeful):
            try:
                logger.info("asking %s for all but %d bytes", mirror, file.tell())
                _ask(mirror, file, size, sha256, patience)
                return None
            except Failed as failure:
                logger.info("%s: %s", mirror, failure)
                reasons[mirror].append(" ".join(str(failure).split()))
                if not failure.again:
                    hopeful.remove(mirror)
    return "\n".join(f"  {mirror}: {'; '.join(dict.fromkeys(said))}" for mirror, said in reasons.items())


def _ask(mirror: str, file: BufferedRandom, size: int, sha256: str, patience: Patience) -> None:
    """Have the file in ``file`` if this mirror delivers what is missing of it. Raises Failed."""
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
        raise Failed(f"sent a file with sha256 {found}", again=start > 0)  # what was here may be of another file


def _transfer(mirror: str, file: BufferedRandom, size: int, patience: Patience) -> None:
    """Add what this mirror sends to ``file``. Raises Failed.

    A server that does not resume sends the file from its beginning. One that sends another part than it was
    asked for is found by the checksum.
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
            if announced < size:  # a page in place of the file, which what is here outlives
                raise Failed(f"sent {announced} of {size} bytes", again=True)
            if not start:
                _clear(file)
            _store(answer.raw, file, size, patience)
    except urllib3.exceptions.HTTPError as error:
        raise Failed(f"sent {file.tell()} of {size} bytes ({type(error).__name__})", again=True) from error
    except (requests.RequestException, ValueError) as error:  # ValueError: of the address or of a header
        what = "cannot connect" if isinstance(error, requests.ConnectionError) else type(error).__name__
        reason = re.sub(r"[\"')]{2,}$", "", str(error).rpartition(": ")[2])
        raise Failed(f"{what} ({reason})", again=not isinstance(error, ValueError)) from error


def _store(body: urllib3.BaseHTTPResponse, file: BufferedRandom, size: int, patience: Patience) -> None:
    """Store a body, which is not decompressed: a server may label a .gz file as ``Content-Encoding: gzip``.

    Each piece is looked at when it arrives: waiting for a whole chunk could take a slow mirror hours.
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
