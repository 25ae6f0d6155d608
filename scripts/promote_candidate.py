"""Continue one candidate of a search until the next rung and write its validation figures:
results/<experiment>/search/<block>/<dataset>/rung_<rung>/slot_<slot>_seed_<seed>.json.

The candidate is the one in this slot of the ranking of the rung before.
"""

from handgrad.common.rule_job import rule_job
from handgrad.search.ranking import read_ranking
from handgrad.search.rung_files import rung_result, write_rung_file
from handgrad.storage.run_job import RunJob


def main(*, ranking: str, rung: int, slot: int, seed: int, until: int, job: RunJob, out: str) -> None:
    """Train the run in a slot until this number of epochs, and write its result. rung: of the ranking."""
    found = read_ranking(ranking, rung=rung, code_digest=job.code_digest, data_digest=job.data_digest)
    run = found.run_in_slot(slot, seed)
    checkpoint, digests = job.trained_until(run, until)
    write_rung_file(out, rung_result(run, until, checkpoint), digests)


if "snakemake" in globals():
    with rule_job("promote_candidate", snakemake) as progress:
        gates = dict(zip(snakemake.params.activations, snakemake.input.gates, strict=True))
        job = RunJob.from_snakemake(snakemake, gates, snakemake.params.training, progress)
        main(
            ranking=snakemake.input.ranking,
            rung=snakemake.params.ranked,
            slot=int(snakemake.wildcards.slot),
            seed=int(snakemake.wildcards.seed),
            until=snakemake.params.until,
            job=job,
            out=snakemake.output[0],
        )
