"""Searches: a finished search, what runs again after a change, and faults."""

import json
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import h5py
import pandas as pd
import psutil
import pytest

from .conftest import TINY, Project, content_of, copy_project, made_once, wait_until, written

#: five candidates, of which three reach the second rung and two the end; the best is trained with another seed
SEARCH: dict[str, Any] = {
    **TINY,
    "name": "search",
    "experiments": [
        {
            **TINY["experiments"][0],
            "learning_rate": {"log_uniform": [1.0e-3, 0.1]},
            "epochs": 3,
            "validation_size": 200,
            "samples": 5,
            "sampling_seed": 1,
            "halving": {"epochs": [1, 2], "keep": "1/2"},
            "finalists": {"count": 1, "seeds": [0, 1]},
        }
    ],
}
FOLDER = "results/search/search/0/digits"
CHECKPOINTS = "results/checkpoints/**/*"
#: makes all files and tables of a search, but no plots and no page
TABLES = ("--until", "aggregate_search", "aggregate_results")
#: a learning rate with which each run diverges in its first epoch
DIVERGES = 1.0e30


def changed(**keys: Any) -> dict[str, Any]:
    """Return SEARCH with these keys of its entry replaced."""
    return {**SEARCH, "experiments": [{**SEARCH["experiments"][0], **keys}]}


def outcome(project: Project) -> dict[str, bytes | str]:
    """Return all that must not change: the files of the search, and the tables without measured times."""
    found = project.search_files("search")
    for table in ("search", "results"):
        rows = pd.read_csv(project.path / f"results/search/tables/{table}.csv")
        found[table] = rows.drop(columns="seconds", errors="ignore").to_csv()
    return found


def rates_in(project: Project, ranking: int, dataset: str = "digits") -> list[float]:
    """Return the learning rates of the settings in a ranking, the best first."""
    content = json.loads((project.path / FOLDER / f"../{dataset}/ranking_{ranking}.json").read_text())
    return [setting["run"]["learning_rate"] for setting in content["settings"]]


@pytest.fixture(scope="session")
def search_once(shared: Path) -> Project:
    """A copy of the repository in which SEARCH has been run; tests must not change it."""
    return made_once(shared, "searched", lambda project: project.run(SEARCH))


@pytest.fixture
def searched(search_once: Project, tmp_path: Path) -> Project:
    """A project in which SEARCH has been run."""
    return copy_project(search_once, tmp_path / "project")


@pytest.mark.slow
def test_a_search_trains_only_the_best_until_the_end(finished: Project) -> None:
    config = changed(learning_rate=[0.001, 0.01], samples=None, halving={"epochs": [1], "keep": "1/2"}, finalists=None)
    finished.run(config, "--until", "aggregate_search")
    table = pd.read_csv(finished.path / "results/search/tables/search.csv")
    assert list(table["rung"]) == [0, 1, 0]
    assert list(table["until"]) == [1, 3, 1]
    assert list(table["promoted"]) == ["yes", "no", "no"]
    (run,) = finished.times("results/search/**/*.h5")
    with h5py.File(finished.path / run, locking=False) as file:
        assert [float(file.attrs["learning_rate"])] == rates_in(finished, 0)[:1] == [table["learning_rate"][0]]
    assert finished.segments(run) == [(1, 1), (2, 3)]


@pytest.mark.slow
def test_after_a_search_nothing_is_left_to_do(searched: Project) -> None:
    assert searched.plan(SEARCH) == {}
    page = (searched.path / "results/search/summary.html").read_text()
    assert "Traceback" not in page
    assert f"{rates_in(searched, 2)[0]:g}" in page


#: the part of a search with a deleted file, and the rules that make it and what depends on it
DELETED = {
    "rung_0/af_*": {"train_candidate", "rank_candidates", "promote_candidate", "finish_candidate"},
    "ranking_0.json": {"rank_candidates", "promote_candidate", "finish_candidate"},
    "rung_1/slot_2_seed_0.json": {"rank_candidates", "promote_candidate", "finish_candidate"},
    "ranking_1.json": {"rank_candidates", "finish_candidate"},
    "final/slot_1_seed_0.h5": {"rank_candidates", "finish_candidate"},
    "ranking_2.json": {"rank_candidates", "finish_candidate"},
    "finalists/slot_0_seed_1.h5": {"finish_candidate"},
    "../../../tables/search.csv": set[str](),
}


@pytest.mark.slow
@pytest.mark.parametrize("deleted", DELETED)
def test_a_deleted_file_of_a_search_is_made_again_without_training(searched: Project, deleted: str) -> None:
    before, checkpoints = outcome(searched), searched.times(CHECKPOINTS)
    next((searched.path / FOLDER).glob(deleted)).unlink()
    plan = searched.plan(SEARCH)
    assert {rule for rule in plan if rule.endswith("candidate") or rule.endswith("candidates")} == DELETED[deleted]
    searched.run(SEARCH, *TABLES)
    assert outcome(searched) == before
    assert searched.times(CHECKPOINTS) == checkpoints
    assert searched.plan(SEARCH, *TABLES) == {}


@pytest.mark.slow
def test_forced_rankings_change_nothing_and_train_nothing(searched: Project) -> None:
    before, checkpoints = outcome(searched), searched.times(CHECKPOINTS)
    searched.run(SEARCH, *TABLES, "--forcerun", "rank_candidates")
    assert outcome(searched) == before
    assert searched.times(CHECKPOINTS) == checkpoints


@pytest.mark.slow
def test_more_samples_train_only_new_candidates_and_rank_all(search_once: Project, finished: Project) -> None:
    finished.run(changed(samples=4), *TABLES)
    first = finished.times(f"{FOLDER}/rung_0/*")
    finished.run(SEARCH, *TABLES)
    assert len(written(first, finished.times(f"{FOLDER}/rung_0/*"))) == 1
    assert outcome(finished) == outcome(search_once)


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [{"halving": {"epochs": [1, 2], "keep": "4/5"}}, {"halving": {"epochs": [2], "keep": "1/2"}}, {"finalists": None}],
    ids=["keep", "epochs", "finalists"],
)
def test_another_shape_of_a_search_uses_what_was_trained(searched: Project, keys: dict[str, Any]) -> None:
    before, start = outcome(searched), time.time()
    searched.run(changed(**keys), *TABLES)
    logs = [log for log in searched.path.rglob("*_candidate/search/0_digits/*.log") if log.stat().st_mtime > start]
    assert logs or "finalists" in keys
    # another setting may be the best, which is then trained with another seed
    assert not [log for log in logs if "finalists" not in log.name and " INFO epoch 1 of " in log.read_text()]
    checkpoints = searched.times(CHECKPOINTS)
    searched.run(SEARCH, *TABLES)
    assert outcome(searched).items() >= before.items()  # slots of the larger search stay until handgrad prune
    assert searched.times(CHECKPOINTS) == checkpoints


@pytest.mark.slow
def test_an_entry_before_a_search_trains_no_candidate_again(searched: Project) -> None:
    before, checkpoints = searched.search_files("search"), searched.times(CHECKPOINTS)
    other = {**SEARCH["experiments"][0], "samples": 2, "halving": None, "finalists": None}
    searched.run({**SEARCH, "experiments": [other, *SEARCH["experiments"]]}, *TABLES)
    after = searched.search_files("search")
    assert {f"0{path[1:]}": content for path, content in after.items() if path.startswith("1")} == before
    assert len(written(checkpoints, searched.times(CHECKPOINTS))) <= 2


@pytest.mark.slow
def test_without_checkpoints_a_deleted_slot_gets_the_same_content(searched: Project) -> None:
    before = outcome(searched)
    shutil.rmtree(searched.path / "results/checkpoints")
    for slot in ("rung_1/slot_0_seed_0.json", "final/slot_1_seed_0.h5"):
        (searched.path / FOLDER / slot).unlink()
    searched.run(SEARCH, *TABLES)
    assert outcome(searched) == before


@pytest.mark.slow
def test_the_runs_of_a_search_have_the_content_of_runs_trained_alone(search_once: Project, finished: Project) -> None:
    rows = pd.read_csv(search_once.path / "results/search/tables/results.csv")
    expected = dict(zip("results/runs/digits/" + rows["run"] + ".h5", rows["content_sha256"], strict=True))
    assert len(expected) == 3
    finished.run(SEARCH, *expected)
    found = finished.contents()
    assert {run: found[run] for run in expected} == expected


@pytest.mark.slow
def test_a_search_of_diverged_runs_ends_with_a_page(finished: Project) -> None:
    halving = {"epochs": [1], "keep": "1/2"}
    finished.run(changed(learning_rate=[DIVERGES, 2 * DIVERGES], samples=None, halving=halving))
    tables = finished.path / "results/search/tables"
    assert set(pd.read_csv(tables / "results.csv")["status"]) == {"diverged"}
    assert list(pd.read_csv(tables / "search.csv")["diverged"]) == [1, 1, 1]
    assert "diverged" in (finished.path / "results/search/summary.html").read_text()
    assert finished.plan(changed(learning_rate=[DIVERGES, 2 * DIVERGES], samples=None, halving=halving)) == {}


@pytest.mark.slow
def test_a_diverged_candidate_ranks_last_and_a_failed_one_blocks_its_ranking(finished: Project) -> None:
    """Only the search with the failed job stops; the other dataset is trained to the end."""
    config = changed(
        dataset=["digits", "iris"],
        learning_rate=[0.001, DIVERGES],
        samples=None,
        validation_size=30,
        halving={"epochs": [1], "keep": "1/2"},
    )
    fault = "    import os\n    assert run.dataset != 'digits' or run.seed or not os.path.exists('broken')\n"
    start = "    checkpoint, digests = job.trained_until(run, until)\n"
    finished.edit("scripts/train_candidate.py", start, fault.replace("run.seed", "run.learning_rate > 1") + start)
    (finished.path / "broken").touch()
    assert "Error in rule train_candidate" in finished.refuse(config, *TABLES)
    before = finished.times("results/search/search/**/*.*")
    assert {path.split("/")[-2:][0] for path in before} == {"rung_0", "iris", "final", "finalists"}
    assert f"{FOLDER}/ranking_0.json" not in before
    assert rates_in(finished, 0, dataset="iris") == [0.001, DIVERGES]
    (finished.path / "broken").unlink()
    finished.run(config, *TABLES)
    after = finished.times("results/search/search/**/*.*")
    assert {path: time for path, time in after.items() if path in before} == before
    assert rates_in(finished, 0) == [0.001, DIVERGES]


@pytest.mark.slow
def test_runs_of_several_entries_have_one_content_and_one_row(finished: Project) -> None:
    grid = {**TINY["experiments"][0], "learning_rate": [0.005, 0.02], "epochs": 2, "validation_size": 200}
    halving, seeds = {"epochs": [1], "keep": "1/2"}, {"seed": [0, 1]}
    finalists = {"finalists": {"count": 1, "seeds": [0, 1, 2]}}
    entries = [grid | seeds, grid | seeds | finalists | {"halving": halving}, grid | seeds | {"halving": halving}]
    entries.append(grid | finalists | {"validation_size": 100})
    finished.run({**SEARCH, "experiments": entries}, *TABLES)
    rows = pd.read_csv(finished.path / "results/search/tables/results.csv")
    assert len(rows) == 4 + 1 + 2 + 2
    assert not rows["run"].duplicated().any()
    contents: dict[tuple[float, ...], set[str]] = {}
    for path in finished.path.glob("results/**/*_seed_*.h5"):
        with h5py.File(path, locking=False) as file:
            run = tuple(float(file.attrs[axis]) for axis in ("learning_rate", "seed", "validation_size"))
        contents.setdefault(run, set()).add(content_of(path))
    assert all(len(found) == 1 for found in contents.values())
    assert set(rows["content_sha256"]) < set().union(*contents.values())
    assert len(pd.read_csv(finished.path / "results/search/tables/search.csv")) == 6


#: a search of some seconds, so that a kill finds runs in training
LONG = {**changed(batch_size=10, epochs=30, halving={"epochs": [10, 20], "keep": "1/2"}), "checkpoint_seconds": 0.2}
KILLS = 5


def kill_at_random(project: Project, random: Random) -> bool:
    """Start Snakemake, kill it and all its jobs at a random moment; return False if it had already succeeded."""
    command, output = project.command("--configfile", project.write_config(LONG), *TABLES), project.path / "output"
    with output.open("w") as file:
        snakemake = psutil.Popen(command, cwd=project.path, env=project.environment, stdout=file, stderr=file)
    jobs, seconds = random.randrange(6), random.uniform(0, 1)
    wait_until(lambda: snakemake.poll() is not None or output.read_text().count("Finished jobid") >= jobs)
    moment = time.monotonic() + seconds
    wait_until(lambda: snakemake.poll() is not None or time.monotonic() > moment)
    if snakemake.poll() is None:
        snakemake.suspend()  # it must not start more processes
        for process in [*snakemake.children(recursive=True), snakemake]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    assert snakemake.wait() in (0, -signal.SIGKILL), output.read_text()
    return snakemake.returncode != 0


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_has_the_same_survivors(shared: Path, finished: Project) -> None:
    undisturbed = outcome(made_once(shared, "undisturbed", lambda project: project.run(LONG, *TABLES)))
    random, kills = Random(16), 0
    while kills < KILLS:
        if kill_at_random(finished, random):
            kills += 1
        else:
            assert outcome(finished) == undisturbed
            for folder in ("results/search", "results/checkpoints"):
                shutil.rmtree(finished.path / folder)
        assert finished.snakemake("--unlock").returncode == 0
    finished.run(LONG, *TABLES)
    assert outcome(finished) == undisturbed
