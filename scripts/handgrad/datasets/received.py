"""What has arrived of a file that is downloaded: counted, timed, hashed, and continued where it broke off."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedRandom
from typing import Any

import requests

CHUNK = 1 << 16  # bytes


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


class Failed(Exception):
    """Why a mirror did not deliver the file; ``attempts``: how often to ask it in all, if this is why."""

    def __init__(self, reason: str, *, attempts: int = 1) -> None:
        super().__init__(reason)
        self.attempts = attempts


class CannotResume(Failed):
    """A mirror that does not send the rest of a file may still send the whole of it."""


class Received:
    """What has arrived of a file, counted, timed and hashed; stops a mirror that is slow or sends too much.

    It stays from one attempt to the next, and in its file from one call to the next.
    """

    def __init__(self, file: BufferedRandom, size: int, patience: Patience) -> None:
        self._file = file
        self._patience = patience
        self._since = time.monotonic()  # the window over which the rate is taken: when it began,
        self._before = 0  # and the bytes that were here then
        self._source: tuple[str, str] | None = None  # the mirror that sent all of it, and its mark of the version
        self.size = size
        self.announced: int | None = None  # bytes that there would be after the last answer
        self.resumed = False  # whether bytes from before are part of what is here
        self._digest = hashlib.file_digest(file, "sha256")
        self.count = file.tell()
        if self.count > size:
            self.clear()

    def clear(self) -> None:
        """Forget what has arrived."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.count = 0
        self._source = None

    def request(self, mirror: str) -> dict[str, str]:
        """The headers with which a mirror is asked for what is missing."""
        headers = {"Accept-Encoding": "identity"}
        self.announced = None
        self.resumed = self.count > 0
        if self.resumed:
            headers["Range"] = f"bytes={self.count}-"
            if self._source and self._source[0] == mirror:
                headers["If-Range"] = self._source[1]
        return headers

    def accept(self, mirror: str, response: requests.Response) -> None:
        """Prepare for the body of a good answer. Raises Failed if it is not the file or its missing part.

        A server that does not resume sends the file from its beginning.
        """
        headers = response.headers
        partial = response.status_code == requests.codes.partial_content
        length = headers.get("Content-Length")
        if length:
            self.announced = int(length) + (self.count if partial else 0)
            if self.announced < self.size:
                raise Failed(f"sent {self.announced} of {self.size} bytes", attempts=self._patience.attempts)
        if partial:
            found, expected = headers.get("Content-Range"), f"bytes {self.count}-{self.size - 1}/{self.size}"
            if found != expected:
                raise CannotResume(f"sent Content-Range {found!r} for {expected!r}")
            if self._source and self._source[0] != mirror:
                self._source = None
        else:
            self.clear()
            self.resumed = False
            mark = headers.get("ETag", "W/")
            mark = headers.get("Last-Modified", "") if mark.startswith("W/") else mark  # W/: a weak one
            self._source = (mirror, mark) if mark else None

    def pieces(self, body: Any) -> Iterator[bytes]:
        """The body of an answer (a urllib3 response), as it is stored on the server.

        Each piece is looked at when it arrives: waiting for a whole chunk could take a slow mirror hours.
        A server that labels a .gz file as ``Content-Encoding: gzip`` does not get it decompressed.
        """
        self._since, self._before = time.monotonic(), self.count
        while piece := body.read1(CHUNK, decode_content=False):
            self._arrived(len(piece))
            yield piece

    def _arrived(self, count: int) -> None:
        """Raises Failed if this was a piece too many, or if the last window was too slow."""
        if self.count + count > self.size:
            self.clear()
            raise Failed(f"sent more than {self.size} bytes")
        self.count += count
        seconds = time.monotonic() - self._since
        if seconds < self._patience.window or self.count == self.size:
            return
        new = self.count - self._before
        if new < self._patience.floor * seconds:
            raise Failed(f"too slow: {new} bytes in {seconds:.1f} s")
        self._since, self._before = time.monotonic(), self.count

    def write(self, piece: bytes) -> int:
        self._digest.update(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        """Pooch asks for it after every piece; closing the file does it once."""

    def sent(self) -> str:
        announced = "" if self.announced in (None, self.size) else f" and announced {self.announced}"
        return f"sent {self.count} of {self.size} bytes{announced}"

    def check(self, sha256: str) -> None:
        """Raises Failed if what has arrived is not the file to have; forgets it if it never can be."""
        if self.count < self.size:
            raise Failed(self.sent(), attempts=self._patience.attempts)
        found = self._digest.hexdigest()
        if found != sha256:
            self.clear()
            raise Failed(f"sent a file with sha256 {found}")
