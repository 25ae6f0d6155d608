"""What has arrived of a file that is downloaded: counted, timed, hashed, and continued where it broke off."""

import hashlib
import time
from dataclasses import dataclass
from io import BufferedRandom

import requests
from urllib3 import BaseHTTPResponse

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


class Received:
    """What has arrived of a file; stops a mirror that is slow or sends too much.

    It stays from one attempt to the next, and in its file from one call to the next.
    """

    def __init__(self, file: BufferedRandom, size: int, patience: Patience) -> None:
        self._file = file
        self._patience = patience
        self.size = size
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

    def headers(self) -> dict[str, str]:
        """Return the headers with which a mirror is asked for what is missing, as it is stored there."""
        self.resumed = self.count > 0
        asked = {"Range": f"bytes={self.count}-"} if self.resumed else {}
        return {"Accept-Encoding": "identity", **asked}

    def take(self, response: requests.Response) -> None:
        """Take a good answer. Raises Failed if it is not the file or its missing part, or comes too slowly.

        A server that does not resume sends the file from its beginning. One that sends another part than it was
        asked for is found by the checksum.
        """
        self.resumed = response.status_code == requests.codes.partial_content
        announced = int(response.headers.get("Content-Length", self.size)) + (self.count if self.resumed else 0)
        if announced < self.size:
            raise Failed(f"sent {announced} of {self.size} bytes", attempts=self._patience.attempts)
        if not self.resumed:
            self.clear()
        self._store(response.raw)

    def _store(self, body: BaseHTTPResponse) -> None:
        """Store a body, which is not decompressed: a server may label a .gz file as ``Content-Encoding: gzip``.

        Each piece is looked at when it arrives: waiting for a whole chunk could take a slow mirror hours.
        """
        since, before = time.monotonic(), self.count
        while piece := body.read1(CHUNK, decode_content=False):
            if self.count + len(piece) > self.size:
                self.clear()
                raise Failed(f"sent more than {self.size} bytes")
            self._file.write(piece)
            self._digest.update(piece)
            self.count += len(piece)
            seconds, new = time.monotonic() - since, self.count - before
            if seconds >= self._patience.window and self.count < self.size:
                if new < self._patience.floor * seconds:
                    raise Failed(f"too slow: {new} bytes in {seconds:.1f} s")
                since, before = time.monotonic(), self.count

    def check(self, sha256: str) -> None:
        """Raises Failed if what has arrived is not the file to have; forgets it if it never can be."""
        if self.count < self.size:
            raise self.broken_off()
        found = self._digest.hexdigest()
        if found != sha256:
            self.clear()
            raise Failed(f"sent a file with sha256 {found}")

    def broken_off(self) -> Failed:
        """Return the failure of a mirror that did not send all."""
        return Failed(f"sent {self.count} of {self.size} bytes", attempts=self._patience.attempts)
