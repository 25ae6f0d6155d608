"""The order of the candidates of a search after a rung, and its JSON file (``common.sealed_json``)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.sealed_json import parse_sealed_json, require_values, write_sealed_json
from handgrad.common.system_errors import reading_result
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import setting_of
from handgrad.search.rung_files import RungResult


@dataclass(frozen=True)
class Ranked:
    """A setting in a ranking. run: its run with the smallest seed. diverged: number of its seeds that diverged.

    validation_faults, validation_loss: after the last epoch, means over the seeds that did not diverge; None if there
    are none.
    """

    run: Run
    diverged: int
    validation_faults: float | None
    validation_loss: float | None

    def runs(self, seeds: Iterable[int]) -> list[Run]:
        """Return the runs of the setting with these seeds."""
        return [replace(self.run, seed=seed) for seed in seeds]

    @property
    def order(self) -> tuple[bool, float, float, str]:
        """What the ranking compares: a setting with a diverged seed comes after all others."""
        rate = math.inf if self.validation_faults is None else self.validation_faults / self.run.validation_size
        loss = math.inf if self.validation_loss is None else self.validation_loss
        return self.diverged > 0, rate, loss, self.run.name


@dataclass(frozen=True)
class Ranking:
    """The settings of a rung from the best to the worst. rung: its number. promoted: how many of them go on."""

    rung: int
    promoted: int
    settings: tuple[Ranked, ...]

    def slots(self, seeds: Sequence[int]) -> list[str]:
        """Return the names of the runs that go on, with their dataset; each setting with these seeds."""
        return [whole_name(run) for setting in self.settings[: self.promoted] for run in setting.runs(seeds)]

    def run_in_slot(self, slot: int, seed: int) -> Run:
        """Return the run of a slot: the setting with this rank, counted from 0, with this seed."""
        return replace(self.settings[slot].run, seed=seed)


def rank(results: Iterable[RungResult]) -> tuple[Ranked, ...]:
    """Return the settings of some results from the best to the worst.

    A setting is better if it misclassifies a smaller share of the validation examples, in the mean over its seeds.
    Equal settings are ranked by the validation loss, then by the name of the run with the smallest seed. A setting with
    a diverged seed comes after all settings without one.
    """
    settings: dict[tuple[Any, ...], list[RungResult]] = {}
    for result in results:
        settings.setdefault(tuple(setting_of(result.run).values()), []).append(result)
    return tuple(sorted(map(_ranked, settings.values()), key=lambda ranked: ranked.order))


def _ranked(seeds: Sequence[RungResult]) -> Ranked:
    alive = [result for result in seeds if not result.diverged]
    first = min((result.run for result in seeds), key=lambda run: run.seed)
    faults, losses = [], []
    for result in alive:
        loss = result.validation_loss[-1]
        assert loss is not None, "a run with a loss that is not finite has diverged"
        faults.append(result.validation_faults[-1])
        losses.append(loss)
    return Ranked(
        first,
        len(seeds) - len(alive),
        sum(faults) / len(alive) if alive else None,
        math.fsum(losses) / len(alive) if alive else None,
    )


def whole_name(run: Run) -> str:
    """Return ``<dataset>/<run>``, which identifies a run."""
    return f"{run.dataset}/{run.name}"


def require_runs(results: Mapping[str, RungResult], expected: Iterable[str]) -> None:
    """Raise HandgradError if a result, by its path, is not that of the expected run. expected: names in this order."""
    for (path, result), name in zip(results.items(), expected, strict=True):
        if (found := whole_name(result.run)) != name:
            raise HandgradError(f"{path}: holds the run {found}, expected {name}; {REMEDY}")


def write_ranking(path: str | Path, ranking: Ranking, digests: Mapping[str, str]) -> None:
    """Write a ranking. digests: of code and data."""
    write_sealed_json(path, {**asdict(ranking), **digests})


def read_ranking(path: str | Path, **expected: Any) -> Ranking:
    """Read a ranking. expected: values that it must have, such as rung, code_digest and data_digest.

    Raises HandgradError if it was changed, or if a value differs.
    """
    with reading_result(path):
        data = Path(path).read_bytes()
    content = parse_sealed_json(data, path, "a ranking")
    require_values(path, "ranking", content, expected)
    try:
        settings = tuple(Ranked(**{**one, "run": Run(**one["run"])}) for one in content["settings"])
    except (TypeError, LookupError) as error:
        raise HandgradError(f"{path}: not a ranking of this workflow ({error}); {REMEDY}") from error
    return Ranking(content["rung"], content["promoted"], settings)
