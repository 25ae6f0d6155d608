"""Train one run from results/data/<dataset>.h5 and write results/runs/<dataset>/<run>.h5.

Training continues from a checkpoint if a usable one exists.
"""

from handgrad.common.rule_job import rule_job
from handgrad.experiment.runs import Run
from handgrad.storage.run_job import RunJob


def main(run: Run, job: RunJob, out: str) -> None:
    """Train the run and write its file.

    Raises HandgradError if the gate did not pass with the current code and data.
    """
    job.write_run_file(run, out)


if "snakemake" in globals():
    with rule_job("train_run", snakemake) as progress:
        axes = snakemake.params.run
        gates = {axes["activation"]: snakemake.input.gate}
        job = RunJob.from_snakemake(snakemake, gates, snakemake.params.code, progress)
        main(Run(**axes), job, snakemake.output[0])
