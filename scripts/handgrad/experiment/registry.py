"""Define the dataset formats of the registry, the facts of an entry, and the digest of a dataset.

Kept separate from ``formats`` so that parsing the workflow stays fast.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

Entry = Mapping[str, Any]

_IDX = ("train_images", "train_labels")
_ARRAYS = ("train_x", "train_y")
#: format -> the sets of roles that ``files`` may have
ROLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "idx": ((*_IDX, "test_images", "test_labels"), _IDX),
    "cifar-binary": (("archive",),),
    "arrays": (("data",), (*_ARRAYS, "test_x", "test_y"), _ARRAYS),
    "table": (("table",), ("table", "test_table")),
    "image-folder": (("images",),),
    "sklearn-digits": (("table",),),
    "sklearn-table": (("table",),),
}

#: format -> the keys of an entry that only this format has; null means the default of the reader
OPTIONS: dict[str, tuple[str, ...]] = {
    "idx": ("label_offset", "transpose"),
    "cifar-binary": ("labels",),
    "arrays": ("layout", "arrays"),
    "table": ("label", "leave_out", "header", "separator", "decimal", "impute", "split_by"),
    "image-folder": ("size", "channels"),
    "sklearn-digits": (),
    "sklearn-table": (),
}
ALL_OPTIONS = tuple(option for options in OPTIONS.values() for option in options)

#: format whose files are part of an installed package -> the package, and the folder of the files in it
EMBEDDED: dict[str, tuple[str, str]] = dict.fromkeys(("sklearn-digits", "sklearn-table"), ("sklearn", "datasets/data"))

#: the facts of an entry; ``handgrad data add`` writes them, and the job that reads the data checks them
FACTS = ("train", "test", "image_shape", "inputs", "largest", "class_names")


def missing_facts(entry: Entry) -> list[str]:
    """Return the facts that an entry needs and does not have."""
    missing = [key for key in ("train", "test", "class_names") if entry[key] is None]
    return missing if entry["image_shape"] or entry["inputs"] else [*missing, "image_shape or inputs"]


def input_count(entry: Entry) -> int:
    """Return D, the number of inputs of an example."""
    shape = entry["image_shape"]
    return math.prod(shape) if shape else int(entry["inputs"])


def value_bytes(entry: Entry) -> int:
    """Return the bytes of a stored input: 1 for pixels, 4 for floating point."""
    return 1 if entry["image_shape"] and entry["largest"] is not None else 4


def test_count(entry: Entry) -> int:
    """Return the number of test examples. For a share that is drawn, it is an estimate."""
    test = entry["test"]
    return test if isinstance(test, int) else max(1, round(entry["train"] * test / (1 - test)))


def data_digest(entry: Entry) -> str:
    """Return a digest of a registry entry, without the mirrors and the local folder."""
    files = {role: file["sha256"] for role, file in entry["files"].items()}
    facts = {key: entry[key] for key in ("format", "train", "test", "image_shape", "largest", "class_names")}
    # keys that are newer than the first results count only if they are set
    newer = {key: entry[key] for key in ("inputs", *ALL_OPTIONS) if entry[key] is not None}
    text = json.dumps({**facts, **newer, "files": files}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_places(entry: Entry) -> dict[str, Any]:
    """Return a registry entry without its mirrors and its local folder, which do not affect the content."""
    files = {role: {key: file[key] for key in file if key != "mirrors"} for role, file in entry["files"].items()}
    return {**{key: value for key, value in entry.items() if key != "local_dir"}, "files": files}
