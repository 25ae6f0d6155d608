"""The comparison of searches simulates each search with known histories, and reports what it found."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import histories
from compare_search import simulated
from factories import digits, image_data, run_of
from handgrad.datasets.data import Dataset, write_data
from handgrad.experiment.blocks import block_of
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from histories import DIVERGED, FINISHED, STOPPED, History, Source, history_of
from search_methods import Found, halving, planned_epochs, whole_search
from search_report import FULL, HALVING, RANDOM, RANDOM_TWICE, Comparison, write_report

#: three parts: 9 settings until epoch 1, 3 until epoch 3, 1 until epoch 9
END = 9


def pool(**faults: tuple[int, int, int]) -> dict[str, History]:
    """Return histories of END epochs by activation, with these validation faults in epochs 1, 2 to 3, and 4 to 9."""
    known = {}
    for name, (first, second, last) in faults.items():
        values = (first, *[second] * 2, *[last] * 6)
        losses = tuple(value / 100 for value in values)
        known[run(name).name] = History(FINISHED, values, losses, test_faults=last + 1)
    return known


def run(name: str) -> Run:
    """Return a run whose name contains another name."""
    return run_of(activation=name, epochs=END, validation_size=100)


def search(*names: str) -> Search:
    """Return a search among the runs with these names."""
    candidates = tuple(map(run, names))
    return Search(block=0, dataset="digits", candidates=candidates, rungs=(1, 3), keep=Fraction(1, 3))


NINE = [f"a{i}" for i in range(9)]
KNOWN = pool(**{name: (50 + i, 40 + i, 30 + i) for i, name in enumerate(NINE)})


def test_halving_finds_the_best_for_its_planned_epochs() -> None:
    assert halving(search(*NINE[::-1]), KNOWN) == Found(run("a0").name, 30, 31, epochs=9 * 1 + 3 * 2 + 1 * 6)
    assert planned_epochs(search(*NINE)) == 21


def test_halving_stops_a_run_that_becomes_the_best_only_later() -> None:
    known = {**KNOWN, **pool(late=(99, 5, 1))}
    both = search(*NINE, "late")
    assert whole_search(both.candidates, known).run == run("late").name
    assert halving(both, known).run == run("a0").name


def test_equal_faults_are_ranked_by_loss() -> None:
    known = pool(a=(10, 10, 10), b=(10, 10, 10), c=(10, 10, 10))
    known[run("c").name] = replace(known[run("c").name], losses=(0.01,) * END)
    three = search("a", "b", "c")
    assert whole_search(three.candidates, known).run == halving(three, known).run == run("c").name


def test_a_diverged_run_is_never_the_best_and_costs_its_epochs() -> None:
    known = {**KNOWN, run("diverges").name: History(DIVERGED, (0, 0), (0.0, 0.0))}
    # it is the best after epoch 1, so it is promoted, and diverges in epoch 2
    found = halving(search(*NINE, "diverges"), known)
    assert (found.run, found.epochs) == (run("a0").name, 10 * 1 + (3 * 2 + 1) + 2 * 6)
    assert whole_search([run("diverges")], known) == Found(None, None, None, epochs=2)


def test_random_search_takes_whole_runs_for_the_epochs_of_halving() -> None:
    found = simulated(search(*NINE[::-1]), KNOWN)
    assert found[HALVING].epochs // END == 2
    assert found[RANDOM] == Found(run("a7").name, 37, 38, epochs=2 * END)
    assert found[RANDOM_TWICE] == Found(run("a5").name, 35, 36, epochs=4 * END)
    assert found[FULL] == Found(run("a0").name, 30, 31, epochs=9 * END)


def source_of(data: Dataset, folder: Path) -> Source:
    """Return the file of a dataset, which it writes into a folder."""
    write_data(folder / "digits.h5", data)
    return Source(folder / "digits.h5", data.digest, folder / "histories")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return source_of(image_data(), tmp_path)


def test_a_known_history_is_not_trained_again(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    short = run_of(epochs=4, validation_size=5)
    stopped = history_of(short, source, lambda number, _: number < 2)
    assert (stopped.status, stopped.epochs) == (STOPPED, 2)
    whole = history_of(short, source)
    assert (whole.status, whole.epochs, whole.first(2)) == (FINISHED, 4, stopped)
    histories.known_histories.cache_clear()  # as in a new process
    monkeypatch.delattr(histories, "train")
    assert history_of(short, source) == whole
    assert history_of(short, source, lambda number, _: number < 2) == stopped


def test_the_report_counts_the_aims_that_are_met(tmp_path: Path) -> None:
    repeats = [
        {FULL: Found("a", 10, 20, 270), HALVING: Found("a", faults, 20, 30), RANDOM: Found("b", 15, 20, 30)}
        for faults in (*[14] * 8, 16, 18)
    ]
    one = Comparison(run_of(validation_size=1000), pool=9, drawn=9, test_examples=100, repeats=repeats)
    text = write_report(tmp_path, [one], None)
    assert "| within 0.5 points of the full search in 9 of 10 repeats | 8 of 10 | missed |" in text
    assert "| at most 1/8 of its epochs | 1/9.0 | met |" in text
    assert "| better than random search in 8 of 10 repeats | 8 of 10 | met |" in text
    assert "| random search | 30 | 98.50 (98.50 to 98.50) | 80.00 | +0.04 (-0.06 to +0.14) |" in text


@pytest.mark.slow  # imports Optuna and trains
def test_a_search_by_optuna_repeats_exactly_and_counts_all_epochs(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    import optuna_search

    source = source_of(digits(), tmp_path)
    axes = {name: [value] for name, value in vars(run_of(epochs=END, validation_size=400)).items()}
    block = block_of({**axes, "learning_rate": {"log_uniform": [0.001, 1.0]}, "samples": 9})
    study = optuna_search.Study(block, search(*map(str, range(27))), source, "Hyperband", seed=0)
    found = optuna_search.search(study)
    assert 63 <= found.epochs < 63 + END
    assert found.run is not None
    histories.known_histories.cache_clear()
    assert optuna_search.search(study) == found
    source.cache.unlink()
    histories.known_histories.cache_clear()
    assert optuna_search.search(study) == found
