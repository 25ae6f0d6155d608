"""The plan of a search: the work of slots, rungs in time and in tables, and the samples that fit into a time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml

from factories import run_of, training_job, write_earlier_run, write_run_checkpoint
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import seconds_of
from handgrad.experiment.config import Experiment, read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout import paths
from handgrad.layout.jobs import Job, jobs_of, runs_of
from handgrad.layout.resources import epoch_seconds
from handgrad.monitor.budget import Sizes, largest_that
from handgrad.monitor.estimates import Estimate, Estimator
from handgrad.monitor.plan import A_SUBMISSION, Cluster, Cores, plan_table, wall_seconds
from handgrad.monitor.planned_jobs import PlannedJob
from handgrad.monitor.progress import Progress
from handgrad.monitor.status import Status, status_table
from handgrad.search.ranking import Ranked, Ranking, write_ranking

ROOT = Path(__file__).parents[2]
#: three sizes with three learning rates each, two seeds; an epoch of the smallest takes 2 s
ENTRY: dict[str, Any] = {
    "dataset": "digits",
    "activation": "tanh",
    "hidden_units": [100, 200, 300],
    "learning_rate": {"log_uniform": [0.001, 0.1]},
    "samples": 3,
    "seed": [0, 1],
    "epochs": 27,
    "validation_size": 300,
    "halving": {"epochs": [1, 3], "keep": "1/3"},
    "finalists": {"count": 1, "seeds": [0, 1, 2]},
}
SETTING = {"activation": "tanh", "hidden_units": 100, "batch_size": 100, "epochs": 27, "validation_size": 300}


class Plan:
    """An experiment with one search, and the estimates of its jobs in a folder. code: digest of training."""

    def __init__(self, folder: Path, *entries: dict[str, Any]) -> None:
        (folder / "own.yaml").write_text(yaml.safe_dump({"name": "own", "experiments": list(entries)}))
        self.folder = folder
        self.experiment: Experiment = read_experiment(folder / "own.yaml")[1]
        self.search: Search = self.experiment.searches[0]
        self.jobs = jobs_of(self.experiment)

    def of(self, rule: str, rung: int | None = None) -> list[Job]:
        """Return the jobs of a rule, and of a rung."""
        return [job for job in self.jobs if job.rule == rule and rung in (None, job.rung)]

    def estimates(self, *to_do: Job) -> dict[Job, Estimate]:
        """Return the estimates of the jobs that are to do, by default all."""
        estimator = Estimator(self.experiment, self.folder, "code")
        return {one.job: one for one in estimator.estimates(to_do or self.jobs)}

    def epochs(self, job: Job, *others: Job) -> float:
        """Return how many epochs of the smallest setting a job is estimated to train. others: further jobs to do."""
        beside = Estimator(self.experiment, self.folder, "code").earlier.beside_training
        return (self.estimates(job, *others)[job].cpu_seconds - beside) / 2.0

    def rank(self, rung: int, *settings: Run) -> None:
        """Write a ranking."""
        digest = data_digest(self.experiment.datasets["digits"])
        path = self.folder / paths.ranking_file("own", self.search, rung)
        path.parent.mkdir(parents=True, exist_ok=True)
        ranked = tuple(Ranked(run, 0, 9.0, 0.5) for run in settings)
        write_ranking(path, Ranking(rung, 1, ranked), {"code_digest": "code", "data_digest": digest})


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Return a function that makes the plan of ENTRY with these values, in a folder with an earlier run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(ROOT / "config")
    write_earlier_run(tmp_path, run_of(**SETTING), 2.0)
    return lambda **values: Plan(tmp_path, {**ENTRY, **values})


def relative(plan: Plan, *runs: Run) -> float:
    """Return the mean time of an epoch of some runs, relative to the smallest setting."""
    facts = plan.experiment.datasets["digits"]
    return fmean(epoch_seconds(run, facts, 2e11) for run in runs) / epoch_seconds(run_of(**SETTING), facts, 2e11)


def test_a_slot_costs_the_mean_of_the_candidates_from_the_rung_before(make: Callable[..., Plan]) -> None:
    plan = make()
    mean = relative(plan, *plan.search.candidates)
    assert mean > 1.2
    largest = next(job for job in plan.of("train_candidate") if job.run and job.run.hidden_units == 300)
    for job, epochs in (
        (largest, relative(plan, largest.run)),
        (plan.of("promote_candidate")[0], 2 * mean),
        (plan.of("finish_candidate", 2)[0], 24 * mean),
        (plan.of("finish_candidate", 3)[0], 27 * mean),  # a finalist with a new seed
    ):
        assert plan.epochs(job, *plan.jobs) == pytest.approx(epochs), job


@pytest.mark.parametrize(("trained", "left"), [(1, 2), (0, 3), (2, 1), (27, 0)])
def test_a_slot_of_a_known_run_costs_what_its_checkpoint_lacks(
    make: Callable[..., Plan], trained: int, left: int
) -> None:
    plan = make()
    *_, run = (run for run in plan.search.settings if run.hidden_units == 100)
    plan.rank(0, run, *plan.search.settings)
    slot = next(job for job in plan.of("promote_candidate") if job.slot == (0, 1))
    if trained:  # otherwise the checkpoints were removed
        write_run_checkpoint(plan.folder, replace(run, seed=1), trained, ended=trained == 27)
    assert plan.epochs(slot) == pytest.approx(left)
    (final,) = (job for job in plan.of("finish_candidate", 2) if job.slot == (0, 1))
    plan.rank(1, run)
    assert plan.epochs(final, slot) == pytest.approx(27 - max(3, trained))  # the slot trains it until epoch 3
    assert plan.epochs(final) == pytest.approx(27 - trained)


def test_a_finalist_that_was_trained_before_costs_no_epoch(make: Callable[..., Plan]) -> None:
    plan = make()
    run = plan.search.settings[0]
    plan.rank(2, run)
    first, second = plan.of("finish_candidate", 3)[0], replace(run, seed=2)
    write_run_checkpoint(plan.folder, second, 27, ended=True)
    assert plan.epochs(first) == 0


def test_after_more_samples_a_slot_may_train_any_candidate(make: Callable[..., Plan]) -> None:
    plan = make(hidden_units=100, seed=0, samples=4)
    known, *_ = plan.search.settings
    plan.rank(0, known)
    write_run_checkpoint(plan.folder, known, 3)
    slot, new = plan.of("promote_candidate")[0], plan.of("train_candidate")[1:]
    assert plan.epochs(slot) == 0
    assert plan.epochs(slot, *new, *plan.of("rank_candidates", 0)) == pytest.approx(fmean([0, 2, 2, 2]))


def test_training_jobs_of_a_search_improve_later_estimates(make: Callable[..., Plan], tmp_path: Path) -> None:
    plan = make()
    slot, run = plan.of("promote_candidate")[0], run_of(**SETTING, momentum=0.9)
    log = write_earlier_run(tmp_path, run, 5.0)
    (tmp_path / slot.log).parent.mkdir(parents=True)
    log.rename(tmp_path / slot.log)
    log.with_suffix(".jsonl").rename(tmp_path / slot.log.with_suffix(".jsonl"))
    estimator = Estimator(plan.experiment, tmp_path, "code")
    (estimate,) = estimator.estimates([training_job(replace(run, seed=7))])
    assert estimate.cpu_seconds == pytest.approx(27 * 5.0 + estimator.earlier.beside_training)
    assert estimate.by_earlier_runs


def test_rungs_run_one_after_the_other(make: Callable[..., Plan]) -> None:
    plan = make()
    some = [*plan.of("promote_candidate", 1), *plan.of("finish_candidate", 2), *plan.of("rank_candidates", 1)]
    estimates = [Estimate(job, 10.0) for job in some]
    assert wall_seconds(estimates, Cores(100, 10**6)) == pytest.approx(30, abs=3)
    progress = Progress({one.job: one for one in estimates}, 100, lambda: 0.0)
    assert progress.left([]) == 30
    running = [Status(job, "running", seconds_left=4.0) for job in plan.of("promote_candidate", 1)]
    progress.begun = {one.job: 0.0 for one in running}
    assert progress.left(running) == 24


def test_a_rung_is_one_wave_of_submissions(make: Callable[..., Plan]) -> None:
    plan = make()
    grouped = {"train_candidate": 10, "promote_candidate": 10, "finish_candidate": 1}
    cluster = Cluster("profile", jobs=100, grouped=grouped, cpus=1)
    estimates = [Estimate(job, 10.0) for job in plan.jobs if job.search]
    assert len(cluster.submissions(estimates)) == 2 + 1 + 2 + 1  # 18 candidates, 6 slots, 2 final runs, 1 new seed
    waits = [9 * 10, 6 * 10, 10, 10]
    assert wall_seconds(estimates, cluster) == pytest.approx(sum(waits) + 4 * A_SUBMISSION + 3 * 10, abs=3)


def test_tables_have_a_line_for_each_rung(make: Callable[..., Plan]) -> None:
    plan = make()
    jobs = [PlannedJob(job, job.rung != 0) for job in reversed(plan.jobs) if job.search]
    table = [line.split("   ")[0] for line in plan_table(jobs, [Estimate(one.job, 1.0) for one in jobs if one.pending])]
    assert [line.strip() for line in table[1:]] == [
        "search experiments[0], digits",
        "9 x 2 seeds until epoch 1",
        "3 x 2 seeds until epoch 3",
        "1 x 2 seeds until epoch 27",
        "1 finalist x 1 more seed",
        "rankings",
    ]
    lines = status_table([Status(one.job, "waiting" if one.pending else "done") for one in jobs])
    assert [line.split()[-2:] for line in lines[2:]] == [["18", "-"], ["-", "6"], ["-", "2"], ["-", "1"], ["1", "2"]]


def test_the_memory_check_covers_each_run_that_a_slot_may_train(make: Callable[..., Plan]) -> None:
    plan = make()
    assert set(runs_of(plan.of("promote_candidate"))) == set(plan.search.settings)
    assert runs_of(plan.of("train_candidate")) == list(plan.search.candidates)
    assert runs_of(plan.of("rank_candidates")) == []


# --- the number of samples that fits into a time ---


@pytest.mark.parametrize("most", [0, 1, 2, 7, 8, 63, 64, 99])
def test_the_largest_number_that_fits_is_found(most: int) -> None:
    assert largest_that(lambda number: number <= most, 8) == (most, most + 1)


def test_a_large_number_is_found_in_few_steps_within_one_percent() -> None:
    tried: list[int] = []
    low, _ = largest_that(lambda number: not tried.append(number) and number <= 54_321, 8)  # type: ignore[func-returns-value]
    assert 0.99 * 54_321 <= low <= 54_321
    assert len(tried) < 25


def sizes(plan: Plan, done: tuple[str, ...] = ()) -> Sizes:
    return Sizes(plan.experiment, done, lambda jobs: [Estimate(job, 1.0) for job in jobs if job.trains])


def count(estimates: list[Estimate]) -> float:
    return sum(one.cpu_seconds for one in estimates)


def test_the_samples_that_fit_are_those_of_the_largest_plan_within_the_time(make: Callable[..., Plan]) -> None:
    plan = make(hidden_units=100, seed=0)
    size, limit = sizes(plan).largest(20.0, count)
    assert (size.samples, limit) == ({0: 12}, None)
    assert count(size.estimates) == 12 + 4 + 2 + 2  # candidates, slots, and two new seeds of the finalist
    assert count(sizes(plan).of(13).estimates) > 20
    assert plan.experiment.blocks[0].samples == 3  # the experiment stays as it is


def test_what_is_done_costs_nothing_with_more_samples_too(make: Callable[..., Plan]) -> None:
    plan = make(hidden_units=100, seed=0)
    done = tuple(output for job in plan.jobs for output in job.outputs)
    assert sizes(plan, done).of(3).estimates == []
    more = sizes(plan, done).of(4)
    assert [one.job.rule for one in more.estimates].count("train_candidate") == 1
    assert all(one.pending for one in more.jobs if one.job.is_ranked or one.job.rule == "render_summary")


def test_one_factor_scales_the_samples_of_all_entries(make: Callable[..., Plan], tmp_path: Path) -> None:
    entries = [{**ENTRY, "samples": samples, "seed": 0, "hidden_units": 100} for samples in (4, 8)]
    plan = Plan(tmp_path, *entries, {"dataset": "digits", "activation": "cos"})
    size, _ = sizes(plan).largest(40.0, count)
    assert size.samples == {0: 7, 1: 15}


def test_a_space_with_few_values_limits_the_samples(make: Callable[..., Plan]) -> None:
    plan = make(learning_rate={"choice": [0.1, 0.2, 0.3, 0.4, 0.5]}, seed=0)
    size, limit = sizes(plan).largest(1e9, count)
    assert size.samples == {0: 5}
    assert limit is not None
    assert "experiments[0].samples" in limit


def test_numbers_too_small_for_the_finalists_are_passed_over(make: Callable[..., Plan]) -> None:
    plan = make(hidden_units=100, seed=0, samples=16, finalists={"count": 2, "seeds": [0, 1]})
    assert sizes(plan).largest(20.0, count)[0].samples == {0: 12}


def test_if_nothing_fits_the_message_says_what_the_least_takes(make: Callable[..., Plan]) -> None:
    plan = make(hidden_units=100, seed=0, samples=20, finalists={"count": 2, "seeds": [0, 1]})
    with pytest.raises(HandgradError, match=r"even with 10 samples, .* about 18 s"):  # fewer have only one finalist
        sizes(plan).largest(2.0, count)
    with pytest.raises(HandgradError, match="no entry of experiments has samples"):
        sizes(make(learning_rate=[0.1, 0.2, 0.3], samples=None))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("1h30m", 5400),
        ("2.5 h", 9000),
        ("1d", 86_400),
        ("45", 45),
        ("5min", 300),
        ("1h30", None),
        ("h", None),
        ("", None),
        ("-1h", None),
        ("2 weeks", None),
    ],
)
def test_times_are_read_with_their_units(text: str, seconds: float | None) -> None:
    assert (seconds_of(text) or None) == seconds
