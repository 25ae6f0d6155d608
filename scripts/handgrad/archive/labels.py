"""What an archive holds of a dataset: ``labels/<dataset>.json``, all that tables need, and no pixels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.datasets.data import content_of, open_data
from handgrad.experiment.config_errors import show
from handgrad.experiment.registry import data_digest


@dataclass(frozen=True)
class Labels:
    """A dataset in an archive. content_sha256: of its pixels and labels. test_labels: uint8 (N,)."""

    data_digest: str
    content_sha256: str
    test_labels: NDArray[np.uint8]
    classes: int


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data_digest": data_digest(entry),
        "source_sha256": {file["name"]: file["sha256"] for file in entry["files"].values()},
        "train_examples": entry["train"],
        "test_examples": entry["test"],
        "class_names": list(entry["class_names"]),
    }


def labels_text(path: Path, entry: Mapping[str, Any]) -> str:
    """Return what an archive holds of a dataset, ``results/data/<dataset>.h5``, whose registry entry is given.

    Raises HandgradError if the file is not that dataset.
    """
    with open_data(path, data_digest(entry)) as stored:
        if (content := content_of(stored.images())) != stored.content:
            raise HandgradError(
                f"{path}: its content_sha256 is {stored.content}, its pixels and labels give {content}; {REMEDY}"
            )
        facts = {**_facts(entry), "content_sha256": content, "test_labels": stored.test_labels.tolist()}
    lines = (f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def parse_labels(content: Mapping[str, Any], entry: Mapping[str, Any]) -> Labels:
    """Return what an archive says of a dataset. Raises HandgradError if it is not that of the registry entry."""
    for key, value in _facts(entry).items():
        if content.get(key) != value:
            raise HandgradError(f"{key} is {show(str(content.get(key)))}, expected {show(str(value))}")
    labels, classes = content.get("test_labels"), min(len(entry["class_names"]), 256)
    if not isinstance(labels, list) or len(labels) != entry["test"]:
        raise HandgradError(f"test_labels are not the {entry['test']} labels of the test images")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise HandgradError(f"test_labels are not all from 0 to {classes - 1}")
    digest = str(content.get("content_sha256"))
    return Labels(content["data_digest"], digest, np.array(labels, np.uint8), classes)
