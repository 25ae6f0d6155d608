"""The script of the rule train_run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import threadpoolctl

import train_run
from factories import image_data, run_job, run_of, write_gate
from handgrad.common.errors import HandgradError
from handgrad.common.progress_file import ProgressFile
from handgrad.datasets.data import Dataset, content_of, write_data
from handgrad.monitor.job_progress import read_progress
from handgrad.storage import training_job
from handgrad.storage.run_job import RunJob
from handgrad.storage.run_reader import read_summary
from handgrad.training.loop import TrainingResult, train

RUN = run_of(dataset="small", hidden_units=4, learning_rate=0.01, batch_size=8)


@pytest.fixture
def images() -> Dataset:
    return image_data(digest="the-data")


@pytest.fixture
def job(tmp_path: Path, images: Dataset) -> RunJob:
    """Return a job that trains on the images."""
    return run_job(tmp_path, RUN, images)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the path of the run file."""
    return tmp_path / "run.h5"


def test_a_job_trains_its_run(job: RunJob, out: Path) -> None:
    train_run.main(RUN, job, str(out))
    summary = read_summary(out)
    assert (summary.run, len(summary.history["data_term"])) == (RUN, 2)
    assert summary.attributes.items() >= {"data_digest": "the-data", "code_digest": job.code_digest}.items()
    out.unlink()
    with pytest.raises(HandgradError, match="data_digest is the-data, expected old"):
        train_run.main(RUN, replace(job, data_digest="old"), str(out))
    assert not out.exists()


def test_a_job_computes_with_one_blas_thread(job: RunJob, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def watched(*arguments: Any, **more: Any) -> TrainingResult:
        seen.extend(b["num_threads"] for b in threadpoolctl.threadpool_info() if b["user_api"] == "blas")
        return train(*arguments, **more)

    monkeypatch.setattr(training_job, "train", watched)
    with threadpoolctl.threadpool_limits(2):
        train_run.main(RUN, job, str(out))
    assert set(seen) == {1}


def test_a_job_that_finds_its_run_finished_writes_it_without_training(
    job: RunJob, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_run.main(RUN, job, str(out))
    first = out.read_bytes()
    out.unlink()
    monkeypatch.delattr(training_job, "train")
    train_run.main(RUN, job, str(out))
    assert out.read_bytes() == first


def test_a_job_whose_data_changed_under_one_digest_trains_again(job: RunJob, out: Path, images: Dataset) -> None:
    # for example after a change of the code that reads published files
    train_run.main(RUN, job, str(out))
    first = read_summary(out).content_sha256
    changed = replace(images, train=replace(images.train, x=images.train.x[:, ::-1].copy()))
    write_data(job.data, changed)
    write_gate(Path(job.gates["tanh"]), RUN, changed)
    train_run.main(RUN, job, str(out))
    again = read_summary(out)
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
    job: RunJob, out: Path, images: Dataset, changed: dict[str, Any]
) -> None:
    write_gate(Path(job.gates["tanh"]), RUN, images, **changed)
    (key,) = changed
    with pytest.raises(HandgradError, match=rf"gate\.json: .*{key}.*delete it, and run snakemake again$"):
        train_run.main(RUN, job, str(out))
    assert not Path(job.checkpoints).exists()


def test_a_resumed_job_records_the_epochs_that_it_computes(job: RunJob, out: Path, tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    train_run.main(replace(RUN, epochs=1), job, str(out))
    train_run.main(RUN, replace(job, progress=ProgressFile(tmp_path / "a.log")), str(out))
    progress = read_progress(tmp_path / "a.log")
    assert progress
    assert (progress.epoch, progress.epochs, progress.resumed) == (2, 2, 1)
    assert progress.left(progress.time) == 0
