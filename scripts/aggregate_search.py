"""Write the table of a search: results/<experiment>/tables/search.{csv,md,html}."""

from collections.abc import Mapping, Sequence
from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.datasets.data import open_data
from handgrad.search.parts import Shape, read_parts
from handgrad.tables.search import SEARCH, search_table


def main(
    *,
    results: Sequence[str],
    rankings: Sequence[str],
    shapes: Sequence[Mapping[str, Any]],
    data: Sequence[str],
    training: str,
    data_digests: Mapping[str, str],
    csv: str,
) -> None:
    """Write the table. results, rankings: files of all searches, one after the other. shapes: of each search."""
    contents = {}
    for path, (dataset, digest) in zip(data, data_digests.items(), strict=True):
        with open_data(path, digest) as stored:
            contents[dataset] = stored.content
    left, ranked, searches, sums = iter(results), iter(rankings), [], dict[str, str]()
    for shape in (Shape(**one) for one in shapes):
        digests = {"code_digest": training, "data_digest": data_digests[shape.dataset]}
        parts, found = read_parts(shape, left, ranked, digests, contents[shape.dataset])
        searches.append((shape.block, parts))
        sums |= found
    SEARCH.write(csv, search_table(searches), sums)


if "snakemake" in globals():
    with rule_job("aggregate_search", snakemake):
        main(
            results=snakemake.input.results,
            rankings=snakemake.input.rankings,
            shapes=snakemake.params.shapes,
            data=snakemake.input.data,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
            csv=snakemake.output.csv,
        )
