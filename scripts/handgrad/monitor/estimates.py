"""What the jobs of an experiment that are still to be done will cost: time of a core, memory, room on disk.

Guesses, which decide nothing. Training is estimated as ``throughput`` says; other jobs take what they took before.
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from handgrad.experiment.config import Experiment
from handgrad.experiment.runs import Run
from handgrad.gradient_check.problem import GATE
from handgrad.layout import resources as costs
from handgrad.monitor.jobs import Job
from handgrad.monitor.throughput import (
    CHECKPOINTS,
    SAMPLE,
    UNREADABLE,
    EarlierRuns,
    product_rate,
    runs_in,
)
from handgrad.page.benchmarks import read_cost
from handgrad.storage.checkpoint import SUFFIX, read_header

BENCHMARKS = Path("results/benchmarks")

#: seconds of a training job beside its loop: Python, its imports, reading and writing
BESIDE_TRAINING = 0.5
#: seconds of other jobs that have not yet run here: Python and its imports; a pixel of a dataset; an entry of
#: a gradient and an example, all parts of a check; and a table or a figure
A_PYTHON, A_PIXEL, A_CHECKED_ENTRY, A_FIGURE = 0.5, 12e-9, 0.5e-6, 2.0
#: bytes a second of a download: a guess, since no network is like another
DOWNLOAD_RATE = 10e6
#: room for the tables, figures and the page of an experiment
PAGE_BYTES = 10_000_000


@dataclass(frozen=True)
class Estimate:
    """What a job will cost.

    seconds: of one core. megabytes: the memory that it asks for, 0 if it does not say. room: the bytes that
    it adds to the disk, a run's checkpoint included. passed: of a run, how many of its epochs need not be
    trained again. by: what the estimate of a run rests on.
    """

    job: Job
    seconds: float
    megabytes: int = 0
    room: int = 0
    passed: float = 0.0
    by: str = ""


class Estimator:
    """What jobs will cost. training: the digest of the code that trains, which checkpoints must be of."""

    def __init__(self, experiment: Experiment, folder: Path, training: str) -> None:
        self.experiment, self.folder, self.training = experiment, folder, training
        self.runs = {f"{run.dataset}/{run.name}": run for run in experiment.runs}
        self.earlier = EarlierRuns(folder, experiment.datasets)
        self._checkpoints: dict[Run, list[tuple[Run, Path]]] = {}  # by what the runs are apart from ``epochs``
        for run, path in runs_in(folder / CHECKPOINTS, SUFFIX).items():
            self._checkpoints.setdefault(replace(run, epochs=1), []).append((run, path))
        self._rule_seconds = functools.cache(self._median_seconds)

    def estimate(self, job: Job) -> Estimate:
        """Return what a job will cost; of a run, what is left of it."""
        if job.rule == "train_run":
            return self._training(job)
        if job.rule == "download_file":
            size = self._file_size(job.name)
            return Estimate(job, 0.5 + size / DOWNLOAD_RATE, room=size)
        before = read_cost(self.folder / job.benchmark)
        return replace(self._first(job), seconds=before.seconds) if before else self._first(job)

    def _first(self, job: Job) -> Estimate:
        """Return what a job will cost that was never done here."""
        if job.rule == "preprocess_dataset":
            facts = self.experiment.datasets[job.name]
            seconds = A_PYTHON + A_PIXEL * costs.pixels_of_dataset(facts)
            return Estimate(job, seconds, costs.preprocess_megabytes(facts), costs.data_bytes(facts))
        if job.rule in ("check_gate", "check_gradients"):
            return self._check(job)
        return Estimate(job, self._rule_seconds(job.rule), room=PAGE_BYTES if job.rule == "render_summary" else 0)

    def _check(self, job: Job) -> Estimate:
        check = GATE if job.rule == "check_gate" else self.experiment.gradient_check
        M, N = check.hidden_units, check.examples
        # the name of a check begins with its dataset; names of datasets may begin alike
        dataset = max((name for name in self.experiment.datasets if job.name.startswith(f"{name}_")), key=len)
        facts = self.experiment.datasets[dataset]
        entries = M * (costs.pixels_of_image(facts) + 1)
        seconds = A_PYTHON + A_CHECKED_ENTRY * entries * N
        return Estimate(job, seconds, costs.check_megabytes(facts, hidden_units=M, examples=N))

    def _training(self, job: Job) -> Estimate:
        run = self.runs[job.name]
        facts, passed = self.experiment.datasets[run.dataset], self.passed(run)
        an_epoch, by = self.earlier.seconds(run), "earlier runs"
        if an_epoch is None:
            rate = product_rate(run.batch_size, costs.pixels_of_image(facts) + 1, run.hidden_units, run.dtype)
            an_epoch, by = costs.epoch_seconds(run, facts, rate), "operation counts"
        seconds = BESIDE_TRAINING + (run.epochs - passed) * an_epoch
        room = costs.run_bytes(run, facts) + costs.checkpoint_bytes(run, facts)
        return Estimate(job, seconds, costs.run_megabytes(run, facts), room, passed, by)

    def passed(self, run: Run) -> float:
        """Return how many epochs of a run need not be trained again: those of the furthest checkpoint."""
        alike = self._checkpoints.get(replace(run, epochs=1), [])
        usable = [(other, path) for other, path in alike if other == run or run.can_be_extended]
        return max((self._epochs_in(path, run, other) for other, path in usable), default=0.0)

    def _epochs_in(self, path: Path, run: Run, other: Run) -> float:
        """Return how many epochs of a run its checkpoint, or that of another run, spares it."""
        try:
            header = read_header(path)
            if header.code != self.training:
                return 0.0
            if header.ended and other == run:
                return float(run.epochs)
            size = costs.train_size(run, self.experiment.datasets[run.dataset])
            epochs = float(header.epochs + header.passed / size)
        except UNREADABLE:
            return 0.0
        return epochs if epochs <= run.epochs else 0.0

    def _median_seconds(self, rule: str) -> float:
        """Return what the jobs of a rule took."""
        files = sorted((self.folder / BENCHMARKS / rule).rglob("*.tsv"))[: 4 * SAMPLE]
        seconds = [job.seconds for job in map(read_cost, files) if job]
        return median(seconds) if seconds else A_FIGURE

    def _file_size(self, name: str) -> int:
        dataset, _, file = name.partition("/")
        files = self.experiment.datasets[dataset]["files"].values()
        return sum(entry["size"] for entry in files if entry["name"] == file)
