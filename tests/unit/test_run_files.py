"""Run files: reading returns what was written, and equal results have equal content_sha256."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from factories import USE, run_of, trained
from handgrad.common.errors import HandgradError
from handgrad.storage.run_reader import read_arrays, read_summary, require_current
from handgrad.storage.run_writer import CONTENT_ATTRIBUTES, Segment, content_sha256, write_run
from handgrad.training.loop import TrainingResult

RUN = run_of(hidden_units=2)
VERSIONS = ("3.11", "2.4", "a BLAS")
SEGMENTS = [Segment("here", "a CPU", *VERSIONS, 1, 1, 1.5), Segment("there", "another", *VERSIONS, 2, 2, 2.25)]


def result(**changes: Any) -> TrainingResult:
    return trained(RUN, examples=4, **changes)


def diverged() -> TrainingResult:
    it = replace(result(), run=replace(RUN, train_size=20), status="diverged", test=None)
    change_history(it, test_loss=np.nan)
    return it


def write(path: Path, it: TrainingResult, segments: list[Segment] = SEGMENTS, digest: str = "d") -> str:
    return write_run(path, it, segments, code_digest=digest, data_digest=digest, data_content=digest, **USE)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path, it = tmp_path / "run.h5", result()
    content = write(path, it)
    summary = read_summary(path)
    assert it.test
    assert summary.run == RUN
    assert (summary.status, summary.faults, summary.loss, summary.test_size) == ("finished", 3, 0.7, 4)
    assert (summary.seconds, summary.content_sha256) == (3.75, content)
    assert summary.history["test_faults"].tolist() == [4, 3]
    assert summary.attributes["train_examples"] == 20
    names = ("weights/W1", "weights/W2", "test/predictions", "test/probabilities")
    arrays, seal = read_arrays(path, *names)
    assert seal == summary.seal
    for read, wrote in zip(arrays, (*it.state.W, it.test.predictions, it.test.Y.astype(np.float16)), strict=True):
        np.testing.assert_array_equal(read, wrote, strict=True)


def test_a_diverged_run_keeps_its_history_and_has_no_test_figures(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    write(path, diverged())
    summary = read_summary(path)
    assert (summary.status, summary.faults, summary.loss, summary.test_size) == ("diverged", None, None, 4)
    assert summary.run.train_size == 20
    np.testing.assert_array_equal(summary.history["test_loss"], [np.nan, np.nan])
    with h5py.File(path) as file:
        assert "test" not in file
    with pytest.raises(HandgradError, match="run snakemake again"):
        read_arrays(path, "test/predictions")


# --- content_sha256 ---


def change_history(it: TrainingResult, **figures: float) -> None:
    it.state.history[:] = [replace(epoch, **figures) for epoch in it.state.history]


CHANGES: dict[str, Callable[[TrainingResult], Any]] = {
    "weight": lambda it: it.state.W.W1.put(0, np.nextafter(it.state.W.W1[0, 0], np.float32(9))),
    "epoch": lambda it: change_history(it, test_faults=2),
    "predictions": lambda it: replace(it, test=replace(it.test, predictions=np.zeros(4, np.uint8))),
    "probabilities": lambda it: replace(it, test=replace(it.test, Y=np.full((4, 3), 1 / 3))),
    "run": lambda it: replace(it, run=replace(RUN, l2=0.02)),
    "status": lambda it: replace(it, status="diverged"),
    "examples": lambda it: replace(it, train_examples=21),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_content_changes_with_every_result_and_with_nothing_else(change: Any, tmp_path: Path) -> None:
    content = write(tmp_path / "a.h5", result())
    it, slower = result(), result()
    change_history(slower, seconds=99.0)
    elsewhere = [Segment("elsewhere", "a slower CPU", "3.12", "2.5", "another BLAS", 1, 2, 99.0)]
    assert write(tmp_path / "b.h5", slower, elsewhere, "other digests") == content
    assert write(tmp_path / "c.h5", change(it) or it) != content


def test_content_distinguishes_names_types_and_shapes() -> None:
    array = np.zeros(4, np.float32)
    variants = [
        {"a": array},
        {"b": array},
        {"a": array.reshape(2, 2)},
        {"a": array.view(np.int32)},
        {"a": array, "b": array},
    ]
    facts = dict.fromkeys(CONTENT_ATTRIBUTES, 1)
    assert len({content_sha256(variant, facts) for variant in variants}) == len(variants)
    assert content_sha256({"a": array, "b": array}, facts) == content_sha256({"b": array, "a": array}, facts)


@pytest.mark.parametrize(
    ("path", "made", "what"),
    [
        (f"runs/other/{RUN.name}.h5", {}, "the run is"),
        ("runs/digits/af_tanh.h5", {}, "the run is"),
        (f"runs/digits/{RUN.name}.h5", {"code_digest": "newer"}, "the code of training is d, expected newer"),
        (f"runs/digits/{RUN.name}.h5", {"data_digests": {"digits": "newer"}}, "the data is d, expected newer"),
        (f"runs/digits/{RUN.name}.h5", {"contents": {"digits": "newer"}}, "the content of the data is d"),
        (f"runs/digits/{RUN.name}.h5", {"contents": {}}, "the content of the data is d"),
        (f"runs/digits/{RUN.name}.h5", {"contents": {"digits": "d"}}, None),
    ],
)
def test_a_result_is_taken_for_its_own_run_code_and_data_alone(
    tmp_path: Path, path: str, made: dict[str, Any], what: str | None
) -> None:
    file = tmp_path / path
    write(file, result())
    expected = {"code_digest": "d", "data_digests": {"digits": "d"}, **made}
    if what is None:
        require_current(file, read_summary(file), **expected)
        return
    with pytest.raises(HandgradError, match=what) as caught:
        require_current(file, read_summary(file), **expected)
    assert "\n" not in str(caught.value)
