"""Read text files that a config names, if they are regular files of a limited size."""

import stat
from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.common.system_errors import unreadable


def read_text(path: str | Path, *, max_bytes: int) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Raises HandgradError, one line, if the file cannot be read, is not UTF-8, has more than max_bytes bytes, or is not a
    regular file. Reading a pipe or /dev/zero would never end.
    """
    name = str(path) if str(path).isprintable() else repr(str(path))
    try:
        # checked before the file is opened, because opening a pipe waits for its writer
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise HandgradError(f"{name}: not a file, but a folder, a pipe or a device; give the path of a file")
        with Path(path).open("rb") as file:
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise HandgradError(f"{name}: more than the {max_bytes:,} bytes allowed")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise unreadable(error, path) from error
    except ValueError as error:  # not UTF-8, or an invalid path
        raise HandgradError(f"{name}: cannot be read as text: {error}") from error
