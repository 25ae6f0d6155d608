"""Compare the user's own data files with their registry entry.

The main process does this once. It remembers the digest of each file with its size and date, and reads a file again
only if one of them changed.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.common.folders import size_and_sha256, tree_files
from handgrad.common.hashing import names_digest

#: relative to the working directory
CACHE = Path(".snakemake/handgrad/data_files.json")


def changed_files(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with each file in the ``local_dir`` of a registry entry."""
    for file in entry["files"].values():
        path = Path(entry["local_dir"], file["name"])
        if fault := _fault(path, file["size"], file["sha256"]):
            yield f"{path}: {fault}"


def _fault(path: Path, size: int, sha256: str) -> str | None:
    try:
        if not (path.is_file() or path.is_dir()):
            return "no such file or folder"
        found = digest_of(path)
    except (OSError, ValueError, HandgradError) as error:  # ValueError: not a valid path
        return str(error.strerror if isinstance(error, OSError) else error)
    if found[0] != size:
        return f"it has {found[0]} bytes, expected {size}"
    return None if found[1] == sha256 else f"its sha256 is {found[1]}, expected {sha256}"


def digest_of(path: Path) -> tuple[int, str]:
    """Return the size and the sha256 of a file or folder. They are read again only if a size or a date changed."""
    files = [(name, file.stat()) for name, file in (tree_files(path) if path.is_dir() else [(path.name, path)])]
    seen = names_digest(f"{name} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}" for name, stat in files)
    known = _cache().get(str(path.absolute()))
    if known is None or known[0] != seen:
        known = _cache()[str(path.absolute())] = [seen, *size_and_sha256(path)]
        with suppress(OSError), whole_file(CACHE) as part:  # the cache only saves time
            part.write_text(json.dumps(_cache()), encoding="utf-8")
    return known[1], known[2]


@functools.cache
def _cache() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads(CACHE.read_text(encoding="utf-8")))
    return {}
