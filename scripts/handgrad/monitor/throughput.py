"""How long runs take on a machine: by earlier runs, or, where there are none, by counting operations."""

import contextlib
import functools
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.common.errors import HandgradError
from handgrad.common.sealed import open_sealed
from handgrad.experiment.runs import Run
from handgrad.layout.resources import Facts, epoch_seconds, pixels_of_image
from handgrad.storage.checkpoint import SUFFIX, Unusable, read_header
from handgrad.storage.run_writer import cpu_model, versions

RUNS, CHECKPOINTS = Path("results/runs"), Path("results/checkpoints")

#: how many earlier runs of a kind are read
SAMPLE = 5
#: what earlier runs are held against; what it is does not matter where an update costs little beside its size
NOMINAL_RATE = 2e11
#: how long a product is timed
TIMED_SECONDS = 0.03
#: the largest product that is timed: inputs, and entries of each of its two factors
TIMED_INPUTS, TIMED_ENTRIES = 10_000, 10_000_000

#: what reading a file raises that is not what its name says, or is damaged
UNREADABLE = (
    *(OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, struct.error),
    *(zipfile.BadZipFile, zlib.error, HandgradError, Unusable),
)

Kind = tuple[Any, ...]


@dataclass(frozen=True)
class Throughput:
    """How fast a run was. seconds: of an epoch. machine: what computed it, None if several did."""

    seconds: float
    machine: str | None


def this_machine() -> str:
    """Return the processor, and the BLAS as it runs here."""
    return _machine({"cpu": cpu_model(), **versions()})


def _machine(segment: Mapping[str, Any]) -> str:
    return f"{segment['cpu']}; {', '.join(sorted(str(segment['blas']).split(', ')))}"


def read_throughput(path: Path) -> Throughput | None:
    """Return the throughput of a run, from its file or its checkpoint; None if that is damaged, or has no epoch."""
    try:
        if path.name.endswith(SUFFIX):
            header = read_header(path)
            segments, epochs = header.segments, header.epochs
        else:
            with open_sealed(path) as sealed:  # HDF5 can crash on a damaged file
                segments = json.loads(sealed.file.attrs["segments"])
                epochs = len(sealed.file["history/seconds"])
        machines = {_machine(segment) for segment in segments}
        seconds = sum(segment["seconds"] for segment in segments) / epochs
    except (*UNREADABLE, ZeroDivisionError):
        return None
    return Throughput(seconds, machines.pop() if len(machines) == 1 else None)


class EarlierRuns:
    """What the earlier runs of a folder say of others.

    Of the kinds that a run belongs to, the closest one counts of which this machine has computed a run; if it
    has computed none, the closest one of which there is any. used: the files that were counted.
    """

    def __init__(self, folder: Path, datasets: Mapping[str, Facts]) -> None:
        self.datasets = datasets
        self.machine = this_machine()
        self.used: set[Path] = set()
        self._of_kind: dict[Kind, list[tuple[Path, Run]]] = {}
        self._throughput = functools.cache(read_throughput)
        self._factor = functools.cache(self._closest_factor)
        for path, run in _newest_first(folder):
            for kind in kinds(run, datasets[run.dataset]) if run.dataset in datasets else ():
                self._of_kind.setdefault(kind, []).append((path, run))

    def seconds(self, run: Run) -> float | None:
        """Return what an epoch of a run takes here; None if there is no earlier run of its kinds."""
        facts = self.datasets[run.dataset]
        factor = self._factor(kinds(run, facts))
        return None if factor is None else factor * epoch_seconds(run, facts, NOMINAL_RATE)

    def _closest_factor(self, ways: tuple[Kind, ...]) -> float | None:
        medians = (self._median(kind, machine) for machine in (self.machine, None) for kind in ways)
        return next((factor for factor in medians if factor is not None), None)

    def _median(self, kind: Kind, machine: str | None) -> float | None:
        """Return the median of what earlier runs of a kind took, of what they would at the nominal rate."""
        factors: list[float] = []
        for path, run in self._of_kind.get(kind, []):
            throughput = self._throughput(path)
            if throughput and machine in (None, throughput.machine):
                factors.append(throughput.seconds / epoch_seconds(run, self.datasets[run.dataset], NOMINAL_RATE))
                self.used.add(path)
            if len(factors) == SAMPLE:
                break
        return median(factors) if factors else None


def kinds(run: Run, facts: Facts) -> tuple[Kind, ...]:
    """Return the kinds of runs that a run belongs to, the closest first.

    Runs on images of other sizes say less of it than operation counts do.
    """
    widest = (pixels_of_image(facts), run.dtype)
    work = (*widest, run.momentum > 0)
    alike = (*work, run.activation)
    return (*alike, run.hidden_units, run.batch_size), alike, work, widest


def runs_in(folder: Path, suffix: str) -> dict[Run, Path]:
    """Return the files of a folder that are called like runs, by the runs."""
    found = {}
    for path in folder.glob(f"*/*{suffix}"):
        with contextlib.suppress(HandgradError):  # not called like a run
            found[Run.from_name(path.parent.name, path.name.removesuffix(suffix))] = path
    return found


def _newest_first(folder: Path) -> list[tuple[Path, Run]]:
    """Return the files of runs and, where there is none, of their checkpoints."""
    paths = runs_in(folder / CHECKPOINTS, SUFFIX) | runs_in(folder / RUNS, ".h5")
    dated = []
    for run, path in paths.items():
        with contextlib.suppress(OSError):  # removed by now
            dated.append((path.stat().st_mtime, path, run))
    return [(path, run) for _, path, run in sorted(dated, key=lambda one: one[:2], reverse=True)]


@functools.cache
def product_rate(examples: int, inputs: int, units: int, dtype: str) -> float:
    """Return the floating-point operations a second of this machine, now, in the largest product of a run: X W1'.

    Of a run too large to be tried in passing, a part of that product, which is as fast.
    """
    inputs = min(inputs, TIMED_INPUTS)
    units, examples = (min(size, TIMED_ENTRIES // inputs) for size in (units, examples))
    X = np.ones((examples, inputs), dtype)
    W1 = np.ones((units, inputs), dtype, order="F")
    A = np.empty((examples, units), dtype)
    times: list[float] = []
    with threadpool_limits(1):
        while sum(times) < TIMED_SECONDS or len(times) < 3:
            began = time.perf_counter()
            np.matmul(X, W1.T, out=A)
            times.append(time.perf_counter() - began)
    return 2 * A.size * inputs / median(times)
