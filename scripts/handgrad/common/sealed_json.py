"""JSON files whose last key is the sha256 of the content before it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.common.atomic import whole_file
from handgrad.common.errors import REMEDY, HandgradError

_SUM = "sha256"


def write_sealed_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a file. It appears complete or not at all."""
    with whole_file(path) as part:
        part.write_text(sealed_text(content), encoding="utf-8")


def sealed_text(content: Mapping[str, Any]) -> str:
    """Return the text of a file: the content, and its sha256 as the last key."""
    sha256 = hashlib.sha256(json.dumps(content, indent=1).encode()).hexdigest()
    return json.dumps({**content, _SUM: sha256}, indent=1) + "\n"


def parse_sealed_json(data: bytes, path: str | Path, what: str) -> dict[str, Any]:
    """Return the content of a file. Raises HandgradError, which names the path, if the file was changed.

    what: the kind of the file for the message, such as "a ranking".
    """
    try:
        content: dict[str, Any] = json.loads(data)
        del content[_SUM]
        if data == sealed_text(content).encode():
            return content
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise HandgradError(f"{path}: not {what}, or changed or damaged after it was written; {REMEDY}")


def require_values(path: str | Path, what: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Raise HandgradError if a value of a file differs from what is expected. what: the kind, such as "ranking"."""
    for key, value in expected.items():
        if found.get(key) != value:
            raise HandgradError(
                f"{path}: a different {what} than expected: its {key} is {found.get(key)!r}, expected {value!r}; "
                f"{REMEDY}"
            )
