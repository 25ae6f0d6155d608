"""The JSON files of gates and gradient checks, see ``common.sealed_json``."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.common.sealed_json import parse_sealed_json, require_values
from handgrad.common.system_errors import reading_result


def read_check(path: str | Path, expected: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the content of a check's file, and the sha256 of the file.

    expected: values that the content must have. A check of different code or data proves nothing.

    Raises HandgradError if the file was changed, if the check did not pass, or if a value differs from ``expected``.
    """
    with reading_result(path):
        data = Path(path).read_bytes()
    content = parse_sealed_json(data, path, "a gradient check")
    require_values(path, "check", content, {"passed": True, **expected})
    return content, hashlib.sha256(data).hexdigest()
