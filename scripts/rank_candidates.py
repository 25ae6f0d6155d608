"""Rank the candidates of a search after a rung: results/<experiment>/search/<block>/<dataset>/ranking_<rung>.json."""

from collections.abc import Sequence
from pathlib import Path

from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.search.ranking import Ranking, rank, read_ranking, require_runs, write_ranking
from handgrad.search.rung_files import read_result


def main(
    *,
    results: Sequence[str],
    before: str | None,
    seeds: Sequence[int],
    rung: int,
    until: int,
    promoted: int,
    dataset: str,
    training: str,
    data_digest: str,
    out: str,
) -> None:
    """Rank the results of a rung.

    before: the ranking of the rung before, whose first settings these are, with these seeds. None for the first rung,
    where the name of a file is the name of its run.
    """
    digests = {"code_digest": training, "data_digest": data_digest}
    found = {path: read_result(path, until, dataset=dataset, **digests)[0] for path in results}
    if before is None:
        require_runs(found, [f"{dataset}/{Path(path).stem}" for path in results])
    else:
        ranking = read_ranking(before, rung=rung - 1, promoted=len(results) // len(seeds), **digests)
        require_runs(found, ranking.slots(seeds))
    ranked = rank(found.values())
    write_ranking(out, Ranking(rung, promoted, ranked), digests)
    logger.info("%d settings, %d go on; the best is %s", len(ranked), promoted, ranked[0].run.name)


if "snakemake" in globals():
    with rule_job("rank_candidates", snakemake):
        main(
            results=snakemake.input.results,
            before=snakemake.input.get("before"),
            seeds=snakemake.params.seeds,
            rung=int(snakemake.wildcards.rung),
            until=snakemake.params.until,
            promoted=snakemake.params.promoted,
            dataset=snakemake.wildcards.dataset,
            training=snakemake.params.training,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
