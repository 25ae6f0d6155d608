"""Builders that tests share: small datasets, runs, training results, summaries and progress files."""

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.code_digests import code_digest
from handgrad.common.progress_file import progress_path
from handgrad.common.sealed import BLOCK, MAGIC
from handgrad.common.sealed_json import write_sealed_json
from handgrad.datasets.data import Dataset, Split, content_of, open_data, write_data
from handgrad.datasets.inputs import InputSpec
from handgrad.datasets.scaling import Scaling
from handgrad.experiment.published import SETTINGS
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout.jobs import Job
from handgrad.layout.paths import CHECKPOINTS, finalist_files, part_files, ranking_file, run_file
from handgrad.network.model import Weights
from handgrad.search.ranking import Ranked, Ranking, rank, write_ranking
from handgrad.search.rung_files import rung_result, write_rung_file
from handgrad.storage.checkpoint import Checkpoint, Origin, path_of, write_checkpoint
from handgrad.storage.run_job import RunJob
from handgrad.storage.run_reader import Summary
from handgrad.storage.run_writer import this_segment, write_run
from handgrad.tables.published import PUBLISHED_TYPES
from handgrad.tables.table import TableKind
from handgrad.training.loop import State, TrainingResult, train
from handgrad.training.results import Epoch, Evaluation

#: runs the command with these arguments, and returns its exit status, stdout and stderr
Handgrad = Callable[..., tuple[int, str, str]]

RUN = Run(
    dataset="digits",
    activation="tanh",
    hidden_units=5,
    learning_rate=0.001,
    batch_size=50,
    epochs=2,
    l2=0.01,
    seed=0,
)


#: the inputs of images of 2 x 3 pixels
PIXELS = InputSpec(image_shape=(2, 3), max_value=255)


#: the part of a run file that is needed to use the run, for ``write_run``
USE: dict[str, Any] = {"scaling": Scaling(1 / 255), "spec": PIXELS, "class_names": ("a", "b", "c")}


def run_of(**axes: Any) -> Run:
    """Return RUN with these values replaced."""
    return replace(RUN, **axes)


def image_data(train: int = 20, test: int = 10, *, classes: int = 3, digest: str = "data") -> Dataset:
    """Return a dataset of random images with 2 x 3 pixels. Equal arguments give equal images."""
    rng = np.random.default_rng(8)
    splits = [
        Split(rng.integers(0, 256, (n, 6), np.uint8), rng.integers(0, classes, n, np.uint8)) for n in (train, test)
    ]
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:classes])
    return Dataset(*splits, PIXELS, names, {"images.gz": "beef"}, digest)


def trained(run: Run = RUN, *, inputs: int = 6, classes: int = 3, examples: int = 10, **changes: Any) -> TrainingResult:
    """Return the result of training a run, with random weights and probabilities. examples: number of test examples."""
    rng = np.random.default_rng(0)
    M = run.hidden_units
    W = Weights(rng.normal(size=(M, inputs + 1)).astype(run.dtype), rng.normal(size=(classes, M + 1)).astype(run.dtype))
    history = [Epoch(-1.0, 0.2, 0.7, 3 + left, np.nan, -1, 0.5) for left in range(run.epochs)[::-1]]
    Y = rng.dirichlet(np.ones(classes), examples).astype(run.dtype)
    test = Evaluation(0.7, 3, Y.argmax(axis=1).astype(np.uint8), Y)
    whole = TrainingResult(run, "finished", State(W, history), test, train_examples=20, test_examples=examples)
    return replace(whole, **changes)


def summary(
    faults: int | None = 200,
    *,
    size: int = 10000,
    loss: float = 0.5,
    seconds: float = 1.0,
    validation_faults: int = -1,
    **axes: Any,
) -> Summary:
    """Return the summary of a run with this number of faults in ``size`` test images. None: the run diverged."""
    status = "diverged" if faults is None else "finished"
    found = None if faults is None else loss
    history = {
        "validation_faults": np.array([999, validation_faults]),
        "test_faults": np.array([999, -1 if faults is None else faults]),
        "test_loss": np.array([loss, np.nan if faults is None else loss]),
    }
    run = run_of(**axes)
    path = run_file(run.dataset, run.name)
    return Summary(run, status, size, faults, found, seconds, history, "c0ffee", {}, path=path)


@cache
def digits(*, features: bool = False) -> Dataset:
    """Return the digits of scikit-learn, 8 x 8 pixels from 0 to 16; with ``features``, as 64 numbers."""
    from sklearn.datasets import load_digits  # takes a second to import

    x, y = load_digits(return_X_y=True)
    x = (3.7 * x - 5).astype(np.float32) if features else x.astype(np.uint8)
    parts = [Split(x[rows], y[rows].astype(np.uint8)) for rows in (slice(1437), slice(1437, None))]
    spec = InputSpec() if features else InputSpec(image_shape=(8, 8), max_value=16)
    return Dataset(*parts, spec, tuple("0123456789"), {}, "digits")


def on_validation(result: TrainingResult, faults: int, loss: float = 0.5) -> TrainingResult:
    """Return a result with these validation figures after its last epoch, and one more fault in each epoch before."""
    epochs = result.state.history
    figures = [(faults + left, loss + 0.01 * left) for left in range(len(epochs))[::-1]]
    history = [
        replace(epoch, validation_faults=faults, validation_loss=loss)
        for epoch, (faults, loss) in zip(epochs, figures, strict=True)
    ]
    return replace(result, state=replace(result.state, history=history))


def write_gate(path: Path, run: Run, data: Dataset, **changes: Any) -> None:
    """Write the passed gate of a run for this dataset and the present code."""
    passed = {
        "dataset": run.dataset,
        "activation": run.activation,
        "code_digest": code_digest("check_gate"),
        "data_digest": data.digest,
        "data_content": content_of(data),
        "passed": True,
    }
    write_sealed_json(path, passed | changes)


def run_job(folder: Path, run: Run, data: Dataset) -> RunJob:
    """Write a dataset and the gate of a run, and return a job that trains the run."""
    write_data(folder / "data.h5", data)
    write_gate(folder / "gate.json", run, data)
    return RunJob(
        data=str(folder / "data.h5"),
        gates={run.activation: str(folder / "gate.json")},
        checkpoints=str(folder / "checkpoints"),
        checkpoint_seconds=10,
        code_digest=code_digest("train_run"),
        data_digest=data.digest,
    )


def write_search(
    folder: Path,
    experiment: str,
    search: Search,
    result_of: Callable[[Run], TrainingResult],
    digests: dict[str, str],
    use: dict[str, Any] = USE,
) -> None:
    """Write all files of a search, as its jobs do. result_of: returns the result of a run after all its epochs."""
    of_ranking = {name: digests[name] for name in ("code_digest", "data_digest")}
    runs: Iterable[Run] = search.candidates
    settings: tuple[Ranked, ...] = ()
    for number, promoted in enumerate(search.promoted):
        rungs = []
        for run, path in zip(runs, part_files(experiment, search, number), strict=True):
            result = result_of(run)
            rung = rung_result(run, search.until(number, run), Checkpoint(run, result.state, (), result))
            rungs.append(rung)
            if path.endswith(".h5"):
                write_run(folder / path, result, [], **digests, **use)
            else:
                write_rung_file(folder / path, rung, digests)
        settings = rank(rungs)
        if number in search.rankings:
            write_ranking(
                folder / ranking_file(experiment, search, number), Ranking(number, promoted, settings), of_ranking
            )
        runs = [run for setting in settings[:promoted] for run in setting.runs(search.seeds)]
    for (slot, seed), path in zip(search.finalist_slots(), finalist_files(experiment, search), strict=True):
        write_run(folder / path, result_of(replace(settings[slot].run, seed=seed)), [], **digests, **use)


def write_trained_run(path: Path, data: Dataset, **axes: Any) -> TrainingResult:
    """Train a run on a dataset, and write its run file."""
    found = train(run_of(**axes), data, lambda *_: None)
    use: dict[str, Any] = {"scaling": found.scaling, "spec": data.spec, "class_names": data.class_names}
    segments = [this_segment(1, found.run.epochs, 1.0)]
    write_run(path, found, segments, code_digest="code", data_digest="data", data_content="content", **use)
    return found


def read_data(path: Path, digest: str) -> Dataset:
    """Return the whole content of a dataset file."""
    with open_data(path, digest) as stored:
        return stored.dataset()


def grid(base: int = 200, **axes: list[Any]) -> list[Summary]:
    """Return the summaries of all combinations of these values. Their faults are base, base + 1, ..."""
    points = product(*axes.values())
    return [summary(base + i, **dict(zip(axes, point, strict=True))) for i, point in enumerate(points)]


def write_progress(log: Path, *events: dict[str, Any]) -> Path:
    """Write the progress file of a job with this log, and an empty log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    progress_path(log).write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
    return log


def epoch_event(epoch: int, seconds: float, time: float = 0.0, *, resumed: int = 0) -> dict[str, Any]:
    """Return the event after an epoch of a job of 20 epochs. seconds: the training time of this attempt."""
    facts = {"epoch": epoch, "epochs": 20, "resumed": resumed, "seconds": seconds}
    return {"event": "epoch", "time": time, **facts}


def training_job(run: Run) -> Job:
    """Return the job that trains a run whole."""
    return Job("train_run", f"{run.dataset}/{run.name}", dataset=run.dataset, run=run)


def write_earlier_run(folder: Path, run: Run, seconds: float, host: str | None = None, epochs: int = 20) -> Path:
    """Write the progress file of a finished run. seconds: time of an epoch. host: None for this machine."""
    started = started_event(**({"host": host} if host else {}))
    first = {**epoch_event(0, 0.0), "run": vars(run)}
    return write_progress(folder / training_job(run).log, started, first, epoch_event(epochs, seconds * epochs))


def write_run_checkpoint(folder: Path, run: Run, epochs: int, code: str = "code", *, ended: bool = False) -> Path:
    """Write the checkpoint of a run after this many epochs, of 2 s each."""
    path = path_of(folder / CHECKPOINTS, run)
    end = replace(trained(replace(run, hidden_units=2, epochs=epochs)), run=run)
    segments = (this_segment(1, epochs, 2.0 * epochs),)
    write_checkpoint(path, Checkpoint(run, end.state, segments, end if ended else None), Origin(run, code, "data"))
    return path


def published(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return a published table with these rows. Missing values are the settings of RUN, and 200 faults of 10,000."""
    usual = {**{name: getattr(RUN, name) for name in SETTINGS}, "faults": 200, "test_size": 10000, "loss": 0.0147}
    return pd.DataFrame([{**usual, **row} for row in rows], columns=list(PUBLISHED_TYPES)).astype(PUBLISHED_TYPES)


def shown(kind: TableKind, table: pd.DataFrame) -> list[dict[str, str]]:
    """Return the displayed texts of each row of a table, by the titles of the columns."""
    return pd.DataFrame({column.title: column.texts for column in kind.columns(table)}).to_dict("records")


def seal(path: Path) -> None:
    """Overwrite the seal of an HDF5 file with the checksum of its present content."""
    content = path.read_bytes()[BLOCK:]
    sha256 = hashlib.sha256(content).hexdigest()
    path.write_bytes((MAGIC + sha256.encode() + b"\n").ljust(BLOCK, b"\0") + content)


def started_event(**facts: Any) -> dict[str, Any]:
    """Return the start event of a job in this process. Its time is later than the start of the process."""
    here = {"host": socket.gethostname(), "pid": os.getpid(), "slurm_job": None}
    return {"event": "started", "time": 1e12, **here, **facts}
