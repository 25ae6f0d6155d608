"""Builders that tests share: small datasets, runs, training results, summaries and progress files."""

import hashlib
import json
import os
import socket
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.progress_file import progress_path
from handgrad.common.sealed import BLOCK, MAGIC
from handgrad.datasets.data import ImageData, Split, open_data
from handgrad.experiment.published import SETTINGS
from handgrad.experiment.runs import Run
from handgrad.network.model import Weights
from handgrad.storage.run_reader import Summary
from handgrad.tables.published import PUBLISHED_TYPES
from handgrad.tables.table import TableKind
from handgrad.training.loop import State, TrainingResult
from handgrad.training.results import Epoch, Evaluation

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


def run_of(**axes: Any) -> Run:
    """Return RUN with these values replaced."""
    return replace(RUN, **axes)


def image_data(train: int = 20, test: int = 10, *, classes: int = 3, digest: str = "data") -> ImageData:
    """Return a dataset of random images with 2 x 3 pixels. Equal arguments give equal images."""
    rng = np.random.default_rng(8)
    splits = [
        Split(rng.integers(0, 256, (n, 6), np.uint8), rng.integers(0, classes, n, np.uint8)) for n in (train, test)
    ]
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:classes])
    return ImageData(*splits, (2, 3), 255, names, {"images.gz": "beef"}, digest)


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
    history = {"validation_faults": np.array([999, validation_faults])}
    found = None if faults is None else loss
    return Summary(run_of(**axes), status, size, faults, found, seconds, history, "c0ffee", {})


def read_data(path: Path, digest: str) -> ImageData:
    """Return the whole content of a dataset file."""
    with open_data(path, digest) as stored:
        return stored.images()


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
