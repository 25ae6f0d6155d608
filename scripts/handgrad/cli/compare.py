"""``handgrad compare``: show how two experiments differ."""

from dataclasses import asdict
from typing import Annotated

import typer

from handgrad.cli.command import printable
from handgrad.cli.options import AsJson, print_json


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A name in results/, an experiment file, or a folder.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The experiment to compare with A.")],
    as_html: Annotated[bool, typer.Option("--html", help="Write the page results/A_vs_B.html instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the results of two experiments.

    Shows which axes, code, data and machines differ, whether runs in common are equal, and the difference of accuracy
    between paired runs with 95 % intervals. A folder is results/NAME of a project, or an unpacked archive. With --html,
    a page shows both experiments side by side, with linked views of all runs.

    \b
    Examples:
      handgrad compare mine other
      handgrad compare mine other --html
      handgrad compare mine.yaml ../earlier/results/mine
      handgrad compare mine other --json | jq '.compared[].other_runs.mean'
    """
    from handgrad.cli.comparison_text import comparison_lines
    from handgrad.tables.divergence import Sides
    from handgrad.tables.experiment_comparison import common_datasets, compare_experiments
    from handgrad.tables.stored_results import read_results, test_labels

    if as_html and as_json:
        raise typer.BadParameter("--html and --json exclude each other")
    results = Sides(read_results(a), read_results(b))
    both = results.a, results.b
    labels = {dataset: test_labels(dataset, both) for dataset in common_datasets(*both)}
    found = compare_experiments(*both, labels)
    if as_html:
        from handgrad.page.comparison import write_comparison

        print(f"Written: {printable(write_comparison(found, results))}")
    elif as_json:
        print_json(asdict(found))
    else:
        print(*map(printable, comparison_lines(found)), sep="\n")  # names may come from someone else's files
