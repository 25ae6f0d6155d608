"""What a user or another user's job interrupts goes on, with the same runs."""

from dataclasses import replace

from ..workflow.conftest import written
from .cluster import ClusterProject, wait_until
from .conftest import MANY
from .test_faults import SEEN, Runs, require_resumed, run, wait_for_training

__all__ = ["run"]  # the fixture


def test_ctrl_c_cancels_the_jobs_and_the_same_command_goes_on(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    snakemake = untrained.start(run, partition="faults")
    wait_for_training(untrained, run)
    snakemake.interrupt()
    untrained.start(run, partition="faults").succeeds()  # no unlocking and no option is needed
    assert untrained.states() == ["CANCELLED", "COMPLETED"]
    require_resumed(untrained, run, after=SEEN)
    assert untrained.contents() == {run: long_runs[run]}


def test_ctrl_c_cancels_many_jobs_and_the_same_command_completes(untrained: ClusterProject, many_runs: Runs) -> None:
    project = replace(untrained, config=f"config/{MANY['name']}.yaml")
    command = ["--until", "train_run", "--group-components", "train_digits=1"]
    for all_in_terminal in (False, True):
        snakemake = project.start(*command)
        wait_until(lambda: project.states().count("PENDING") > len(many_runs) / 2)
        answers = project.times(".snakemake/slurm_states")
        wait_until(lambda before=answers: written(before, project.times(".snakemake/slurm_states")))
        snakemake.interrupt(all_in_terminal=all_in_terminal)  # while Snakemake asks about its jobs
        assert not {"PENDING", "RUNNING"} & set(project.states())
        assert project.states().count("CANCELLED") > len(many_runs) / 3
    project.start(*command).succeeds()
    assert project.contents() == many_runs
