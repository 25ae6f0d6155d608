"""The JSON files of gates and gradient checks. Their last key is the sha256 of the content before it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.common.atomic import whole_file
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.system_errors import reading_result

_SUM = "sha256"


def write_check(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the file of a check. It appears complete or not at all."""
    with whole_file(path) as part:
        part.write_text(check_text(content), encoding="utf-8")


def check_text(content: Mapping[str, Any]) -> str:
    """Return the text of a check's file: the content, and its sha256 as the last key."""
    sha256 = hashlib.sha256(json.dumps(content, indent=1).encode()).hexdigest()
    return json.dumps({**content, _SUM: sha256}, indent=1) + "\n"


def read_check(path: str | Path, expected: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the content of a check's file, and the sha256 of the file.

    expected: values that the content must have. A check of different code or data proves nothing.

    Raises HandgradError if the file was changed, if the check did not pass, or if a value differs from ``expected``.
    """
    with reading_result(path):
        data = Path(path).read_bytes()
    content = parse_check(data, path)
    for key, value in {"passed": True, **expected}.items():
        if content.get(key) != value:
            raise HandgradError(
                f"{path}: a different check than expected: its {key} is {content.get(key)!r}, "
                f"expected {value!r}; {REMEDY}"
            )
    return content, hashlib.sha256(data).hexdigest()


def parse_check(data: bytes, path: str | Path) -> dict[str, Any]:
    """Return the content of a check's file. Raises HandgradError, which names the path, if the file was changed."""
    try:
        content: dict[str, Any] = json.loads(data)
        del content[_SUM]
        if data == check_text(content).encode():
            return content
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise HandgradError(f"{path}: not a gradient check, or changed or damaged after it was written; {REMEDY}")
