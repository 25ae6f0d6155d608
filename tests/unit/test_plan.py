"""The inputs of a plan: operation counts, earlier runs, checkpoints, and the schedule on cores and clusters."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import factories
from factories import training_job, write_earlier_run, write_run_checkpoint
from handgrad.common.errors import HandgradError
from handgrad.common.progress_file import progress_path
from handgrad.experiment.config import load_experiment, read_experiment
from handgrad.experiment.config_changes import changed_keys, with_changes
from handgrad.experiment.config_files import read_config
from handgrad.experiment.config_schema import completed
from handgrad.experiment.runs import is_short_name
from handgrad.layout import resources
from handgrad.layout.jobs import Job, jobs_of
from handgrad.monitor.estimates import Estimate, Estimator, makespan
from handgrad.monitor.plan import Cores, cost_of, plan_table, plan_words, read_cluster, wall_seconds
from handgrad.monitor.planned_jobs import PlannedJob, planned_jobs, read_summary
from handgrad.monitor.throughput import NOMINAL_RATE, EarlierRuns

ROOT = Path(__file__).parents[2]
RUN = factories.run_of(dataset="mnist", hidden_units=100, learning_rate=0.01, batch_size=100, epochs=20)
FACTS: dict[str, Any] = {
    "image_shape": [28, 28],
    "train": 60_000,
    "test": 10_000,
    "class_names": list("0123456789"),
    "files": {"train_images": {"name": "a.gz", "size": 1000}},
}
DATASETS = {"mnist": FACTS, "large": {**FACTS, "image_shape": [3, 32, 32]}}
#: a machine with enough memory, a machine with little memory, and enough disk space
ROOMY, SMALL, ENOUGH = Cores(8, 10**6), Cores(8, 3000), 10**12


def seconds(folder: Path, **axes: Any) -> float | None:
    """Return the estimated time of an epoch of a new run, from the earlier runs in a folder."""
    return EarlierRuns(folder, DATASETS).seconds(replace(RUN, **{"seed": 1, **axes}))


@pytest.mark.parametrize(
    ("axes", "low", "high"),
    [
        ({"epochs": 40}, 1, 1),  # the cost is for one epoch
        ({"hidden_units": 300}, 2.7, 3),
        ({"train_size": 30_000}, 0.4, 0.6),
        ({"momentum": 0.9}, 1.001, 2),
        ({"activation": "softplus"}, 1.001, 2),
    ],
    ids=str,
)
def test_an_epoch_costs_what_its_sizes_say(axes: dict[str, Any], low: float, high: float) -> None:
    operations, products = resources.operations(RUN, FACTS), 60_000 * 2 * 100 * (2 * 785 + 30)
    assert products < operations < 1.5 * products
    assert low <= resources.operations(replace(RUN, **axes), FACTS) / operations <= high
    assert resources.epoch_seconds(replace(RUN, batch_size=1), FACTS, 1e12) > 60_000 * resources.AN_UPDATE


def test_the_closest_earlier_runs_count(tmp_path: Path) -> None:
    torn = write_earlier_run(tmp_path, replace(RUN, seed=4), 9.0).with_suffix(".jsonl")
    torn.write_bytes(b'{"event": "epo')
    write_earlier_run(tmp_path, RUN, 3.0, epochs=5)
    larger = replace(RUN, hidden_units=300)
    ratio = resources.epoch_seconds(larger, FACTS, NOMINAL_RATE) / resources.epoch_seconds(RUN, FACTS, NOMINAL_RATE)
    assert seconds(tmp_path, l2=0.1, learning_rate=1.0) == pytest.approx(3.0)
    assert seconds(tmp_path, hidden_units=300) == pytest.approx(3.0 * ratio)
    assert seconds(tmp_path, dataset="large") is None
    write_earlier_run(tmp_path, replace(RUN, activation="cos"), 50.0)
    write_earlier_run(tmp_path, larger, 60.0)
    assert seconds(tmp_path) == pytest.approx(3.0)


def test_one_epoch_counts_less_than_many_of_a_less_similar_run(tmp_path: Path) -> None:
    write_earlier_run(tmp_path, RUN, 90.0, epochs=1)  # the first epoch of a process takes longer
    assert seconds(tmp_path) == pytest.approx(90.0)
    write_earlier_run(tmp_path, replace(RUN, hidden_units=200), 4.0)
    found = seconds(tmp_path)
    assert found
    assert found < 10


def test_a_training_job_takes_as_long_besides_its_epochs_as_earlier_jobs(
    tmp_path: Path, estimator: Callable[..., Estimator]
) -> None:
    job = training_job(replace(RUN, seed=9))
    log = write_earlier_run(tmp_path, replace(RUN, seed=9), 2.0)
    with progress_path(log).open("a", encoding="utf-8") as file:
        file.write('{"event": "finished", "time": 1}\n')
    (tmp_path / job.benchmark).parent.mkdir(parents=True)
    (tmp_path / job.benchmark).write_text("s\tmax_rss\tcpu_time\n47.5\t100\t40.0\n")
    assert estimate(estimator(), training_job(RUN)).cpu_seconds == pytest.approx(47.5)


def test_runs_of_this_machine_count_more_than_others(tmp_path: Path) -> None:
    write_earlier_run(tmp_path, RUN, 3.0, host="another")
    assert seconds(tmp_path) == pytest.approx(3.0)
    write_earlier_run(tmp_path, replace(RUN, hidden_units=200), 4.0)
    assert seconds(tmp_path, hidden_units=200) == pytest.approx(4.0)
    assert seconds(tmp_path) != pytest.approx(3.0)


def estimate(estimator: Estimator, job: Job) -> Estimate:
    (found,) = estimator.estimates([job])
    return found


@pytest.fixture
def estimator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Estimator]:
    """Return a function that makes an estimator for an experiment in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(ROOT / "config")

    def make(**axes: Any) -> Estimator:
        experiment = {"dataset": "mnist", "activation": "tanh", "learning_rate": 0.01, **axes}
        Path("own.yaml").write_text(yaml.safe_dump({"name": "own", "experiments": [experiment]}))
        return Estimator(read_experiment(Path("own.yaml"))[1], tmp_path, "code")

    return make


@pytest.mark.parametrize(
    ("epochs", "code", "left"), [(5, "code", 15), (5, "other", 20), (20, "code", 0), (0, "damaged", 20)], ids=str
)
def test_a_checkpoint_spares_the_epochs_that_it_holds(
    epochs: int, code: str, left: int, tmp_path: Path, estimator: Callable[..., Estimator]
) -> None:
    write_earlier_run(tmp_path, replace(RUN, seed=9), 2.0)
    beside = estimate(estimator(), training_job(RUN)).cpu_seconds - 20 * 2.0
    assert 0 < beside < 2
    path = write_run_checkpoint(tmp_path, RUN, epochs or 5, code)
    if not epochs:
        path.write_bytes(path.read_bytes()[:-1])
    found = estimate(estimator(), training_job(RUN))
    assert found.cpu_seconds == pytest.approx(left * 2.0 + beside)
    assert found.passed == 20 - left


@pytest.mark.parametrize(
    ("axes", "passed"), [({"epochs": 30}, 20), ({"epochs": 10}, 0), ({"epochs": 30, "schedule": "cosine"}, 0)], ids=str
)
def test_a_shorter_run_spares_the_epochs_of_a_longer_one_alone(
    axes: dict[str, Any], passed: int, tmp_path: Path, estimator: Callable[..., Estimator]
) -> None:
    write_run_checkpoint(tmp_path, RUN, 20, ended=True)
    assert estimate(estimator(**axes), training_job(replace(RUN, **axes))).passed == passed


def test_a_run_with_a_short_name_counts_like_any_other(tmp_path: Path, estimator: Callable[..., Estimator]) -> None:
    long = replace(RUN, learning_rate=0.0123456789, l2=0.0123456789, momentum=0.1234567890123, init="scaled")
    assert is_short_name(long.name)
    write_earlier_run(tmp_path, long, 3.0)
    assert seconds(tmp_path, momentum=0.1) == pytest.approx(3.0)
    write_run_checkpoint(tmp_path, long, 20, ended=True)
    assert estimate(estimator(), training_job(replace(long, epochs=30))).passed == 20


def test_before_any_job_all_are_estimated(estimator: Callable[..., Estimator]) -> None:
    known = estimator()
    found = {one.job.rule: one for one in known.estimates(jobs_of(known.experiment))}
    assert all(one.cpu_seconds > 0 for one in found.values())
    assert found["download_file"].disk > 1000
    assert found["train_run"].disk > 2 * 4 * 100 * 785  # its weights in the run file and in the checkpoint
    assert not found["train_run"].by_earlier_runs


def test_a_job_takes_what_it_took_before(tmp_path: Path, estimator: Callable[..., Estimator]) -> None:
    job = Job("plot_cost", "own/mnist")
    (tmp_path / job.benchmark).parent.mkdir(parents=True)
    (tmp_path / job.benchmark).write_text("s\tmax_rss\tcpu_time\n7.5\t100\t7.0\n")
    assert estimate(estimator(), job).cpu_seconds == 7.5
    assert estimate(estimator(), replace(job, name="own/cifar10")).cpu_seconds == 7.5  # the median of its rule


@pytest.mark.parametrize(("jobs", "workers", "span"), [([3, 3, 2, 2, 2], 2, 7), ([5, 1, 1], 8, 5), ([], 2, 0)])
def test_longest_first_fills_the_cores(jobs: list[float], workers: int, span: float) -> None:
    assert makespan(jobs, workers) == span


def estimates(number: int, megabytes: int = 0) -> list[Estimate]:
    """Return the estimates of runs of 10 s."""
    jobs = [training_job(replace(RUN, seed=seed)) for seed in range(number)]
    return [Estimate(job, 10.0, megabytes * 10**6, disk=10**6, by_earlier_runs=True) for job in jobs]


SHIPPED = read_cluster(ROOT / "profiles/slurm")
GATE = Estimate(Job("check_gate", "mnist_tanh"), 10.0, 4000 * 10**6)


@pytest.mark.parametrize(
    ("some", "free", "said"),
    [
        ([*estimates(1, 900), GATE], ENOUGH, "check_gate mnist_tanh"),
        (estimates(8, 1000), ENOUGH, "memory for 2 runs at once"),
        (estimates(2), 10**6, "NOT ENOUGH"),
    ],
    ids=["memory of one", "memory of all", "disk"],
)
def test_a_plan_says_what_does_not_fit(some: list[Estimate], free: int, said: str) -> None:
    assert said in "".join(plan_words(some, SMALL, cost_of(some, SMALL, free), earlier=1))
    assert said not in "".join(plan_words(some, ROOMY, cost_of(some, ROOMY, ENOUGH), earlier=1))


def test_wall_time_follows_cores_memory_parts_and_submissions() -> None:
    runs, large = estimates(4), estimates(8, 1000)
    cluster = replace(SHIPPED, jobs=100, grouped={"train_run": 10}, cpus=1)
    assert wall_seconds([GATE, *runs], ROOMY) == pytest.approx(wall_seconds(runs, ROOMY) + 10, abs=0.2)
    assert wall_seconds(large, ROOMY) < 15
    assert wall_seconds(large, SMALL) > 40
    assert len(cluster.submissions(estimates(25))) == 3
    assert wall_seconds(estimates(25), cluster) > 90  # at most nine runs in each submission, one after the other
    assert wall_seconds(estimates(25), replace(cluster, cpus=10)) < 30


@pytest.mark.parametrize("text", [None, "executor: slurm", "[", "jobs: many"])
def test_what_is_no_profile_of_a_cluster_is_one_line(text: str | None, tmp_path: Path) -> None:
    if text:
        (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(HandgradError) as error:
        read_cluster(tmp_path)
    assert str(tmp_path / "profile.yaml") in str(error.value)
    assert "\n" not in str(error.value)


def test_the_table_counts_what_is_done_and_what_is_not() -> None:
    run, plot = training_job(RUN), Job("plot_cost", "own/mnist")
    jobs = [PlannedJob(run), PlannedJob(training_job(replace(RUN, seed=1)), pending=False), PlannedJob(plot)]
    some = [Estimate(run, 65.0, passed=3.0), Estimate(plot, 2.0)]
    assert [line.split() for line in plan_table(jobs, some)[1:]] == [
        ["runs", "1", "1", "1", "min", "5", "s", "1", "from", "checkpoints"],
        ["tables,", "figures,", "page", "1", "0", "2", "s"],
    ]


def test_a_job_is_pending_if_any_of_its_outputs_is() -> None:
    known = Job("aggregate_best", "own", ("a.csv", "a.md"))
    lines = ["output_file\tdate\trule\tlog-file(s)\tstatus\tplan", "Building DAG of jobs..."]
    lines += [f"{path}\t-\tr\t\t{status}" for path, status in (("a.csv", "ok\tno update"), ("x", "ok\tno update"))]
    lines += ["a.md\t-\tr\t\tmissing\tupdate pending"]
    added = Job("r", "x", ("x",))  # a rule that a user has added
    assert read_summary(lines, [known]) == [PlannedJob(known, True, False), PlannedJob(added, False, True)]


@pytest.mark.parametrize(
    "changes",
    [
        ["seed=[0, 1]", "gradient_check.examples=7"],
        ["learning_rate={log_uniform: [1e-05, 1]}", "samples=3", "train_size=null"],
        ['datasets.mine.class_names=["😀", "$(touch x)"]', "published.table=null"],
    ],
)
def test_snakemake_plans_the_changed_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str]
) -> None:
    file = tmp_path / "sub/mine.yaml"
    file.parent.mkdir()
    file.write_text("""
name: mine
published: {table: published.csv}
datasets: {mine: {format: table, local_dir: data}}
experiments: [{dataset: digits}]
""")
    monkeypatch.chdir(tmp_path)
    config, found = read_config([file]), list[Any]()

    def snakemake(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        files = command[command.index("--configfile") + 1 : command.index("--summary")]
        found.append(read_config(map(Path, files)))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", snakemake)
    planned_jobs(file, load_experiment(read_config([])), changed_keys(config, changes))
    assert list(map(completed, found)) == [completed(with_changes(config, changes))]
    assert list(tmp_path.iterdir()) == [file.parent]
