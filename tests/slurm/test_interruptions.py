"""What a user or another user's job interrupts goes on, with the same runs."""

import signal

from .cluster import ClusterProject, contents_of_runs, slurm
from .test_faults import SEEN, Runs, require_resumed, run, wait_for_training

__all__ = ["run"]  # the fixture


def test_a_preempted_job_is_submitted_again_and_resumes(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    snakemake = untrained.start(run, partition="lowly")
    wait_for_training(untrained, run)
    urgent = ["--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--chdir=/"]
    slurm("sbatch", *urgent, "--wrap=sleep 1")
    snakemake.succeeds()
    assert untrained.states() == ["PREEMPTED", "COMPLETED"]
    require_resumed(untrained, run, after=SEEN)
    assert contents_of_runs(untrained) == {run: long_runs[run]}


def test_ctrl_c_cancels_the_jobs_and_the_same_command_goes_on(
    untrained: ClusterProject, long_runs: Runs, run: str
) -> None:
    snakemake = untrained.start(run, partition="faults")
    wait_for_training(untrained, run)
    snakemake.process.send_signal(signal.SIGINT)
    assert snakemake.process.wait(timeout=120) != 0
    untrained.start(run, partition="faults").succeeds()  # no unlocking and no option is needed
    assert untrained.states() == ["CANCELLED", "COMPLETED"]
    require_resumed(untrained, run, after=SEEN)
    assert contents_of_runs(untrained) == {run: long_runs[run]}
