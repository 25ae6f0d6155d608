"""Check a configuration and build its experiment.

Every job does this again. The module therefore imports only YAML, jsonschema and NumPy.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handgrad.experiment.blocks import Block, block_of, run_table
from handgrad.experiment.config_block_checks import block_mistakes
from handgrad.experiment.config_changes import with_changes
from handgrad.experiment.config_checks import config_mistakes, file_mistakes
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import read_config, read_config_file
from handgrad.experiment.config_schema import completed, schema_mistakes
from handgrad.experiment.populations import enough_settings
from handgrad.experiment.published import comparable, published_rows, row_settings, run_settings
from handgrad.experiment.runs import AXES, Run, canonical_text
from handgrad.experiment.searches import Search, searches_of


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """Settings of the gradient check that the report shows."""

    hidden_units: int
    examples: int
    pixels: str
    epsilon: float

    @property
    def name(self) -> str:
        """The settings as part of a path: ``hu_200_n_5_raw_eps_1e-05``."""
        return f"hu_{self.hidden_units}_n_{self.examples}_{self.pixels}_eps_{canonical_text(self.epsilon)}"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table and its loss divisors.

    table: path of the CSV file. loss_divisor: by dataset, the number by which the publication divided the total
    test loss.
    """

    table: str
    loss_divisor: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment.

    blocks: the entries of ``experiments``. runs: the runs of entries without ``halving``, in table order.
    searches: the entries with ``halving`` or ``finalists``, for each dataset. datasets: the whole registry; each entry
    has every key.
    """

    name: str
    blocks: tuple[Block, ...]
    runs: tuple[Run, ...]
    searches: tuple[Search, ...]
    gradient_check: CheckSettings
    checkpoint_seconds: float
    published: Published | None
    datasets: Mapping[str, Mapping[str, Any]]

    @functools.cached_property
    def all_runs(self) -> tuple[Run, ...]:
        """Each run that may be trained, once: the runs, the candidates of searches and their possible finalists."""
        searches = (run for search in self.searches for run in (*search.candidates, *search.possible_finalists()))
        return tuple(dict.fromkeys((*self.runs, *searches)))

    @property
    def run_counts(self) -> Counter[str]:
        """The number of runs of each dataset that are trained: runs, candidates, and new seeds of finalists."""
        known = dict.fromkeys((*self.runs, *(run for search in self.searches for run in search.candidates)))
        counts = Counter(run.dataset for run in known)
        for search in self.searches:
            counts[search.dataset] += search.finalists * len(search.more_seeds)
        return counts

    @functools.cached_property
    def halved(self) -> tuple[Search, ...]:
        """The searches with ``halving``."""
        return tuple(search for search in self.searches if search.rungs)

    @functools.cached_property
    def axis_values(self) -> dict[str, dict[str, set[Any]]]:
        """For each dataset in the order of first use, the values of each axis in all runs."""
        values: dict[str, dict[str, set[Any]]] = {}
        for run in self.all_runs:
            of_dataset = values.setdefault(run.dataset, {axis: set() for axis in AXES})
            for axis, found in of_dataset.items():
                found.add(getattr(run, axis))
        return values

    @functools.cached_property
    def _published_rows(self) -> list[dict[str, Any]]:
        return [] if self.published is None else published_rows(self.published.table)

    @functools.cached_property
    def has_published(self) -> bool:
        """Whether the published table has a row for at least one comparable run."""
        published = {row_settings(row) for row in self._published_rows}
        return any(comparable(run) and run_settings(run) in published for run in self.runs)

    @functools.cached_property
    def has_importance(self) -> bool:
        """Whether there are enough settings to estimate the importance of axes."""
        return any(map(enough_settings, [search.candidates for search in self.halved] or [self.runs]))

    @functools.cached_property
    def has_published_dataset(self) -> bool:
        """Whether the published table has a row for at least one dataset of this experiment."""
        return not {row["dataset"] for row in self._published_rows}.isdisjoint(run.dataset for run in self.all_runs)


def read_experiment(file: Path, changes: Iterable[str] = ()) -> tuple[dict[str, Any], Experiment]:
    """Return the content of a file, and the experiment after merging it over the shipped files.

    changes: changes to the configuration, such as ``learning_rate=0.1`` (see ``with_changes``). Raises ConfigError with
    one line for each mistake. Each line begins with the file.
    """
    own, config = read_config_file(file), with_changes(read_config([file]), changes)
    try:
        return own, load_experiment(config)
    except ConfigError as error:
        raise ConfigError([f"{file}: {mistake}" for mistake in error.mistakes]) from None


def load_experiment(config: Mapping[str, Any], *, files: bool = True) -> Experiment:
    """Check a configuration and return its experiment.

    files: also check the files that the configuration names; False for a configuration from another machine.
    Raises ConfigError with one line for each mistake. If the schema finds mistakes, no other checks run.
    """
    if isinstance(config, Mapping):  # keys that begin with x- hold YAML anchors for reuse
        config = {key: value for key, value in config.items() if not str(key).startswith("x-")}
    complete = completed(config)
    _require_none(schema_mistakes(complete))
    blocks = tuple(map(block_of, complete["experiments"]))
    _require_none([*config_mistakes(complete, blocks), *(file_mistakes(complete) if files else ())])
    return _experiment(complete, blocks)


def with_samples(experiment: Experiment, samples: Mapping[int, int]) -> Experiment:
    """Return an experiment with other numbers of samples, by entry. Raises ConfigError as ``load_experiment`` does."""
    blocks = tuple(replace(block, samples=samples.get(i, block.samples)) for i, block in enumerate(experiment.blocks))
    changed = ((["experiments", i], blocks[i], experiment.datasets) for i in samples)
    _require_none(mistake for one in changed for mistake in block_mistakes(*one))
    return replace(experiment, blocks=blocks, **_tables(blocks))


def _require_none(mistakes: Iterable[str]) -> None:
    if lines := list(dict.fromkeys(mistakes)):
        raise ConfigError(lines)


def _experiment(config: Mapping[str, Any], blocks: tuple[Block, ...]) -> Experiment:
    check, published = config["gradient_check"], config["published"]
    return Experiment(
        name=config["name"],
        blocks=blocks,
        **_tables(blocks),
        gradient_check=CheckSettings(**{**check, "epsilon": float(check["epsilon"])}),
        checkpoint_seconds=float(config["checkpoint_seconds"]),
        published=None if published["table"] is None else Published(**published),
        datasets=config["datasets"],
    )


def _tables(blocks: Sequence[Block]) -> dict[str, Any]:
    """Return the runs and the searches of some entries."""
    return {"runs": run_table(block for block in blocks if not block.halving), "searches": searches_of(blocks)}
