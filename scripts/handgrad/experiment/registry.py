"""What a dataset's entry in the registry must hold, for each format.

Apart from ``formats``, which reads the files, because each job parses the workflow and needs only this.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: the roles that ``files`` of an entry must name, by format
FORMAT_ROLES: dict[str, tuple[str, ...]] = {
    "idx": ("train_images", "train_labels", "test_images", "test_labels"),
    "cifar-binary": ("archive",),
    "sklearn-digits": ("table",),
}

#: formats whose file comes with an installed package, so that it needs no mirror: the package, and its file in it
EMBEDDED: dict[str, tuple[str, str]] = {"sklearn-digits": ("sklearn", "datasets/data/digits.csv.gz")}


def data_digest(entry: Mapping[str, Any]) -> str:
    """Return a digest of what a dataset is: its registry entry without the places that its files may come from."""
    files = {role: file["sha256"] for role, file in entry["files"].items()}
    facts = {key: entry[key] for key in ("format", "train", "test", "image_shape", "largest", "class_names")}
    text = json.dumps({**facts, "files": files}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_places(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a registry entry without mirrors and folder: where a file came from does not change what is in it."""
    files = {role: {key: file[key] for key in file if key != "mirrors"} for role, file in entry["files"].items()}
    return {**{key: value for key, value in entry.items() if key != "local_dir"}, "files": files}
