"""Fetch one file from the first mirror that has it. Size and sha256 decide; no mirror is trusted."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
import requests
import urllib3.exceptions

from handgrad.common.atomic import partial_file, put_in_place
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.system_errors import refusal
from handgrad.datasets.received import CannotResume, Failed, Patience, Received

logger = logging.getLogger("handgrad")

CHUNK = 1 << 16  # bytes
NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, ValueError)  # pooch lets all pass
BUSY = (408, 425, 429)  # the 4xx that say "later"


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
    none, or too slowly, is asked once. What has arrived is kept in ``.<name>.partial`` beside the path, and a
    mirror is asked for the rest alone, by HTTP Range, also by the next call.

    Only a verified file is ever put at ``path``. Raises HandgradError: a line that names the file, one for
    each mirror with the reason why it failed, and two that say what to do; or one line, if the file cannot
    be written.
    """
    wanted = _Wanted(Path(path), size, sha256)
    try:
        fault = wanted.fault()
        if fault is None:
            logger.info("%s: here already, size and sha256 are right", path)
            return
        failures = _download(mirrors, wanted, patience)
    except OSError as error:
        error.filename = error.filename or str(wanted.path)
        raise HandgradError(str(refusal(error))) from error
    if failures is not None:
        raise HandgradError(_no_mirror_left(wanted, dataset, fault, failures))


def _download(mirrors: Sequence[str], wanted: _Wanted, patience: Patience) -> dict[str, list[str]] | None:
    """Put the file in place: None; or, by mirror, why each attempt failed. What has arrived is kept."""
    began = time.perf_counter()
    with partial_file(wanted.path) as (part, file):
        received = Received(file, wanted.size, patience)
        if received.count:
            logger.info("%s: %d bytes are here already", part, received.count)
        failures = _ask_all(mirrors, received, wanted, patience)
        if failures is None:
            file.flush()
            put_in_place(part, wanted.path)
            seconds = time.perf_counter() - began
            logger.info("%s: %d bytes in %.1f s", wanted.path, wanted.size, seconds)
    return failures


def _ask_all(
    mirrors: Sequence[str], received: Received, wanted: _Wanted, patience: Patience
) -> dict[str, list[str]] | None:
    """Have the file in ``received``: None; or, by mirror, why each attempt failed."""
    failures: dict[str, list[str]] = {mirror: [] for mirror in mirrors}
    hopeful = list(failures)
    for attempt in range(patience.attempts):
        if attempt and hopeful:
            time.sleep(patience.pause * attempt)
        for mirror in list(hopeful):
            try:
                logger.info("%s: asking %s", wanted.path, mirror)
                _ask(mirror, received, wanted, patience)
                return None
            except Failed as failure:
                logger.info("%s: %s", mirror, failure)
                failures[mirror].append(str(failure))
                if len(failures[mirror]) >= failure.attempts:
                    hopeful.remove(mirror)
    return failures


def _ask(mirror: str, received: Received, wanted: _Wanted, patience: Patience) -> None:
    """Have the file in ``received`` if this mirror delivers what is missing of it. Raises Failed.

    If what was here before does not fit what the mirror sends, the mirror is asked once more, for all of it.
    """
    try:
        _transfer(mirror, received, patience)
        received.check(wanted.sha256)
    except Failed as failure:
        unusable = isinstance(failure, CannotResume) or not received.count
        if not (received.resumed and unusable):
            raise
        logger.info("%s: %s; asking for the whole file", mirror, failure)
        received.clear()
        _transfer(mirror, received, patience)
        received.check(wanted.sha256)


def _transfer(mirror: str, received: Received, patience: Patience) -> None:
    """Hand what this mirror sends to ``received``, unless that is whole already. Raises Failed."""
    headers = received.request(mirror)
    if received.count == received.size:
        return

    def watch(response: requests.Response, **_: Any) -> None:
        answers.callback(response.raw.close)
        if response.is_redirect:
            response.raw.close()  # nobody reads what it says besides the address
        elif response.ok:
            received.accept(mirror, response)
            response.raw.stream = lambda *_, **__: received.pieces(response.raw)  # what requests reads from

    download = pooch.HTTPDownloader(
        chunk_size=CHUNK,
        timeout=(patience.connect, patience.silence),
        headers=headers,
        hooks={"response": watch},
    )
    with ExitStack() as answers:
        try:
            download(mirror, received, None)
        except NETWORK_ERRORS as error:
            if received.count < received.size:
                raise _failure(error, received, patience) from error
            logger.info("%s: %s", mirror, received.sent())  # the checksum decides


def _failure(error: Exception, received: Received, patience: Patience) -> Failed:
    """The reason, in few words, that stands in the list of mirrors."""
    cause = error.args[0] if error.args else error
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        if status == requests.codes.requested_range_not_satisfiable:
            return CannotResume(f"HTTP {status}")
        return Failed(f"HTTP {status}", attempts=patience.attempts if status >= 500 or status in BUSY else 1)
    if isinstance(error, requests.ConnectTimeout):
        return Failed("cannot connect (no answer)", attempts=patience.connect_attempts)
    if isinstance(error, requests.Timeout) or isinstance(cause, urllib3.exceptions.ReadTimeoutError):
        return Failed(f"stalled for {patience.silence:g} s", attempts=patience.attempts)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return Failed(received.sent(), attempts=patience.attempts)
    if isinstance(error, requests.ConnectionError):
        reason = str(getattr(cause, "reason", cause)).rpartition("): ")[2]
        return Failed(f"cannot connect ({reason})", attempts=patience.connect_attempts)
    return Failed(f"{type(error).__name__}: {error}")


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
