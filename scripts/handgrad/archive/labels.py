"""What an archive holds of a dataset: ``labels/<dataset>.json``, all that tables need, and no pixels."""

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
    """A dataset in an archive. entry: of the registry. content: sha256 of its pixels and labels. test: uint8 (N,)."""

    entry: Mapping[str, Any]
    content: str
    test: NDArray[np.uint8]

    @property
    def digest(self) -> str:
        """What identifies the dataset; see ``registry.data_digest``."""
        return data_digest(self.entry)

    def text(self) -> str:
        """Return the labels' file, which the same labels make the same."""
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
