"""What the steps of an experiment that are still to be done will cost: time of a core, memory, room on disk.

Guesses, which decide nothing. Training is estimated as ``pace`` says; other jobs take what they took before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.experiment.runs import Run
from handgrad.gradient_check.problem import GATE
from handgrad.layout import resources as costs
from handgrad.monitor.jobs import Step
from handgrad.monitor.throughput import CHECKPOINTS, SAMPLE, UNREADABLE, Paces, product_rate, read_header
from handgrad.page.benchmarks import read_job
from handgrad.storage.checkpoint import SUFFIX

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
    """What a step will cost.

    seconds: of one core. megabytes: the memory that it asks for, 0 if it does not say. room: the bytes that
    it adds to the disk, a run's checkpoint included. passed: of a run, how many of its epochs need not be
    trained again. by: what the estimate of a run rests on.
    """

    step: Step
    seconds: float
    megabytes: int = 0
    room: int = 0
    passed: float = 0.0
    by: str = ""


class Estimator:
    """What steps will cost. training: the digest of the code that trains, which checkpoints must be of."""

    def __init__(self, experiment: Experiment, folder: Path, training: str) -> None:
        self.experiment, self.folder, self.training = experiment, folder, training
        self.runs = {f"{run.dataset}/{run.name}": run for run in experiment.runs}
        self.paces = Paces(folder, experiment.datasets)
        self._checkpoints = _checkpoints(folder)
        self._rates: dict[tuple[Any, ...], float] = {}
        self._medians: dict[str, float | None] = {}

    def estimate(self, step: Step) -> Estimate:
        """What a step will cost; of a run, what is left of it."""
        if step.rule == "train_run":
            return self._training(step)
        if step.rule == "download_file":
            size = self._file_size(step.name)
            return Estimate(step, 0.5 + size / DOWNLOAD_RATE, room=size)
        before = read_job(self.folder / step.benchmark)
        return replace(self._first(step), seconds=before.seconds) if before else self._first(step)

    def _first(self, step: Step) -> Estimate:
        """What a step will cost that was never done here."""
        if step.rule == "preprocess_dataset":
            facts = self.experiment.datasets[step.name]
            seconds = A_PYTHON + A_PIXEL * costs.all_pixels(facts)
            return Estimate(step, seconds, costs.preprocess_megabytes(facts), costs.data_bytes(facts))
        if step.rule in ("check_gate", "check_gradients"):
            return self._check(step)
        room = PAGE_BYTES if step.rule == "render_summary" else 0
        return Estimate(step, self._rule_seconds(step.rule), room=room)

    def _check(self, step: Step) -> Estimate:
        check = self.experiment.gradient_check
        M, N = (
            (check.hidden_units, check.examples)
            if step.rule == "check_gradients"
            else (GATE.hidden_units, GATE.examples)
        )
        facts = self._facts_of_check(step.name)
        entries = M * (costs.pixels_of_image(facts) + 1)
        return Estimate(
            step,
            A_PYTHON + A_CHECKED_ENTRY * entries * N,
            costs.check_megabytes(facts, hidden_units=M, examples=N),
        )

    def _facts_of_check(self, name: str) -> costs.Facts:
        """The dataset of a check, whose name begins with it: names of datasets may begin alike."""
        fitting = [dataset for dataset in self.experiment.datasets if name.startswith(f"{dataset}_")]
        return self.experiment.datasets[max(fitting, key=len)]

    def _training(self, step: Step) -> Estimate:
        run = self.runs[step.name]
        facts, passed = self._facts(run), self.passed(run)
        an_epoch, by = self.paces.seconds(run), "earlier runs"
        if an_epoch is None:
            an_epoch, by = costs.epoch_seconds(run, facts, self._rate(run, facts)), "operation counts"
        return Estimate(
            step,
            BESIDE_TRAINING + (run.epochs - passed) * an_epoch,
            costs.run_megabytes(run, facts),
            costs.run_bytes(run, facts) + costs.checkpoint_bytes(run, facts),
            passed,
            by,
        )

    def passed(self, run: Run) -> float:
        """How many epochs of a run need not be trained again: those of the furthest checkpoint."""
        size = costs.train_size(run, self._facts(run))
        return max(
            (
                self._usable_epochs(path, run, other, size)
                for path, other in self._checkpoints.get(replace(run, epochs=1), [])
                if other == run or run.can_be_extended
            ),
            default=0.0,
        )

    def _usable_epochs(self, path: Path, run: Run, other: Run, train_size: int) -> float:
        try:
            header = read_header(path)
            epochs = float(header["epochs"] + header["passed"] / train_size)
            usable = header["code"] == self.training and epochs <= run.epochs
            return 0.0 if not usable else float(run.epochs) if header["ended"] and other == run else epochs
        except UNREADABLE:
            return 0.0

    def _facts(self, run: Run) -> costs.Facts:
        return self.experiment.datasets[run.dataset]

    def _rate(self, run: Run, facts: costs.Facts) -> float:
        shape = (run.batch_size, costs.pixels_of_image(facts), run.hidden_units, run.dtype)
        if shape not in self._rates:
            self._rates[shape] = product_rate(run, facts)
        return self._rates[shape]

    def _rule_seconds(self, rule: str) -> float:
        if rule not in self._medians:
            self._medians[rule] = _median_seconds(self.folder / BENCHMARKS / rule)
        return self._medians[rule] or A_FIGURE

    def _file_size(self, name: str) -> int:
        dataset, _, file = name.partition("/")
        files = self.experiment.datasets[dataset]["files"].values()
        return sum(entry["size"] for entry in files if entry["name"] == file)


def _median_seconds(folder: Path) -> float | None:
    jobs = [read_job(path) for path in sorted(folder.rglob("*.tsv"))[: 4 * SAMPLE]]
    seconds = [job.seconds for job in jobs if job]
    return median(seconds) if seconds else None


def _checkpoints(folder: Path) -> Mapping[Run, list[tuple[Path, Run]]]:
    """The checkpoints of a folder, by what their runs are but for ``epochs``."""
    found: dict[Run, list[tuple[Path, Run]]] = {}
    for path in (folder / CHECKPOINTS).glob(f"*/*{SUFFIX}"):
        try:
            run = Run.from_name(path.parent.name, path.name.removesuffix(SUFFIX))
        except HandgradError:
            continue
        found.setdefault(replace(run, epochs=1), []).append((path, run))
    return found
