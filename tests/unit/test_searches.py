"""Searches in an experiment file: candidates, rungs, finalists, and mistakes in ``halving`` and ``finalists``."""

from fractions import Fraction
from typing import Any

import pytest

from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_block_checks import MOST_RUNS
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge, read_config
from handgrad.experiment.searches import Search
from handgrad.layout.jobs import jobs_of
from handgrad.layout.paths import final_outputs, run_files, search_files, table_names

SHIPPED = read_config([])


def load(*entries: dict[str, Any]) -> Experiment:
    """Return an experiment on digits with validation examples and 9 epochs."""
    usual = {"dataset": "digits", "validation_size": 100, "epochs": 9}
    return load_experiment(merge(SHIPPED, {"name": "find", "experiments": [{**usual, **entry} for entry in entries]}))


def search(**entry: Any) -> Search:
    """Return the only search of an experiment with one entry."""
    (found,) = load(entry).searches
    return found


def l2(count: int) -> list[float]:
    return [i / 100 for i in range(count)]


# --- sizes and slots


@pytest.mark.parametrize(
    ("settings", "keep", "sizes"),
    [
        (27, "1/3", (27, 9, 3, 1)),
        (81, "1/3", (81, 27, 9, 3)),
        (28, "1/3", (28, 10, 4, 2)),  # rounded up
        (30, 0.1, (30, 3, 1, 1)),  # as a float, 0.1 is more than 1/10
        (30, "1/10", (30, 3, 1, 1)),
        (100, 0.07, (100, 7, 1, 1)),  # as floats, 100 * 0.07 is more than 7
        (1, "1/2", (1, 1, 1, 1)),
        (2, 0.999, (2, 2, 2, 2)),
    ],
)
def test_the_sizes_of_rungs_are_exact_and_rounded_up(settings: int, keep: str | float, sizes: tuple[int, ...]) -> None:
    halving = {"epochs": [1, 3, 5], "keep": keep}
    assert search(l2=l2(settings), halving=halving).sizes == sizes


def test_a_third_is_kept_by_default_and_the_last_part_has_all_epochs() -> None:
    found = search(l2=l2(9), seed=[4, 2], halving={"epochs": [1, 3]})
    assert (found.keep, found.sizes, found.seeds, found.finalists) == (Fraction(1, 3), (9, 3, 1), (4, 2), 0)
    assert [found.until(part, found.candidates[0]) for part in range(3)] == [1, 3, 9]
    assert list(found.slots(1)) == [(rank, seed) for rank in range(3) for seed in (4, 2)]
    assert [run.seed for run in found.settings] == [4] * 9


def test_each_entry_and_dataset_has_a_search_of_its_own() -> None:
    halving = {"epochs": [1]}
    experiment = load(
        {"l2": 0}, {"dataset": ["wine", "digits"], "validation_size": 30, "l2": l2(3), "halving": halving}
    )
    assert [(one.block, one.dataset, one.sizes) for one in experiment.searches] == [
        (1, "wine", (3, 1)),
        (1, "digits", (3, 1)),
    ]
    assert len(experiment.runs) == 1
    assert set(experiment.all_runs) == {run for one in experiment.searches for run in one.candidates} | set(
        experiment.runs
    )


# --- finalists


def test_finalists_train_the_seeds_that_the_candidates_lack() -> None:
    entry = {"l2": l2(4), "seed": [0, 1], "finalists": {"count": 2, "seeds": [1, 7, 0, 5]}}
    for halving, trained_whole in ((None, 8), ({"epochs": [1], "keep": "1/2"}, 0)):
        experiment = load({**entry, "halving": halving})
        (found,) = experiment.searches
        assert found.more_seeds == (7, 5)
        assert list(found.finalist_slots()) == [(0, 7), (0, 5), (1, 7), (1, 5)]
        assert len(experiment.runs) == trained_whole
        assert {(run.l2, run.seed) for run in experiment.all_runs} == {(x, s) for x in l2(4) for s in (0, 1, 5, 7)}


def test_finalists_with_known_seeds_train_nothing() -> None:
    experiment = load({"l2": l2(4), "seed": [0, 1], "finalists": {"count": 2, "seeds": [1]}})
    assert len(experiment.all_runs) == len(run_files(experiment)) == 8


# --- files and jobs


def test_every_file_of_a_search_is_made_by_one_job_and_is_a_final_output() -> None:
    many = {"l2": l2(5), "seed": [0, 1], "halving": {"epochs": [1, 3]}, "finalists": {"count": 1, "seeds": [0, 8]}}
    experiment = load(
        many, {"l2": l2(3), "finalists": {"count": 2, "seeds": [3]}}, {"l2": l2(2), "halving": {"epochs": [1]}}
    )
    made = [path for job in jobs_of(experiment) for path in job.outputs if job.search]
    whole = [path for job in jobs_of(experiment) for path in job.outputs if job.rule == "train_run"]
    assert sorted([*made, *whole]) == sorted({*search_files(experiment), *run_files(experiment)})
    assert {*made, *whole} <= set(final_outputs(experiment))
    names = [(job.rule, job.name) for job in jobs_of(experiment)]
    assert len(set(names)) == len(names)


def test_only_halving_has_a_table_of_the_search() -> None:
    finalists = {"count": 1, "seeds": [5]}
    assert "search" not in table_names(load({"finalists": finalists}))
    assert "search" in table_names(load({"finalists": finalists, "halving": {"epochs": [1]}}))


# --- mistakes

HALVING = {"epochs": [1]}
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"halving": HALVING, "validation_size": 0}, "halving: ranks settings on validation examples", "validation_size"),
    ({"halving": HALVING, "validation_size": [100, 0]}, "halving: ranks settings on validation", "validation_size"),
    ({"finalists": {"count": 1, "seeds": [1]}, "validation_size": 0}, "finalists: ranks", "validation_size"),
    (
        {"halving": HALVING, "seed": [0, 1], "l2": [0, 1], "zip": [["seed", "l2"]]},
        "halving: found settings with",
        "seeds",
    ),
    (
        {"halving": HALVING, "seed": [0, 1], "l2": [0, 1], "exclude": [{"seed": 1, "l2": 1}]},
        "halving: found settings with different seeds",
        "the same seeds",
    ),
    ({"halving": {"epochs": [3, 3]}}, "halving.epochs: found [3, 3]", "increasing"),
    ({"halving": {"epochs": [3, 1]}}, "halving.epochs: found [3, 1]", "increasing"),
    ({"halving": {"epochs": [1, 9]}}, "halving.epochs: found [1, 9]", "below epochs: 9"),
    ({"halving": {"epochs": [0, 1]}}, "halving.epochs[0]: found 0", "at least 1"),
    ({"halving": {"epochs": [1.5]}}, "halving.epochs[0]: found 1.5", "a whole number"),
    ({"halving": {"epochs": []}}, "halving.epochs: found []", "at least 1"),
    ({"halving": {"epochs": 3}}, "halving.epochs: found 3", "a list"),
    ({"halving": {}}, "halving: lacks epochs", ""),
    ({"halving": [1, 3]}, "halving: found [1, 3]", "a mapping such as {epochs: [1, 3], keep: 1/3}"),
    ({"halving": True}, "halving: found true", "or null"),
    ({"halving": {"epochs": [1], "rate": 3}}, "halving.rate: unknown key", "epochs, keep"),
    ({"halving": HALVING, "epochs": [9, 10]}, "epochs: found [9, 10]", "one value"),
    *(
        ({"halving": {"epochs": [1], "keep": keep}}, f"halving.keep: found {shown}", "between 0 and 1")
        for keep, shown in (
            *(("3/2", "'3/2'"), ("2/2", "'1'"), ("0/2", "'0/2'"), ("1/0", "'1/0'"), ("a third", "'a third'")),
            *((0, "0"), (1, "1"), (1.5, "1.5"), (-0.5, "-0.5"), (float("nan"), ".nan"), (True, "true"), (None, "null")),
            ([1, 3], "[1, 3]"),
        )
    ),
    ({"finalists": {"count": 2, "seeds": [1]}}, "finalists.count: found 2", "at most 1"),
    (
        {"l2": l2(9), "halving": HALVING, "finalists": {"count": 4, "seeds": [1]}},
        "finalists.count: found 4",
        "at most 3, the settings trained to the end",
    ),
    ({"finalists": {"count": 0, "seeds": [1]}}, "finalists.count: found 0", "at least 1"),
    ({"finalists": {"count": 1, "seeds": [1, 1]}}, "finalists.seeds: found [1, 1]", "different seeds"),
    ({"finalists": {"count": 1, "seeds": [-1]}}, "finalists.seeds[0]: found -1", "at least 0"),
    ({"finalists": {"count": 1, "seeds": []}}, "finalists.seeds: found []", "a list of different seeds"),
    ({"finalists": {"count": 1}}, "finalists: lacks seeds", ""),
    ({"finalists": {"seeds": [1]}}, "finalists: lacks count", ""),
    ({"finalists": 3}, "finalists: found 3", "a mapping such as {count: 3"),
    ({"finalists": {"count": 1, "seeds": [1], "top": 2}}, "finalists.top: unknown key", "count, seeds"),
    (
        {"l2": l2(MOST_RUNS // 1000), "finalists": {"count": 1, "seeds": list(range(1, 1001))}},
        f"finalists: spans {MOST_RUNS + MOST_RUNS // 1000} runs",
        f"at most {MOST_RUNS}",
    ),
]


@pytest.mark.parametrize(("entry", "start", "named"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_of_a_search_is_one_line_that_names_it(entry: dict[str, Any], start: str, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(entry)
    (line,) = caught.value.mistakes
    assert line.startswith(f"experiments[0].{start}")
    assert named in line
    assert "quotes" not in line


def test_a_share_may_be_given_as_text_on_the_command_line() -> None:
    keep = {text: search(halving={"epochs": ["1"], "keep": text}).keep for text in ("1/3", "0.25", "5e-1")}
    assert keep == {"1/3": Fraction(1, 3), "0.25": Fraction(1, 4), "5e-1": Fraction(1, 2)}
