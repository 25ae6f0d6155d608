"""What goes wrong on a cluster loses no finished work, and ends with the same runs as if nothing had."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ..workflow.conftest import written
from .cluster import (
    ClusterProject,
    boot_node,
    crash_node,
    slurm,
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
    epochs = [first for first, _ in project.segments(run)]
    assert epochs == [1, epochs[-1]]
    assert epochs[-1] > after
    assert " INFO resumes after " in project.log(run)


def cancel(project: ClusterProject) -> None:
    slurm("scancel", project.running().id)


def hang(project: ClusterProject) -> None:
    """Let a job hang until its time limit, which is soon."""
    wait_until(project.training_process).suspend()
    slurm("scontrol", "update", f"JobId={project.running().id}", "EndTime=now+2")


def preempt(_: ClusterProject) -> None:
    urgent = ["--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--chdir=/"]
    slurm("sbatch", *urgent, "--wrap=sleep 1")


@pytest.mark.parametrize(
    ("disturb", "partition", "state"),
    [(cancel, "faults", "CANCELLED"), (hang, "faults", "TIMEOUT"), (preempt, "lowly", "PREEMPTED")],
)
def test_a_disturbed_job_is_retried_and_resumes(
    untrained: ClusterProject,
    long_runs: Runs,
    run: str,
    disturb: Callable[[ClusterProject], None],
    partition: str,
    state: str,
) -> None:
    snakemake = untrained.start(run, partition=partition)
    wait_for_training(untrained, run)
    disturb(untrained)
    snakemake.succeeds()
    assert untrained.states() == [state, "COMPLETED"]
    require_resumed(untrained, run, after=SEEN)
    assert untrained.contents() == {run: long_runs[run]}


def test_a_job_whose_node_dies_is_retried_on_another_and_resumes(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    # nobody is told to stop: what is saved from time to time must do
    snakemake = untrained.start(run, partition="frail", config="checkpoint_seconds=0.2")
    wait_until(untrained.checkpoint(run).exists)
    wait_for_training(untrained, run)
    node = untrained.running().node
    crash_node(node, wait_until(untrained.training_process))
    try:
        snakemake.succeeds()
    finally:
        boot_node(node)
    first, second = untrained.jobs()
    assert (first.state, second.state) == ("NODE_FAIL", "COMPLETED")
    assert first.node != second.node
    require_resumed(untrained, run, after=1)
    assert untrained.contents() == {run: long_runs[run]}


@pytest.mark.parametrize("all_on_its_machine", [True, False])
def test_make_recover_and_the_next_run_complete_the_work_after_sigkill(
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
    assert untrained.contents() == {run: long_runs[run]}


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
        assert untrained.segments(run) == [(1, EPOCHS)]
    assert untrained.contents() == long_runs


def test_a_run_that_keeps_failing_leaves_the_others_finished(untrained: ClusterProject, long_runs: Runs) -> None:
    first, failing, last = long_runs
    broken = untrained.path / "broken"
    broken.touch()
    fault = f'    assert not (Path("broken").exists() and run.name == "{Path(failing).stem}")\n'
    begin = "    with StopSignals() as stop"
    untrained.edit("scripts/train_run.py", begin, fault + begin)
    snakemake = untrained.start(*long_runs, partition="faults")
    assert snakemake.process.wait(timeout=600) == 1, snakemake.said
    assert untrained.states() == ["FAILED"] * 3
    healthy = {run: long_runs[run] for run in (first, last)}
    assert untrained.contents() == healthy
    assert untrained.plan(LONG, *long_runs, "--workflow-profile", "profiles/slurm") == {"train_run": 1}
    before = untrained.times("results/runs/*/*.h5")
    broken.unlink()
    untrained.start(*long_runs, partition="faults").succeeds()
    assert written(before, untrained.times("results/runs/*/*.h5")) == {failing}
    assert untrained.contents() == long_runs


def test_a_job_that_can_never_start_fails(
    project: ClusterProject,
) -> None:
    snakemake = project.start("results/data/digits.h5", partition="brief")
    assert snakemake.process.wait(timeout=600) == 1, snakemake.said
    assert project.states() == ["CANCELLED"] * 3
    assert "can never start (PartitionTimeLimit)" in snakemake.said
