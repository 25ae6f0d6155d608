"""SVG files with a comment at the end that holds the SHA-256 of the rest.

The page therefore detects a figure that was changed or damaged after it was drawn.
"""

import hashlib
from pathlib import Path

from handgrad.common.errors import REMEDY, HandgradError


def seal_figure(path: Path) -> None:
    """Append the checksum to a new SVG file."""
    with path.open("r+b") as file:
        comment = _comment(file.read())  # the file position is now at the end
        file.write(comment)


def read_figure(path: str | Path) -> bytes:
    """Return the content of an SVG file. Raises HandgradError if it cannot be read or has a wrong checksum."""
    try:
        content = Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise HandgradError(f"{path}: missing, or not a file; {REMEDY}") from None
    except OSError as error:
        raise HandgradError(
            f"{path}: cannot be read ({error.strerror}); make it readable, then run snakemake again"
        ) from error
    size = len(_comment(b""))
    if content[-size:] != _comment(content[:-size]):
        raise HandgradError(
            f"{path}: damaged, or changed after it was drawn: its sha256 differs from the checksum in its last line; "
            f"{REMEDY}"
        )
    return content


def _comment(drawn: bytes) -> bytes:
    return f"<!-- sha256 {hashlib.sha256(drawn).hexdigest()} -->\n".encode()
