"""Write the table of results from the run files: results/<experiment>/tables/results.{csv,md,html}."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.experiment.runs import Run
from handgrad.search.parts import Shape, finalist_runs
from handgrad.tables.complete_results import complete_results
from handgrad.tables.inputs import read_inputs
from handgrad.tables.results import RESULTS


def main(
    *,
    runs: Sequence[str],
    ranked: Sequence[str],
    rankings: Sequence[str],
    finalists: Sequence[str],
    shapes: Sequence[Mapping[str, Any]],
    data: Sequence[str],
    training: str,
    data_digests: Mapping[str, str],
    csv: str,
) -> None:
    """Write the table. ranked, rankings, finalists: see ``finalist_runs``. shapes: of each search with finalists."""
    inputs = read_inputs(runs, data, training=training, data_digests=data_digests)
    files = iter(ranked), iter(rankings), iter(finalists)
    added: list[Run] = []
    for shape in (Shape(**one) for one in shapes):
        digests = {"code_digest": training, "data_digest": data_digests[shape.dataset]}
        added += finalist_runs(shape, *files, inputs.files, digests)
    table = complete_results(inputs.runs, inputs.labels, Path(csv).parents[3], frozenset(added))
    RESULTS.write(csv, table, inputs.seals)


if "snakemake" in globals():
    with rule_job("aggregate_results", snakemake):
        main(
            runs=snakemake.input.runs,
            ranked=snakemake.input.ranked,
            rankings=snakemake.input.rankings,
            finalists=snakemake.input.finalists,
            shapes=snakemake.params.shapes,
            data=snakemake.input.data,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
            csv=snakemake.output.csv,
        )
