"""Plot the learning curves of a search with halving: results/<experiment>/figures/search/<dataset>.svg."""

from collections.abc import Mapping, Sequence
from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.datasets.data import open_data
from handgrad.plots.search import search_curves
from handgrad.plots.style import save_figure
from handgrad.search.parts import Shape, read_parts


def main(
    *,
    results: Sequence[str],
    rankings: Sequence[str],
    shapes: Sequence[Mapping[str, Any]],
    data: str,
    digests: Mapping[str, str],
    out: str,
) -> None:
    """Draw the plot. results, rankings: files of the searches, one after the other. shapes: of each search."""
    left, ranked = iter(results), iter(rankings)
    with open_data(data, digests["data_digest"]) as stored:
        content = stored.content
    searches = [(shape["block"], read_parts(Shape(**shape), left, ranked, digests, content)[0]) for shape in shapes]
    save_figure(out, search_curves(searches))


if "snakemake" in globals():
    with rule_job("plot_search", snakemake):
        main(
            results=snakemake.input.results,
            rankings=snakemake.input.rankings,
            data=snakemake.input.data,
            shapes=snakemake.params.shapes,
            digests={"code_digest": snakemake.params.training, "data_digest": snakemake.params.data},
            out=snakemake.output[0],
        )
