"""Strange data: what is said of it, and that ordinary data give no warning."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import preprocess_dataset
from handgrad.common.code_digests import code_digest
from handgrad.datasets.data import ImageData, Split, open_data
from handgrad.datasets.warnings import data_warnings
from handgrad.storage.provenance import source

CLASSES = 62
EVEN = np.arange(620) % CLASSES


def dataset(train: NDArray[Any], test: NDArray[Any], **x_of: Any) -> ImageData:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (len(train) + len(test), 12)).astype(np.uint8)
    parts: dict[str, Any] = {"train_x": x[: len(train)], "test_x": x[len(train) :], **x_of}
    return ImageData(
        train=Split(parts["train_x"], train.astype(np.uint8)),
        test=Split(parts["test_x"], test.astype(np.uint8)),
        image_shape=(3, 4),
        max_value=255,
        class_names=tuple(f"name of {label}" for label in range(CLASSES)),
        sources={},
        digest="",
    )


def test_ordinary_data_give_no_warning() -> None:
    assert data_warnings(dataset(EVEN, EVEN)) == []


STRANGE: dict[str, tuple[ImageData, list[tuple[str, ...]]]] = {
    "one class in both": (
        dataset(EVEN * 0 + 7, EVEN[:99] * 0 + 7),
        [("all 620 ", "training", "7 ('name of 7')"), ("all 99 ", "test", "7 ('name of 7')")],
    ),
    "one class in test": (dataset(EVEN, EVEN[:99] * 0), [("all 99 ", "test", "0 ('name of 0')")]),
    "classes without a training image": (
        dataset(EVEN % 32, EVEN),
        [("30 of 62 ", "training", "32 ('name of 32')")],
    ),
    "a class without a test image": (
        dataset(EVEN, EVEN[EVEN != 3]),
        [("1 of 62 ", "test", "3 ('name of 3')")],
    ),
    "a class that dominates": (
        dataset(EVEN, np.concatenate([EVEN, np.full(5000, 9)])),
        [("89.1%", "5,620", "test", "9 ('name of 9')")],
    ),
    "constant inputs": (
        dataset(EVEN, EVEN, train_x=np.full((620, 12), 3, np.uint8)),
        [("12 of 12 inputs", "620 training")],
    ),
    "images in both splits": (
        dataset(EVEN, EVEN[:62], test_x=dataset(EVEN, EVEN[:62]).train.x[:62]),
        [("62 of 62 test", "training")],
    ),
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_data_are_named_with_split_count_and_class(case: str) -> None:
    data, expected = STRANGE[case]
    found = data_warnings(data)
    assert len(found) == len(expected)
    for warning, parts in zip(found, expected, strict=True):
        assert all(part in warning for part in parts)


def test_strange_data_are_stored_with_a_warning_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data, _ = STRANGE["one class in both"]
    monkeypatch.setattr(preprocess_dataset, "read_dataset", lambda *_: data)
    monkeypatch.setattr(preprocess_dataset, "dataset_files", lambda *_: {})
    out, code = tmp_path / "mine.h5", code_digest("preprocess_dataset")
    preprocess_dataset.main(name="mine", entry={}, files={}, out=str(out), code_digest=code)
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned == [f"mine: {warning}" for warning in data_warnings(data)]
    with open_data(out, "") as stored:
        assert list(source(stored).warnings) == data_warnings(data)
