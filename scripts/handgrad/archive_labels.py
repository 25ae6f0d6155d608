"""What an archive holds of a dataset: ``data/<dataset>.json``, all that tables need, and no pixels."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from handgrad.answers import read_test_labels
from handgrad.atomic import whole_file
from handgrad.config_errors import show
from handgrad.data import read_content
from handgrad.digests import data_digest
from handgrad.provenance import source


def labels_name(dataset: str) -> str:
    """The member of an archive that tells of a dataset."""
    return f"data/{dataset}.json"


def labels_text(path: Path, entry: Mapping[str, Any]) -> str:
    """What an archive tells of a dataset, ``results/data/<dataset>.h5``, whose registry entry is given.

    Raises HandgradError if the file is not that dataset.
    """
    digest = data_digest(entry)
    made_from = source(path)
    labels, class_names = read_test_labels(path)
    facts = {
        "data_digest": digest,
        "content_sha256": read_content(path, digest),
        "source_sha256": dict(made_from.files),
        "train_examples": made_from.train,
        "test_examples": made_from.test,
        "class_names": list(class_names),
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    return ",\n".join(["{\n" + lines[0], *lines[1:], f' "test_labels": {labels.tolist()}']) + "\n}\n"


def label_mistakes(content: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the JSON that an archive has of a dataset, whose registry entry is given."""
    expected = {
        "data_digest": data_digest(entry),
        "source_sha256": {file["name"]: file["sha256"] for file in entry["files"].values()},
        "train_examples": entry["train"],
        "test_examples": entry["test"],
        "class_names": list(entry["class_names"]),
    }
    for key, value in expected.items():
        if content.get(key) != value:
            yield f"{key} is {show(str(content.get(key)))}, expected {show(str(value))}"
    labels, classes = content.get("test_labels"), min(len(entry["class_names"]), 256)
    if not isinstance(labels, list) or len(labels) != entry["test"]:
        yield f"test_labels are not the {entry['test']} labels of the test images"
    elif not all(type(label) is int and 0 <= label < classes for label in labels):
        yield f"test_labels are not all from 0 to {classes - 1}"


def write_labels(path: Path, content: Mapping[str, Any]) -> None:
    """Write the labels and class names as a dataset's file without pixels, which ``answers`` takes."""
    with whole_file(path) as part, h5py.File(part, "w", locking=False) as file:
        file.create_dataset("test/y", data=np.array(content["test_labels"], np.uint8))
        file.attrs["class_names"] = content["class_names"]
