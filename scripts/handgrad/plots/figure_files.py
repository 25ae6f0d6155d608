"""SVG figures as files: a comment at the end holds the sha256 of all before it.

So the page shows none that was changed or damaged after it was drawn.
"""

import hashlib
from pathlib import Path

from handgrad.common.errors import REMEDY, HandgradError


def seal_figure(path: Path) -> None:
    """Add the checksum to a figure that has just been drawn."""
    with path.open("r+b") as file:
        comment = _comment(file.read())  # which leaves the file at its end
        file.write(comment)


def read_figure(path: str | Path) -> bytes:
    """The content of a figure. Raises HandgradError if it cannot be read, or is not as it was drawn."""
    try:
        content = Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise HandgradError(f"{path}: is not a file; {REMEDY}") from None
    except OSError as error:
        raise HandgradError(
            f"{path}: cannot be read ({error.strerror}); make it readable, and run snakemake again"
        ) from error
    size = len(_comment(b""))
    if content[-size:] != _comment(content[:-size]):
        raise HandgradError(
            f"{path}: damaged, or changed after it was drawn: its last line is not the sha256 of the rest; {REMEDY}"
        )
    return content


def _comment(drawn: bytes) -> bytes:
    return f"<!-- sha256 {hashlib.sha256(drawn).hexdigest()} -->\n".encode()
