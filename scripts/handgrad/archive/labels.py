"""The description of a dataset in an archive, ``labels/<dataset>.json``: all that tables need, without pixels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.datasets.data import open_data
from handgrad.experiment.registry import data_digest


@dataclass(frozen=True)
class Labels:
    """A dataset in an archive.

    entry: of the registry. content: SHA-256 of its pixels and labels. test: labels of the test split, uint8 (N,).
    """

    entry: Mapping[str, Any]
    content: str
    test: NDArray[np.uint8]

    @property
    def digest(self) -> str:
        """Return the digest that identifies the dataset (``registry.data_digest``)."""
        return data_digest(self.entry)

    def text(self) -> str:
        """Return the content of the file; equal labels give equal text."""
        facts = {
            "data_digest": self.digest,
            "source_sha256": {file["name"]: file["sha256"] for file in self.entry["files"].values()},
            "train_examples": self.entry["train"],
            "test_examples": self.entry["test"],
            "class_names": list(self.entry["class_names"]),
            "content_sha256": self.content,
            "test_labels": self.test.tolist(),
        }
        lines = (f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"


def stored_labels(path: Path, entry: Mapping[str, Any]) -> Labels:
    """Return the labels of ``results/data/<dataset>.h5``. Raises HandgradError if the file is not that dataset."""
    with open_data(path, data_digest(entry)) as stored:
        return Labels(entry, stored.content, stored.test_labels)
