"""What goes wrong on a cluster loses no finished work, and ends with the same runs as if nothing had."""

import re
from pathlib import Path

import pytest

from ..workflow.conftest import written
from .cluster import (
    ClusterProject,
    boot_node,
    contents_of_runs,
    crash_node,
    slurm,
    training_process,
    wait_until,
)
from .conftest import LONG

Runs = dict[str, str]

EPOCHS = LONG["experiments"][0]["epochs"]
SEEN = 20  # epochs that have passed when something goes wrong


@pytest.fixture
def run(long_runs: Runs) -> str:
    """The path of the longest run."""
    return next(iter(long_runs))


def wait_for_training(project: ClusterProject, run: str) -> None:
    wait_until(lambda: f"epoch {SEEN} of {EPOCHS}" in project.log(run))


def require_resumed(project: ClusterProject, run: str, *, after: int) -> None:
    """A run was computed by two processes, and the second did not do again what the first had saved."""
    epochs = project.first_epochs(run)
    assert epochs == [1, epochs[-1]]
    assert epochs[-1] > after
    assert " INFO resumes after " in project.log(run)


def test_a_cancelled_job_is_retried_and_resumes(untrained: ClusterProject, long_runs: Runs, run: str) -> None:
    snakemake = untrained.start(run, partition="faults")
    wait_for_training(untrained, run)
    slurm("scancel", untrained.running().id)
    snakemake.succeeds()
    assert untrained.states() == ["CANCELLED", "COMPLETED"]
    require_resumed(untrained, run, after=SEEN)
    assert contents_of_runs(untrained) == {run: long_runs[run]}


def test_a_job_that_hangs_until_its_time_limit_is_retried_and_resumes(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    snakemake = untrained.start(run, partition="faults")
    wait_for_training(untrained, run)
    training_process(untrained).suspend()
    job = untrained.running()
    slurm("scontrol", "update", f"JobId={job.id}", "EndTime=now+2")  # a time limit counts minutes
    snakemake.succeeds()
    assert untrained.states() == ["TIMEOUT", "COMPLETED"]
    require_resumed(untrained, run, after=SEEN)
    assert contents_of_runs(untrained) == {run: long_runs[run]}


def test_a_job_whose_node_dies_is_retried_on_another_and_resumes(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    # nobody is told to stop: what is saved from time to time must do
    snakemake = untrained.start(run, partition="frail", config="checkpoint_seconds=0.2")
    wait_until(untrained.checkpoint(run).exists)
    wait_for_training(untrained, run)
    node = untrained.running().node
    crash_node(node, training_process(untrained))
    try:
        snakemake.succeeds()
    finally:
        boot_node(node)
    first, second = untrained.jobs()
    assert (first.state, second.state) == ("NODE_FAIL", "COMPLETED")
    assert first.node != second.node
    require_resumed(untrained, run, after=1)
    assert contents_of_runs(untrained) == {run: long_runs[run]}


@pytest.mark.parametrize("all_on_its_machine", [True, False])
def test_after_sigkill_of_the_main_snakemake_make_recover_and_the_next_run_complete_the_work(
    untrained: ClusterProject, long_runs: Runs, run: str, all_on_its_machine: bool
) -> None:
    snakemake = untrained.start(run, partition="faults")
    wait_for_training(untrained, run)
    job = untrained.running()
    snakemake.kill(helpers=all_on_its_machine)
    if not all_on_its_machine:  # then its sidecar lives on and cancels
        wait_until(lambda: untrained.states() == ["CANCELLED"])
    recovered = untrained.handgrad("recover")
    assert recovered.returncode == 0, recovered.stdout
    assert (f"SLURM jobs (1): {job.id}\n" in recovered.stdout) == all_on_its_machine
    assert "locks removed" in recovered.stdout
    assert untrained.states() == ["CANCELLED"]
    untrained.start(run, partition="faults").succeeds()
    require_resumed(untrained, run, after=SEEN)
    assert contents_of_runs(untrained) == {run: long_runs[run]}


def test_a_run_that_fails_in_a_group_costs_the_others_nothing(untrained: ClusterProject, long_runs: Runs) -> None:
    _, failing, _ = long_runs  # in the order in which a group trains them
    snakemake = untrained.start(*long_runs, partition="faults")
    wait_until(untrained.jobs)
    obstacle = untrained.path / failing / "obstacle"  # a folder in the place of the run's file
    obstacle.mkdir(parents=True)
    wait_until(lambda: untrained.states()[0] == "FAILED")
    obstacle.rmdir()
    obstacle.parent.rmdir()
    snakemake.succeeds()
    assert untrained.states() == ["FAILED", "COMPLETED"]
    for run in long_runs:
        assert "finished before; written from the checkpoint" in untrained.log(run)
        assert f"epoch {EPOCHS} of" not in untrained.log(run)
        assert untrained.first_epochs(run) == [1]
    assert contents_of_runs(untrained) == long_runs


def test_a_run_that_keeps_failing_leaves_the_others_finished(untrained: ClusterProject, long_runs: Runs) -> None:
    first, failing, last = long_runs
    broken = untrained.path / "broken"
    broken.touch()
    fault = f'    assert not (Path("broken").exists() and name == "{Path(failing).stem}")\n'
    begin = '    require_code("train_run"'
    untrained.edit("scripts/train_run.py", begin, fault + begin)
    snakemake = untrained.start(*long_runs, partition="faults")
    assert snakemake.process.wait(timeout=400) == 1, snakemake.said
    assert untrained.states() == ["FAILED"] * 3
    healthy = {run: long_runs[run] for run in (first, last)}
    assert contents_of_runs(untrained) == healthy
    profile = ["--workflow-profile", "profiles/slurm"]
    plan = untrained.run(LONG, "-n", *profile, *long_runs)
    assert re.search(r"^train_run +1$", plan, re.MULTILINE)
    before = untrained.times("results/runs/*/*.h5")
    broken.unlink()
    untrained.start(*long_runs, partition="faults").succeeds()
    assert written(before, untrained.times("results/runs/*/*.h5")) == {failing}
    assert contents_of_runs(untrained) == long_runs


def test_a_job_that_asks_for_more_than_its_partition_gives_fails_and_does_not_wait_for_ever(
    project: ClusterProject,
) -> None:
    snakemake = project.start("results/data/digits.h5", partition="brief")
    assert snakemake.process.wait(timeout=200) == 1, snakemake.said
    assert project.states() == ["CANCELLED"] * 3
    assert "can never start (PartitionTimeLimit)" in snakemake.said
