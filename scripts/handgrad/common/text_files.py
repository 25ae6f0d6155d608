"""Text files that people name in a config: read only if they are regular files of a sensible size."""

import errno
import stat
from pathlib import Path


def read_text(path: str | Path, *, max_bytes: int) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Raises OSError if it is no regular file or holds more bytes than that: reading a pipe or /dev/zero would
    never end. Raises ValueError if it is not UTF-8, or if the path cannot be one.
    """
    mode = Path(path).stat().st_mode  # before it is opened, since opening a pipe waits for its writer
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise OSError(errno.EINVAL, f"{kind}, not a file")
    with Path(path).open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"more than the {max_bytes:,} bytes that are allowed")
    return content.decode("utf-8-sig")
