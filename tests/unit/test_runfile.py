"""Run files: what is written is read, and content_sha256 means "the same run"."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import Run
from handgrad.network.model import Weights
from handgrad.storage.run_reader import read_arrays, read_summary, require_current
from handgrad.storage.run_writer import CONTENT_ATTRIBUTES, Segment, content_sha256, write_run
from handgrad.training.loop import Epoch, Evaluation, State, TrainingResult

RUN = Run(
    dataset="digits",
    activation="tanh",
    hidden_units=2,
    learning_rate=0.001,
    batch_size=10,
    epochs=2,
    l2=0.01,
    seed=3,
)
VERSIONS = ("3.11", "2.4", "a BLAS")
SEGMENTS = [
    Segment("here", "a CPU", *VERSIONS, 1, 1, 1.5),
    Segment("there", "another", *VERSIONS, 2, 2, 2.25),
]
Y = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], np.float32)


def epoch(loss: float, faults: int, seconds: float = 0.5) -> Epoch:
    return Epoch(-loss, 0.25, loss, faults, np.nan, -1, seconds)


def evaluation(Y: np.ndarray) -> Evaluation:
    return Evaluation(0.5, 1, Y.argmax(axis=1).astype(np.uint8), Y)


def trained(**changes: object) -> TrainingResult:
    W = Weights(np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((2, 3), np.float32))
    state = State(W, [epoch(0.75, 2), epoch(0.5, 1)])
    whole = TrainingResult(RUN, "finished", state, evaluation(Y), train_examples=20, test_examples=3)
    return replace(whole, **changes)


def diverged() -> TrainingResult:
    run = replace(RUN, train_size=20)
    state = replace(trained().state, history=[epoch(0.75, 2), epoch(np.nan, 3)])
    return trained(run=run, status="diverged", test=None, state=state)


def write(path: Path, run: TrainingResult, segments: list[Segment] = SEGMENTS, digest: str = "d") -> str:
    return write_run(path, run, segments, code_digest=digest, data_digest=digest, data_content=digest)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    content = write(path, trained())
    summary = read_summary(path)
    assert summary.run == RUN
    assert (summary.status, summary.faults, summary.test_size) == ("finished", 1, 3)
    assert (summary.loss, summary.seconds, summary.content_sha256) == (0.5, 3.75, content)
    assert summary.history["test_faults"].tolist() == [2, 1]
    assert summary.attributes["train_examples"] == 20
    (W1, W2, predictions, probabilities), seal = read_arrays(
        path, "weights/W1", "weights/W2", "test/predictions", "test/probabilities"
    )
    assert seal == summary.seal
    np.testing.assert_array_equal(W1, trained().state.W.W1)
    np.testing.assert_array_equal(W2, trained().state.W.W2)
    assert predictions.tolist() == [0, 1, 0]
    assert (W1.dtype, predictions.dtype, probabilities.dtype) == (np.float32, np.uint8, np.float16)


def test_a_diverged_run_keeps_its_history_and_has_no_test_figures(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    write(path, diverged())
    summary = read_summary(path)
    assert (summary.status, summary.faults, summary.loss, summary.test_size) == ("diverged", None, None, 3)
    assert summary.run.train_size == 20
    np.testing.assert_array_equal(summary.history["test_loss"], [0.75, np.nan])
    with h5py.File(path) as file:
        assert "test" not in file
    with pytest.raises(HandgradError, match="run snakemake again"):
        read_arrays(path, "test/predictions")


def test_content_depends_on_neither_time_nor_place(tmp_path: Path) -> None:
    slower = [replace(figures, seconds=99.0) for figures in trained().state.history]
    elsewhere = [Segment("elsewhere", "a slower CPU", "3.12", "2.5", "another BLAS", 1, 2, 99.0)]
    first = write(tmp_path / "a.h5", trained())
    second = write(
        tmp_path / "b.h5", trained(state=replace(trained().state, history=slower)), elsewhere, "other digests"
    )
    assert first == second


def changed_weight() -> TrainingResult:
    state = trained().state
    state.W.W1[0, 0] = np.nextafter(state.W.W1[0, 0], np.float32(1))
    return trained(state=state)


def changed_history() -> TrainingResult:
    history = [epoch(0.75, 2), epoch(0.5, 2)]
    return trained(state=replace(trained().state, history=history))


def changed_prediction() -> TrainingResult:
    return trained(test=evaluation(Y[:, ::-1]))


def changed_probability() -> TrainingResult:
    return trained(test=replace(evaluation(Y), Y=np.where(Y.max() == Y, Y - 0.01, Y)))


def changed_axis() -> TrainingResult:
    return trained(run=replace(RUN, l2=0.02))


def changed_status() -> TrainingResult:
    return trained(status="diverged")


def changed_count() -> TrainingResult:
    return trained(train_examples=21)


@pytest.mark.parametrize(
    "change",
    [
        changed_weight,
        changed_history,
        changed_prediction,
        changed_probability,
        changed_axis,
        changed_status,
        changed_count,
    ],
)
def test_content_changes_with_every_result(change, tmp_path: Path) -> None:
    assert write(tmp_path / "a.h5", trained()) != write(tmp_path / "b.h5", change())


def test_content_tells_names_types_and_shapes_apart() -> None:
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


def assert_one_line(path: Path, read) -> None:
    with pytest.raises(HandgradError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert "run snakemake again" in message


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused_in_one_line(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    write(path, trained())
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    assert_one_line(path, read_summary)
    assert_one_line(path, lambda path: read_arrays(path, "test/predictions"))


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    absent, text, other = (tmp_path / name for name in ("absent.h5", "text.h5", "other.h5"))
    text.write_text("not HDF5\n" * 500)
    with h5py.File(other, "w") as file:
        file["train/x"] = np.zeros(3)
    for path in (absent, text, other):
        assert_one_line(path, read_summary)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    content = write(path, trained())
    with pytest.raises(TypeError):
        write_run(path, changed_weight(), SEGMENTS, code_digest=object(), data_digest="d", data_content="d")
    assert read_summary(path).content_sha256 == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("path", "code", "data", "what"),
    [
        (f"runs/other/{RUN.name}.h5", "code", "data", "the run is"),
        ("runs/digits/af_tanh.h5", "code", "data", "the run is"),
        (f"runs/digits/{RUN.name}.h5", "newer", "data", "the code of training is code, expected newer"),
        (f"runs/digits/{RUN.name}.h5", "code", "newer", "the data is data, expected newer"),
    ],
)
def test_a_result_of_another_run_or_code_or_data_is_refused(
    tmp_path: Path, path: str, code: str, data: str, what: str
) -> None:
    file = tmp_path / path
    write_run(file, trained(), [], code_digest="code", data_digest="data", data_content="content")
    with pytest.raises(HandgradError, match=what) as caught:
        require_current(file, read_summary(file), code_digest=code, data_digests={RUN.dataset: data})
    assert "\n" not in str(caught.value)


def test_a_current_result_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "runs" / RUN.dataset / f"{RUN.name}.h5"
    write_run(file, trained(), [], code_digest="code", data_digest="data", data_content="content")
    require_current(file, read_summary(file), code_digest="code", data_digests={RUN.dataset: "data"})
