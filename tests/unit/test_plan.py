"""What a plan rests on: counts, earlier runs, checkpoints, and how work is spread over cores and clusters."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from handgrad.common.errors import HandgradError
from handgrad.experiment.experiment_file import read_experiment
from handgrad.experiment.runs import Run
from handgrad.layout import resources as costs
from handgrad.monitor import throughput as pace
from handgrad.monitor.estimates import Estimate, Estimator
from handgrad.monitor.jobs import Step
from handgrad.monitor.makespan import makespan
from handgrad.monitor.plan import Cluster, Cores, plan_table, plan_words, read_cluster
from handgrad.network.model import Weights
from handgrad.storage.checkpoint import Checkpoint, Origin, path_of, write_checkpoint
from handgrad.storage.run_writer import Segment, this_segment, write_run
from handgrad.training.loop import Epoch, Evaluation, State, TrainingResult

ROOT = Path(__file__).parents[2]
RUN = Run(
    dataset="mnist",
    activation="tanh",
    hidden_units=100,
    learning_rate=0.01,
    batch_size=100,
    epochs=20,
    l2=0.01,
    seed=0,
)
FACTS: dict[str, Any] = {
    "image_shape": [28, 28],
    "train": 60_000,
    "test": 10_000,
    "class_names": list("0123456789"),
    "files": {"train_images": {"name": "a.gz", "size": 1000}},
}
DATASETS = {"mnist": FACTS, "large": {**FACTS, "image_shape": [3, 32, 32]}}


def trained(run: Run, epochs: int) -> TrainingResult:
    """A run that has passed so many epochs; its weights are no run's."""
    history = [Epoch(-1.0, 0.1, 1.0, 1, float("nan"), -1, 1.0)] * epochs
    test = Evaluation(1.0, 1, np.zeros(2, np.uint8), np.full((2, 3), 1 / 3, np.float32))
    W = Weights(np.zeros((2, 4), np.float32), np.zeros((3, 3), np.float32))
    return TrainingResult(run, "finished", State(W, history), test, 5, 2)


def earlier_run(folder: Path, run: Run, seconds: float, **machine: str) -> Path:
    """The file of a run that took so long an epoch, on this machine or another."""
    path = folder / pace.RUNS / run.dataset / f"{run.name}.h5"
    segment = replace(this_segment(1, run.epochs, seconds * run.epochs), **machine)
    write_run(
        path,
        trained(run, run.epochs),
        [segment],
        code_digest="code",
        data_digest="data",
        data_content="content",
    )
    return path


def checkpoint(folder: Path, run: Run, epochs: int, code: str = "code", *, ended: bool = False) -> Path:
    """A checkpoint of a run after so many epochs of 2 s each."""
    path = path_of(folder / pace.CHECKPOINTS, run)
    end = trained(run, epochs)
    segments: tuple[Segment, ...] = (this_segment(1, epochs, 2.0 * epochs),)
    write_checkpoint(path, Checkpoint(run, end.state, segments, end if ended else None), Origin(run, code, "data"))
    return path


def test_an_epoch_costs_what_its_sizes_say() -> None:
    operations = costs.operations(RUN, FACTS)
    products = 60_000 * 2 * 100 * (2 * 785 + 30)
    assert products < operations < 1.5 * products
    assert costs.operations(replace(RUN, epochs=40), FACTS) == operations  # of one epoch
    assert 2.7 < costs.operations(replace(RUN, hidden_units=300), FACTS) / operations < 3
    assert costs.operations(replace(RUN, train_size=30_000), FACTS) < 0.6 * operations
    assert costs.operations(replace(RUN, momentum=0.9), FACTS) > operations
    assert costs.operations(replace(RUN, activation="softplus"), FACTS) > operations


def test_small_batches_cost_their_updates() -> None:
    small = costs.epoch_seconds(replace(RUN, batch_size=1), FACTS, 1e12)
    assert small > 60_000 * costs.AN_UPDATE


def test_earlier_runs_say_how_long_the_same_takes(tmp_path: Path) -> None:
    earlier_run(tmp_path, RUN, 3.0)
    paces = pace.Paces(tmp_path, DATASETS)
    assert paces.seconds(replace(RUN, seed=1, l2=0.1, learning_rate=1.0)) == pytest.approx(3.0)
    assert len(paces.used) == 1


def test_the_closest_kind_counts(tmp_path: Path) -> None:
    earlier_run(tmp_path, RUN, 3.0)
    earlier_run(tmp_path, replace(RUN, activation="cos"), 50.0)
    earlier_run(tmp_path, replace(RUN, hidden_units=300), 60.0)
    assert pace.Paces(tmp_path, DATASETS).seconds(replace(RUN, seed=1)) == pytest.approx(3.0)


def test_a_run_of_another_size_is_scaled_by_its_operations(tmp_path: Path) -> None:
    earlier_run(tmp_path, RUN, 3.0)
    other = replace(RUN, hidden_units=300)
    ratio = costs.epoch_seconds(other, FACTS, pace.NOMINAL_RATE) / costs.epoch_seconds(RUN, FACTS, pace.NOMINAL_RATE)
    assert pace.Paces(tmp_path, DATASETS).seconds(other) == pytest.approx(3.0 * ratio)


def test_what_this_machine_has_computed_counts_more_than_what_another_has(tmp_path: Path) -> None:
    earlier_run(tmp_path, RUN, 3.0, cpu="another")
    paces = pace.Paces(tmp_path, DATASETS)
    assert paces.seconds(replace(RUN, seed=1)) == pytest.approx(3.0)  # for want of anything better
    earlier_run(tmp_path, replace(RUN, hidden_units=200), 4.0)
    other = pace.Paces(tmp_path, DATASETS).seconds(replace(RUN, hidden_units=200, seed=1))
    same = pace.Paces(tmp_path, DATASETS).seconds(replace(RUN, seed=1))
    assert other == pytest.approx(4.0)
    assert same != pytest.approx(3.0)


def test_images_of_another_size_say_nothing(tmp_path: Path) -> None:
    earlier_run(tmp_path, RUN, 3.0)
    assert pace.Paces(tmp_path, DATASETS).seconds(replace(RUN, dataset="large")) is None


def test_files_that_are_no_runs_are_passed_over(tmp_path: Path) -> None:
    earlier_run(tmp_path, RUN, 3.0)
    folder = tmp_path / pace.RUNS / "mnist"
    (folder / f"{replace(RUN, seed=1).name}.h5").write_bytes(b"torn")
    (folder / "notes.h5").write_bytes(b"")
    damaged = earlier_run(tmp_path, replace(RUN, seed=4), 9.0)  # HDF5 might crash on it
    damaged.write_bytes(damaged.read_bytes()[:-1])
    torn = tmp_path / pace.CHECKPOINTS / "mnist" / f"{replace(RUN, seed=2).name}.checkpoint"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"torn")
    assert pace.Paces(tmp_path, DATASETS).seconds(replace(RUN, seed=3)) == pytest.approx(3.0)


def test_a_damaged_checkpoint_is_passed_over_whatever_is_damaged(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, RUN, 5)
    content = bytearray(path.read_bytes())
    central = content.rindex(b"PK\x01\x02")
    content[central + 6] = 224  # "zip file version 22.4"
    path.write_bytes(content)
    assert pace.read_pace(path) is None


def test_an_unfinished_run_says_it_too(tmp_path: Path) -> None:
    checkpoint(tmp_path, RUN, 5)
    assert pace.Paces(tmp_path, DATASETS).seconds(replace(RUN, seed=1)) == pytest.approx(2.0)


def test_the_rate_of_products_is_that_of_this_machine() -> None:
    rate = pace.product_rate(RUN, FACTS)
    assert 1e8 < rate < 1e13
    assert pace.product_rate(replace(RUN, dtype="float64"), FACTS) < 1.5 * rate


@pytest.fixture
def estimator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Estimator]:
    """An estimator for an experiment in a folder without anything."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(ROOT / "config")

    def make(**axes: Any) -> Estimator:
        experiment = {"dataset": "mnist", "activation": "tanh", "learning_rate": 0.01, **axes}
        Path("own.yaml").write_text(yaml.safe_dump({"name": "own", "experiments": [experiment]}))
        return Estimator(read_experiment(Path("own.yaml"))[1], tmp_path, "code")

    return make


def training(run: Run) -> Step:
    return Step("train_run", f"{run.dataset}/{run.name}", (), pending=True, there=False)


@pytest.mark.parametrize(("epochs", "code", "left"), [(5, "code", 15), (5, "other", 20), (20, "code", 0)], ids=str)
def test_a_checkpoint_spares_the_epochs_that_it_holds(
    epochs: int, code: str, left: int, tmp_path: Path, estimator: Callable[..., Estimator]
) -> None:
    earlier_run(tmp_path, replace(RUN, seed=9), 2.0)
    beside = estimator().estimate(training(RUN)).seconds - 20 * 2.0
    checkpoint(tmp_path, RUN, epochs, code)
    estimate = estimator().estimate(training(RUN))
    assert estimate.seconds == pytest.approx(left * 2.0 + beside)
    assert estimate.passed == 20 - left
    assert 0 < beside < 2


def test_a_shorter_run_spares_the_epochs_of_a_longer_one_and_not_the_other_way_round(
    tmp_path: Path, estimator: Callable[..., Estimator]
) -> None:
    checkpoint(tmp_path, RUN, 20, ended=True)
    assert estimator(epochs=30).passed(replace(RUN, epochs=30)) == 20
    assert estimator(epochs=10).passed(replace(RUN, epochs=10)) == 0
    cosine = replace(RUN, epochs=30, schedule="cosine")
    assert estimator(epochs=30, schedule="cosine").passed(cosine) == 0


def test_before_any_run_operations_are_counted(estimator: Callable[..., Estimator]) -> None:
    estimate = estimator().estimate(training(RUN))
    assert estimate.by == "operation counts"
    assert estimate.seconds > 0
    assert estimate.room > 2 * 4 * 100 * 785  # its weights, twice


def test_a_job_takes_what_it_took_before(tmp_path: Path, estimator: Callable[..., Estimator]) -> None:
    step = Step("plot_cost", "own/mnist", (), pending=True, there=False)
    (tmp_path / step.benchmark).parent.mkdir(parents=True)
    (tmp_path / step.benchmark).write_text("s\tmax_rss\tcpu_time\n7.5\t100\t7.0\n")
    assert estimator().estimate(step).seconds == 7.5
    assert estimator().estimate(replace(step, name="own/cifar10")).seconds == 7.5  # as its rule does


def test_longest_first_fills_the_cores() -> None:
    assert makespan([3, 3, 2, 2, 2], 2) == 7
    assert makespan([5, 1, 1], 8) == 5
    assert makespan([], 2) == 0


def estimates(rule: str, number: int, seconds: float, megabytes: int = 0) -> list[Estimate]:
    steps = [Step(rule, f"mnist/{n}", (), pending=True, there=False) for n in range(number)]
    return [Estimate(step, seconds, megabytes, room=10**6, by="earlier runs") for step in steps]


def test_stages_wait_for_each_other() -> None:
    both = [*estimates("check_gate", 1, 10), *estimates("train_run", 4, 10)]
    alone = Cores(4, 10**6).wall(estimates("train_run", 4, 10))
    assert Cores(4, 10**6).wall(both) == pytest.approx(alone + 10, abs=0.2)


def test_a_job_that_asks_for_more_than_the_machine_has_is_named() -> None:
    some = [
        *estimates("train_run", 1, 10, megabytes=900),
        *estimates("check_gradients", 1, 10, megabytes=3000),
    ]
    assert "check_gradients mnist/0" in "".join(plan_words(some, Cores(2, 2000), earlier=1, free=10**12))
    assert "check_gradients" not in "".join(plan_words(some, Cores(2, 4000), earlier=1, free=10**12))


def test_memory_bounds_how_many_jobs_run_at_once() -> None:
    some = estimates("train_run", 8, 10, megabytes=1000)
    assert Cores(8, 10**6).wall(some) < 15
    assert Cores(8, 3000).wall(some) > 40  # two at once
    assert "room for 2 runs at once" in "\n".join(plan_words(some, Cores(8, 3000), earlier=1, free=10**12))


def test_a_cluster_packs_runs_into_submissions() -> None:
    cluster = Cluster("p", jobs=100, runs=10, cpus=1)
    some = estimates("train_run", 25, 10)
    assert cluster.submissions(some) == 3
    assert cluster.wall(some) > 90  # nine runs, one after another
    assert Cluster("p", jobs=100, runs=10, cpus=10).wall(some) < 30


def test_the_shipped_profile_can_be_planned_with() -> None:
    assert read_cluster(ROOT / "profiles/slurm") == Cluster(str(ROOT / "profiles/slurm"), jobs=100, runs=10, cpus=1)


@pytest.mark.parametrize("text", [None, "executor: slurm", "[", "jobs: many"])
def test_what_is_no_profile_of_a_cluster_is_one_line(text: str | None, tmp_path: Path) -> None:
    if text:
        (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(HandgradError) as error:
        read_cluster(tmp_path)
    assert str(tmp_path / "profile.yaml") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_disk_that_is_too_small_is_said() -> None:
    some = estimates("train_run", 2, 10)
    assert "NOT ENOUGH" in "\n".join(plan_words(some, Cores(1, 10**5), earlier=1, free=10**6))
    assert "NOT ENOUGH" not in "\n".join(plan_words(some, Cores(1, 10**5), earlier=1, free=10**9))


def test_the_table_tells_what_is_done_and_what_is_not() -> None:
    steps = [
        Step("train_run", "mnist/a", (), pending=True, there=False),
        Step("train_run", "mnist/b", (), pending=False, there=True),
        Step("plot_cost", "own/mnist", (), pending=True, there=False),
    ]
    table = plan_table(steps, [Estimate(steps[0], 65.0, passed=3.0), Estimate(steps[2], 2.0)])
    assert [line.split() for line in table[1:]] == [
        ["runs", "1", "1", "1", "min", "5", "s", "1", "from", "checkpoints"],
        ["tables,", "figures,", "page", "1", "0", "2", "s"],
    ]


def test_what_a_run_leaves_on_the_disk_is_about_what_is_guessed(tmp_path: Path) -> None:
    facts = {**FACTS, "image_shape": [1, 3], "class_names": list("abc"), "test": 2}
    run = replace(RUN, hidden_units=2)
    size = earlier_run(tmp_path, run, 1.0).stat().st_size
    assert 0.5 < costs.run_bytes(run, facts) / size < 2
