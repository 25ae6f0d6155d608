"""Fetch one file from the first mirror that has it. Size and sha256 decide; no mirror is trusted."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
import urllib3.exceptions

from handgrad.common.atomic import partial_file, put_in_place
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.system_errors import unreadable
from handgrad.datasets.received import Failed, Patience, Received

logger = logging.getLogger("handgrad")

BUSY = (408, 425, 429)  # the 4xx that say "later"
PATIENCE = Patience()

Failures = dict[str, list[str]]


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
    path, began = Path(path), time.perf_counter()
    try:
        fault = _fault(path, size, sha256)
        if fault is None:
            logger.info("%s: here already, size and sha256 are right", path)
            return
        with partial_file(path) as (part, file):
            failures = _ask_all(mirrors, Received(file, size, patience), sha256, patience)
            if failures is None:
                file.flush()
                put_in_place(part, path)
    except OSError as error:
        raise unreadable(error, path) from error
    if failures is not None:
        remedy = f"  Put {size} bytes with sha256 {sha256} at {path} by hand, or name a folder that holds the files: "
        raise HandgradError(f"{path}: {fault}, and no mirror had it:\n{_tried(failures)}\n{remedy}{_advice(dataset)}")
    logger.info("%s: %d bytes in %.1f s", path, size, time.perf_counter() - began)


def _fault(path: Path, size: int, sha256: str) -> str | None:
    """What is wrong with the file that is there now; None if nothing is."""
    if not path.is_file():
        return "is not there"
    found = path.stat().st_size
    if found != size:
        return f"has {found} bytes, not {size}"
    return None if file_sha256(path) == sha256 else "has another sha256"


def _ask_all(mirrors: Sequence[str], received: Received, sha256: str, patience: Patience) -> Failures | None:
    """Have the file in ``received``: None; or, by mirror, why each attempt failed."""
    failures: Failures = {mirror: [] for mirror in mirrors}
    hopeful = list(failures)
    for attempt in range(patience.attempts):
        if attempt and hopeful:
            time.sleep(patience.pause * attempt)
        for mirror in list(hopeful):
            try:
                logger.info("asking %s for all but %d bytes", mirror, received.count)
                _ask(mirror, received, sha256, patience)
                return None
            except Failed as failure:
                logger.info("%s: %s", mirror, failure)
                failures[mirror].append(str(failure))
                if len(failures[mirror]) >= failure.attempts:
                    hopeful.remove(mirror)
    return failures


def _ask(mirror: str, received: Received, sha256: str, patience: Patience) -> None:
    """Have the file in ``received`` if this mirror delivers what is missing of it. Raises Failed.

    If what was here before does not fit what the mirror sends, the mirror is asked once more, for all of it.
    """
    try:
        _transfer(mirror, received, patience)
        received.check(sha256)
    except Failed as failure:
        if not received.resumed or received.count:
            raise
        logger.info("%s: %s; asking for the whole file", mirror, failure)
        _transfer(mirror, received, patience)
        received.check(sha256)


def _transfer(mirror: str, received: Received, patience: Patience) -> None:
    """Add what this mirror sends to ``received``, unless that is whole already. Raises Failed."""
    headers = received.headers()
    if received.count == received.size:
        return
    timeout, hooks = (patience.connect, patience.silence), {"response": _leave_redirect}
    try:
        with requests.get(mirror, headers=headers, stream=True, timeout=timeout, hooks=hooks) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                received.clear()
            response.raise_for_status()
            received.take(response)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        if received.count < received.size:
            raise _failure(error, received, patience) from error
        # all of it is here, whatever length was announced: the checksum decides


def _leave_redirect(response: requests.Response, **_: Any) -> None:
    if response.is_redirect:
        response.raw.close()  # nobody reads what it says besides the address


def _failure(error: Exception, received: Received, patience: Patience) -> Failed:
    """The reason, in few words, that stands in the list of mirrors."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return Failed(f"HTTP {status}", attempts=patience.attempts if status >= 500 or status in BUSY else 1)
    if isinstance(error, requests.ConnectTimeout):
        return Failed("cannot connect (no answer)", attempts=patience.connect_attempts)
    if isinstance(error, requests.Timeout | urllib3.exceptions.ReadTimeoutError):
        return Failed(f"stalled for {patience.silence:g} s", attempts=patience.attempts)
    if isinstance(error, urllib3.exceptions.HTTPError):
        return received.broken_off()
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else error
        reason = str(getattr(cause, "reason", cause)).rpartition("): ")[2]
        return Failed(f"cannot connect ({reason})", attempts=patience.connect_attempts)
    return Failed(f"{type(error).__name__}: {error}")


def _tried(failures: Failures) -> str:
    """A line for each mirror: why it failed, each reason once, and how often it was asked if more than once."""
    lines = []
    for mirror, reasons in failures.items():
        times = f" (asked {len(reasons)} times)" if len(reasons) > 1 else ""
        lines.append(f"  {mirror}: {' '.join('; '.join(dict.fromkeys(reasons)).split())}{times}")
    return "\n".join(lines or ["  no mirror is listed"])


def _advice(dataset: str) -> str:
    quick = "Without a network: make quick, or snakemake --cores 1 --configfile config/quick.yaml"
    return f"datasets.{dataset}.local_dir.\n  {quick}"
