"""SHA-256 digests of files and of lists of names."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def file_sha256(path: str | Path) -> str:
    """Return the sha256 of a file, in hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_digest(names: Iterable[str]) -> str:
    """Return a digest of names in their order, 16 hexadecimal digits.

    Snakemake does not detect a changed order of input files, so rules have this digest as a param.
    """
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
