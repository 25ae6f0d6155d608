"""Train one candidate of a search until the first rung and write its validation figures:
results/<experiment>/search/<block>/<dataset>/rung_0/<run>.json.
"""

from handgrad.common.rule_job import rule_job
from handgrad.experiment.runs import Run
from handgrad.search.rung_files import rung_result, write_rung_file
from handgrad.storage.run_job import RunJob


def main(run: Run, until: int, job: RunJob, out: str) -> None:
    """Train the run until this number of epochs, and write its result."""
    checkpoint, digests = job.trained_until(run, until)
    write_rung_file(out, rung_result(run, until, checkpoint), digests)


if "snakemake" in globals():
    with rule_job("train_candidate", snakemake) as progress:
        axes = snakemake.params.run
        gates = {axes["activation"]: snakemake.input.gate}
        job = RunJob.from_snakemake(snakemake, gates, snakemake.params.training, progress)
        main(Run(**axes), snakemake.params.until, job, snakemake.output[0])
