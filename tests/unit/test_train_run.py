"""The script of the rule train_run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import threadpoolctl

import train_run
from factories import image_data, run_of
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.progress_file import ProgressFile
from handgrad.datasets.data import Dataset, content_of, write_data
from handgrad.gradient_check.files import write_check
from handgrad.monitor.job_progress import read_progress
from handgrad.storage import training_job
from handgrad.storage.run_reader import read_summary
from handgrad.training.loop import TrainingResult, train

RUN = run_of(dataset="small", hidden_units=4, learning_rate=0.01, batch_size=8)


@pytest.fixture
def images() -> Dataset:
    return image_data(digest="the-data")


def write_gate(path: Path, images: Dataset, **changes: Any) -> None:
    """Write a passed gate for these images and the present code."""
    passed = {
        "dataset": "small",
        "activation": "tanh",
        "code_digest": code_digest("check_gate"),
        "data_digest": images.digest,
        "data_content": content_of(images),
        "passed": True,
    }
    write_check(path, passed | changes)


@pytest.fixture
def job(tmp_path: Path, images: Dataset) -> dict[str, Any]:
    """Return the arguments of a job that trains on the images."""
    write_data(tmp_path / "small.h5", images)
    write_gate(tmp_path / "gate.json", images)
    return {
        "run": RUN,
        "data": str(tmp_path / "small.h5"),
        "gate": str(tmp_path / "gate.json"),
        "checkpoints": str(tmp_path / "checkpoints"),
        "checkpoint_seconds": 10,
        "out": str(tmp_path / "run.h5"),
        "code_digest": code_digest("train_run"),
        "data_digest": "the-data",
    }


def test_a_job_trains_its_run(job: dict[str, Any]) -> None:
    train_run.main(**job)
    summary = read_summary(job["out"])
    assert (summary.run, len(summary.history["data_term"])) == (RUN, 2)
    assert summary.attributes.items() >= {"data_digest": "the-data", "code_digest": job["code_digest"]}.items()
    Path(job["out"]).unlink()
    with pytest.raises(HandgradError, match="data_digest is the-data, expected old"):
        train_run.main(**{**job, "data_digest": "old"})
    assert not Path(job["out"]).exists()


def test_a_job_computes_with_one_blas_thread(job: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def watched(*arguments: Any, **more: Any) -> TrainingResult:
        seen.extend(b["num_threads"] for b in threadpoolctl.threadpool_info() if b["user_api"] == "blas")
        return train(*arguments, **more)

    monkeypatch.setattr(training_job, "train", watched)
    with threadpoolctl.threadpool_limits(2):
        train_run.main(**job)
    assert set(seen) == {1}


def test_a_job_that_finds_its_run_finished_writes_it_without_training(
    job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_run.main(**job)
    first = Path(job["out"]).read_bytes()
    Path(job["out"]).unlink()
    monkeypatch.delattr(training_job, "train")
    train_run.main(**job)
    assert Path(job["out"]).read_bytes() == first


def test_a_job_whose_data_changed_under_one_digest_trains_again(job: dict[str, Any], images: Dataset) -> None:
    # for example after a change of the code that reads published files
    train_run.main(**job)
    first = read_summary(job["out"]).content_sha256
    changed = replace(images, train=replace(images.train, x=images.train.x[:, ::-1].copy()))
    write_data(job["data"], changed)
    write_gate(Path(job["gate"]), changed)
    train_run.main(**job)
    again = read_summary(job["out"])
    assert again.content_sha256 != first
    assert again.attributes["data_content"] == content_of(changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"passed": False},
        {"code_digest": "of a step that is broken now"},
        {"dataset": "other"},
        {"activation": "cos"},
        {"data_digest": "old"},
        {"data_content": "old"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_gate_that_says_nothing_of_this_run_trains_nothing(
    job: dict[str, Any], images: Dataset, changed: dict[str, Any]
) -> None:
    write_gate(Path(job["gate"]), images, **changed)
    (key,) = changed
    with pytest.raises(HandgradError, match=rf"gate\.json: .*{key}.*delete it, and run snakemake again$"):
        train_run.main(**job)
    assert not Path(job["checkpoints"]).exists()


def test_a_resumed_job_records_the_epochs_that_it_computes(job: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    train_run.main(**{**job, "run": replace(RUN, epochs=1)})
    train_run.main(**job, progress=ProgressFile(tmp_path / "a.log"))
    progress = read_progress(tmp_path / "a.log")
    assert progress
    assert (progress.epoch, progress.epochs, progress.resumed) == (2, 2, 1)
    assert progress.left(progress.time) == 0
