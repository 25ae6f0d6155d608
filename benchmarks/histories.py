"""Train runs in this process, and keep their validation figures, so that the benchmark of searches can be repeated."""

import functools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from threadpoolctl import threadpool_limits

from handgrad.common.code_digests import code_digest
from handgrad.datasets.data import Dataset, Split, open_data
from handgrad.experiment.runs import Run
from handgrad.network.activations import ACTIVATIONS
from handgrad.training.loop import batches_of, evaluate, train
from handgrad.training.results import Epoch

FINISHED, DIVERGED, STOPPED = "finished", "diverged", "stopped"
#: called after each epoch with its number (from 1) and the validation faults; False stops the run
GoesOn = Callable[[int, int], bool]


@dataclass(frozen=True)
class History:
    """The validation figures of a run after each epoch.

    test_faults: of the final weights on the test set; None if the run did not finish.
    """

    status: str = STOPPED
    faults: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()
    test_faults: int | None = None

    @property
    def epochs(self) -> int:
        """Return the number of trained epochs."""
        return len(self.faults)

    def first(self, epochs: int) -> "History":
        """Return the history of the same run, stopped after this number of epochs."""
        if epochs >= self.epochs:
            return self
        return History(STOPPED, self.faults[:epochs], self.losses[:epochs])


@dataclass(frozen=True)
class Source:
    """A dataset file, its digest, and the folder of known histories."""

    path: Path
    digest: str
    folder: Path

    @functools.cached_property
    def content(self) -> str:
        """Return the sha256 of the data."""
        with open_data(self.path, self.digest) as stored:
            return stored.content

    @property
    def test_examples(self) -> int:
        """Return the number of test examples."""
        with open_data(self.path, self.digest) as stored:
            return len(stored.test_labels)

    @property
    def cache(self) -> Path:
        """Return the file of known histories. Its name changes if the data or the code of training change."""
        key = sha256(f"{self.content} {code_digest('handgrad.training.loop')}".encode()).hexdigest()[:16]
        return self.folder / f"{self.path.stem}_{key}.jsonl"


@functools.cache  # once in each process
def read_data(source: Source) -> Dataset:
    """Return the dataset."""
    with open_data(source.path, source.digest) as stored:
        return stored.dataset()


@functools.cache  # once in each process
def known_histories(cache: Path) -> dict[str, History]:
    """Return name of a run -> its longest known history."""
    known: dict[str, History] = {}
    for line in cache.read_text(encoding="utf-8").splitlines() if cache.is_file() else ():
        entry = json.loads(line)
        name = entry.pop("run")
        history = History(**{**entry, "faults": tuple(entry["faults"]), "losses": tuple(entry["losses"])})
        known[name] = max(known.get(name, History()), history, key=lambda one: one.epochs)
    return known


def history_of(run: Run, source: Source, goes_on: GoesOn = lambda *_: True) -> History:
    """Return the history of a run until its last epoch, or until ``goes_on`` stops it.

    A known history is used as if it were trained now. A new history is added to the cache.
    """
    known = known_histories(source.cache)
    old = known.get(run.name, History())
    for number, faults in enumerate(old.faults, 1):
        if number < run.epochs and not goes_on(number, faults):
            return old.first(number)
    if old.status != STOPPED:
        return old
    new = _trained(run, read_data(source), lambda number, faults: number <= old.epochs or goes_on(number, faults))
    known[run.name] = new
    source.cache.parent.mkdir(parents=True, exist_ok=True)
    with source.cache.open("a", encoding="utf-8") as file:  # one short write, so that processes can share the file
        file.write(json.dumps({"run": run.name, **asdict(new)}) + "\n")
    return new


class _Stop(Exception):
    pass


def _trained(run: Run, data: Dataset, goes_on: GoesOn) -> History:
    """Train a run with one thread. The test set is evaluated only once, after the last epoch."""
    faults: list[int] = []
    losses: list[float] = []

    def after_epoch(number: int, epoch: Epoch) -> None:
        faults.append(epoch.validation_faults)
        losses.append(epoch.validation_loss)
        if number < run.epochs and epoch.finite and not goes_on(number, epoch.validation_faults):
            raise _Stop

    one_test_example = replace(data, test=Split(data.test.x[:1], data.test.y[:1]))
    with threadpool_limits(1):
        try:
            result = train(run, one_test_example, after_epoch)
        except _Stop:
            return History(STOPPED, tuple(faults), tuple(losses))
        if result.status != FINISHED or result.scaling is None:
            return History(DIVERGED, tuple(faults), tuple(losses))
        batch_of = batches_of(result.state.W, result.scaling, ACTIVATIONS[run.activation])
        return History(FINISHED, tuple(faults), tuple(losses), evaluate(batch_of, data.test, None).faults)
