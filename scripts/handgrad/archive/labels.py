"""What an archive holds of a dataset: ``data/<dataset>.json``, all that tables need, and no pixels."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.sealed import sealed_file
from handgrad.datasets.data import content_of, open_data, write_origin
from handgrad.experiment.config_errors import show
from handgrad.experiment.registry import data_digest
from handgrad.storage.provenance import source


def labels_name(dataset: str) -> str:
    """The member of an archive that tells of a dataset."""
    return f"data/{dataset}.json"


def labels_text(path: Path, entry: Mapping[str, Any]) -> str:
    """What an archive tells of a dataset, ``results/data/<dataset>.h5``, whose registry entry is given.

    Raises HandgradError if the file is not that dataset.
    """
    digest = data_digest(entry)
    with open_data(path, digest) as stored:
        made_from = source(stored)
        if (content := content_of(stored.images())) != stored.content:
            raise HandgradError(
                f"{path}: its content_sha256 is {stored.content}, its pixels and labels give {content}; {REMEDY}"
            )
        facts = {
            "data_digest": digest,
            "content_sha256": content,
            "source_sha256": dict(made_from.files),
            "train_examples": made_from.train,
            "test_examples": made_from.test,
            "class_names": list(stored.class_names),
        }
        labels = stored.test_labels
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
    if not isinstance(content.get("content_sha256"), str):
        yield f"content_sha256 is {show(content.get('content_sha256'))}, expected a digest"
    labels, classes = content.get("test_labels"), min(len(entry["class_names"]), 256)
    if not isinstance(labels, list) or len(labels) != entry["test"]:
        yield f"test_labels are not the {entry['test']} labels of the test images"
    elif not all(type(label) is int and 0 <= label < classes for label in labels):
        yield f"test_labels are not all from 0 to {classes - 1}"


def write_labels(path: Path, content: Mapping[str, Any]) -> None:
    """Write the labels and class names as a dataset's file without pixels, which tables are made with."""
    with sealed_file(path) as file:
        file.create_dataset("test/y", data=np.array(content["test_labels"], np.uint8))
        file.attrs["class_names"] = content["class_names"]
        write_origin(file, data_digest=content["data_digest"], content=content["content_sha256"])
