"""The JSON files of gates and gradient checks; their last key is the sha256 of all before it."""

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
    """Write a check's file; it appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(check_text(content), encoding="utf-8")


def check_text(content: Mapping[str, Any]) -> str:
    """A check's file: its content, and the sha256 of that as the last key."""
    sha256 = hashlib.sha256(json.dumps(content, indent=1).encode()).hexdigest()
    return json.dumps({**content, _SUM: sha256}, indent=1) + "\n"


def read_check(path: str | Path, expected: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What a check's file holds, and the sha256 of the file.

    expected: keys and what each must be, since a check of other code or data proves nothing. Raises
    HandgradError if the file is not as it was written, has not passed, or says something else than expected.
    """
    with reading_result(path):
        data = Path(path).read_bytes()
    content = parse_check(data, path)
    for key, value in {"passed": True, **expected}.items():
        if content.get(key) != value:
            raise HandgradError(
                f"{path}: another check than expected: its {key} is {content.get(key)!r}, expected {value!r}; {REMEDY}"
            )
    return content, hashlib.sha256(data).hexdigest()


def parse_check(data: bytes, path: str | Path) -> dict[str, Any]:
    """What a check's file holds. Raises HandgradError, with this path, if it is not as it was written."""
    try:
        content: dict[str, Any] = json.loads(data)
        del content[_SUM]
        if data == check_text(content).encode():
            return content
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise HandgradError(f"{path}: not a gradient check, or damaged or changed after it was written; {REMEDY}")
