"""Write the table of the importance of axes: results/<experiment>/tables/importance.{csv,md,html}."""

from handgrad.common.rule_job import rule_job
from handgrad.tables.importance import IMPORTANCE, importance_in_searches, importance_table
from handgrad.tables.search import SEARCH
from handgrad.tables.seeds import SEEDS


def main(*, seeds: str | None, search: str | None, csv: str) -> None:
    """Write the table. search: the table of a search with halving; if None, the table over seeds is used."""
    kind, source, importance = (SEARCH, search, importance_in_searches) if search else (SEEDS, seeds, importance_table)
    made = kind.read(source)
    IMPORTANCE.write(csv, importance(made.table), {source: made.sha256})


if "snakemake" in globals():
    with rule_job("aggregate_importance", snakemake):
        main(seeds=snakemake.input.get("seeds"), search=snakemake.input.get("search"), csv=snakemake.output.csv)
