"""Train one of the best candidates of a search for all its epochs and write its run file:
results/<experiment>/search/<block>/<dataset>/<part>/slot_<slot>_seed_<seed>.h5.

The candidate is the one in this slot of the last ranking before.
"""

from handgrad.common.rule_job import rule_job
from handgrad.search.ranking import read_ranking
from handgrad.storage.run_job import RunJob


def main(*, ranking: str, rung: int, slot: int, seed: int, job: RunJob, out: str) -> None:
    """Train the run in a slot for all its epochs, and write its file. rung: of the ranking."""
    found = read_ranking(ranking, rung=rung, code_digest=job.code_digest, data_digest=job.data_digest)
    job.write_run_file(found.run_in_slot(slot, seed), out)


if "snakemake" in globals():
    with rule_job("finish_candidate", snakemake) as progress:
        gates = dict(zip(snakemake.params.activations, snakemake.input.gates, strict=True))
        job = RunJob.from_snakemake(snakemake, gates, snakemake.params.training, progress)
        main(
            ranking=snakemake.input.ranking,
            rung=snakemake.params.ranked,
            slot=int(snakemake.wildcards.slot),
            seed=int(snakemake.wildcards.seed),
            job=job,
            out=snakemake.output[0],
        )
