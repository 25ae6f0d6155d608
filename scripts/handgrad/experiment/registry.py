"""Define the dataset formats of the registry and the digest of a dataset.

Kept separate from ``formats`` so that parsing the workflow stays fast.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: format -> the roles that ``files`` must contain
FORMAT_ROLES: dict[str, tuple[str, ...]] = {
    "idx": ("train_images", "train_labels", "test_images", "test_labels"),
    "cifar-binary": ("archive",),
    "sklearn-digits": ("table",),
}

#: format whose file is part of an installed package -> the package, and the path of the file in it
EMBEDDED: dict[str, tuple[str, str]] = {"sklearn-digits": ("sklearn", "datasets/data/digits.csv.gz")}


def data_digest(entry: Mapping[str, Any]) -> str:
    """Return a digest of a registry entry, without the mirrors and the local folder."""
    files = {role: file["sha256"] for role, file in entry["files"].items()}
    facts = {key: entry[key] for key in ("format", "train", "test", "image_shape", "largest", "class_names")}
    text = json.dumps({**facts, "files": files}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_places(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a registry entry without its mirrors and its local folder, which do not affect the content."""
    files = {role: {key: file[key] for key in file if key != "mirrors"} for role, file in entry["files"].items()}
    return {**{key: value for key, value in entry.items() if key != "local_dir"}, "files": files}
