"""Faults on a cluster lose no finished work and do not change the content of runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ..workflow.conftest import Project, written
from .cluster import ClusterProject, boot_node, crash_node, slurm, wait_until
from .conftest import EPOCHS, LAST_OF_SEARCH, LONG, MANY

Runs = dict[str, str]

SEEN = 20  # epochs before the fault


def wait_for_training(project: ClusterProject, run: str) -> None:
    wait_until(lambda: f"epoch {SEEN} of {EPOCHS}" in project.log(run))


def require_resumed(project: ClusterProject, run: str, *, after: int) -> None:
    """Check that two processes computed a run and that the second one started later than epoch ``after``."""
    epochs = [first for first, _ in project.segments(run)]
    assert epochs == [1, epochs[-1]]
    assert epochs[-1] > after
    assert " INFO resumes after " in project.log(run)


def hang(project: ClusterProject) -> None:
    """Suspend a job and move its time limit to the next seconds."""
    wait_until(project.training_process).suspend()
    slurm("scontrol", "update", f"JobId={project.running().id}", "EndTime=now+2")


def preempt(_: ClusterProject) -> None:
    urgent = ["--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--chdir=/"]
    slurm("sbatch", *urgent, "--wrap=sleep 1")


@pytest.mark.parametrize(
    ("disturb", "partition", "state"),
    [(hang, "faults", "TIMEOUT"), (preempt, "lowly", "PREEMPTED")],
)
def test_a_timed_out_or_preempted_job_is_retried_and_resumes(
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


def test_a_job_of_a_crashed_node_is_retried_elsewhere_and_resumes(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    # no process receives a signal, so only periodic checkpoints exist
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
def test_handgrad_recover_and_the_next_run_finish_after_sigkill(
    untrained: ClusterProject, long_runs: Runs, run: str, all_on_its_machine: bool
) -> None:
    snakemake = untrained.start(run, partition="faults")
    wait_for_training(untrained, run)
    job = untrained.running()
    snakemake.kill(helpers=all_on_its_machine)
    if not all_on_its_machine:  # the sidecar survives and cancels the job
        wait_until(lambda: untrained.states() == ["CANCELLED"])
    recovered = untrained.handgrad("recover")
    assert recovered.returncode == 0, recovered.stdout
    assert (f"SLURM jobs (1): {job.id}\n" in recovered.stdout) == all_on_its_machine
    assert "locks removed" in recovered.stdout
    assert untrained.states() == ["CANCELLED"]
    untrained.start(run, partition="faults").succeeds()
    require_resumed(untrained, run, after=SEEN)
    assert untrained.contents() == {run: long_runs[run]}


def test_a_failed_run_of_a_group_does_not_affect_the_other_runs(untrained: ClusterProject, long_runs: Runs) -> None:
    first, failing, last = long_runs  # in the order in which a group trains the runs
    broken = untrained.path / "broken"
    broken.touch()
    fault = f'    assert not (__import__("os").path.exists("broken") and run.name == "{Path(failing).stem}")\n'
    begin = "    job.write_run_file(run, out)"
    untrained.edit("scripts/train_run.py", begin, fault + begin)
    snakemake = untrained.start(*long_runs, partition="faults")
    assert snakemake.process.wait(timeout=600) == 1, snakemake.output
    assert untrained.states() == ["FAILED"] * 3
    assert untrained.contents() == {run: long_runs[run] for run in (first, last)}
    for run in (first, last):
        assert "already finished; the result is made from the checkpoint" in untrained.log(run)
        assert untrained.segments(run) == [(1, EPOCHS)]
    assert untrained.plan(LONG, *long_runs, "--workflow-profile", "profiles/slurm") == {"train_run": 1}
    before = untrained.times("results/runs/*/*.h5")
    broken.unlink()
    untrained.start(*long_runs, partition="faults").succeeds()
    assert written(before, untrained.times("results/runs/*/*.h5")) == {failing}
    assert untrained.contents() == long_runs


def test_a_job_that_can_never_start_fails(project: ClusterProject) -> None:
    snakemake = project.start("results/data/digits.h5", partition="brief")
    assert snakemake.process.wait(timeout=600) == 1, snakemake.output
    assert project.states() == ["CANCELLED"] * 3
    assert "can never start (PartitionTimeLimit)" in snakemake.output


def test_ctrl_c_cancels_many_jobs_and_a_restart_finishes(untrained: ClusterProject, local: Project) -> None:
    project = replace(untrained, config=f"config/{MANY['name']}.yaml")
    many = {run: content for run, content in local.contents().items() if "_hu_5_" in run}
    for all_in_terminal in (False, True):
        snakemake = project.start("--until", "train_run", "--group-components", "train_digits=1")
        wait_until(lambda: project.states().count("PENDING") > len(many) / 2)
        answers = project.times(".snakemake/slurm_states")
        wait_until(lambda before=answers: written(before, project.times(".snakemake/slurm_states")))
        snakemake.interrupt(all_in_terminal=all_in_terminal)  # while Snakemake asks about its jobs
        assert not {"PENDING", "RUNNING"} & set(project.states())
        assert project.states().count("CANCELLED") > len(many) / 3
    project.start("--until", "train_run").succeeds()
    assert project.contents() == many


def test_faults_in_each_rung_do_not_change_the_survivors_of_a_search(search: ClusterProject, local: Project) -> None:
    snakemake = search.start(LAST_OF_SEARCH, partition="frail")
    wait_until(lambda: len(search.times("results/checkpoints/digits/*.checkpoint")) > 1)
    wait_until(lambda: search.training_process("train_candidate")).kill()
    promoting = wait_until(lambda: search.training_process("promote_candidate"))
    node = search.running().node
    crash_node(node, promoting)
    try:
        wait_until(lambda: search.training_process("finish_candidate")).suspend()
        snakemake.kill()
        assert search.handgrad("recover").returncode == 0
        search.start(LAST_OF_SEARCH, partition="frail").succeeds()
    finally:
        boot_node(node)
    # each rung is one submission and, after its fault, another one; rankings are not submitted
    rungs = ["train_candidate", "0_rung_1_promote_candidate", "0_final_finish_candidate"]
    assert [job.name for job in search.jobs()] == [f"handgrad:train_digits_{rung}" for rung in rungs for _ in range(2)]
    assert search.states() == ["FAILED", "COMPLETED", "NODE_FAIL", "COMPLETED", "CANCELLED", "COMPLETED"]
    assert search.search_files("halving") == local.search_files("halving")
