"""The table of gradient checks: one row a dataset and activation."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.formatting import duration_text
from handgrad.tables.columns import Column, column, html_page, markdown_table, plain_column
from handgrad.tables.table import typed

BLOCKS = ("W1", "W2")

_STEP = ("max_abs_difference", "max_rel_difference", "worst_entry", "analytic", "numeric")

_OF_BLOCK = (
    "shape",
    "entries",
    "largest_gradient",
    *(f"central_{name}" for name in _STEP),
    *(f"complex_{name}" for name in _STEP),
    "directions_max_rel_difference",
    "samples_count",
    "samples_max_rel_difference",
    "step_max_rel_difference",
    "momentum_max_rel_difference",
)

CHECK_COLUMNS: tuple[str, ...] = (
    "dataset",
    "activation",
    "hidden_units",
    "examples",
    "pixels",
    "epsilon",
    "l2",
    "seed",
    "passed",
    "seconds_central",
    "seconds_complex",
    "plain_seconds_an_entry",
    *(f"{block}_{name}" for block in BLOCKS for name in _OF_BLOCK),
)

#: what the published check reported
PUBLISHED_CHECK = (
    "The published check (CIFAR-10, 200 hidden units: W1 200x3073, W2 10x201; central differences) reported "
    "largest absolute differences of 3.597993445936254e-05 for W1 and 1.9889030319561463e-07 for W2, "
    "and took 3 h 30 min."
)


def checks_table(checks: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a check, as its file has it, in the order given, with the columns CHECK_COLUMNS.

    Numbers of a block are called ``W1_central_max_abs_difference``. Of an activation without a complex form,
    what complex step would have found is missing.
    """
    rows = pd.json_normalize([{**check, **check["blocks"]} for check in checks], sep="_")
    table = typed(rows, CHECK_COLUMNS)
    for name in CHECK_COLUMNS:
        if name.endswith(("_shape", "_worst_entry")):
            separator = "x" if name.endswith("_shape") else ","
            table[name] = [separator.join(map(str, v)) if isinstance(v, list) else None for v in table[name]]
    return table


def check_columns(table: pd.DataFrame) -> list[Column]:
    """What people see of the checks. Relative differences: of a block's largest gradient, of both blocks the
    larger; spot checks: the untouched objective along directions and at samples of single entries; training's
    step: how an update moves the weights, without and with momentum, against the gradient."""
    seconds = _entry_by_entry(table)
    would_take = column("ENTRY BY ENTRY WOULD TAKE", duration_text, seconds)
    return [
        plain_column(table, "dataset"),
        plain_column(table, "activation"),
        *(column(block, "{}", table[f"{block}_shape"], numeric=False) for block in BLOCKS),
        *(
            column(f"{block} MAX ABS DIFFERENCE", "{:.3g}", table[f"{block}_central_max_abs_difference"])
            for block in BLOCKS
        ),
        _largest(table, "RELATIVE", "central"),
        Column("WORST ENTRY", _worst_entries(table), numeric=False),
        _largest(table, "COMPLEX STEP, RELATIVE", "complex"),
        _largest(table, "SPOT CHECKS, RELATIVE", "directions", "samples"),
        _largest(table, "TRAINING'S STEP, RELATIVE", "step", "momentum"),
        column("SECONDS", "{:.2f}", table["seconds_central"]),
        column("COMPLEX STEP, SECONDS", "{:.2f}", table["seconds_complex"]),
        replace(would_take, keys=seconds.tolist()),
        Column("PASSED", ["yes" if passed else "NO" for passed in table["passed"]], numeric=False),
    ]


def _largest(table: pd.DataFrame, title: str, *methods: str) -> Column:
    names = [f"{block}_{method}_max_rel_difference" for block in BLOCKS for method in methods]
    return column(title, "{:.2g}", table[names].astype("float64").max(axis=1))


def _worst_entries(table: pd.DataFrame) -> list[str]:
    first, second = (table[f"{block}_central_max_rel_difference"].astype("float64") for block in BLOCKS)
    entries = (f"{block}[" + table[f"{block}_central_worst_entry"].astype("str") + "]" for block in BLOCKS)
    return list(np.where(first >= second, *entries))


def _entry_by_entry(table: pd.DataFrame) -> "pd.Series[float]":
    """The seconds that central differences of the untouched objective would take for all entries."""
    entries = table[[f"{block}_entries" for block in BLOCKS]].astype("float64").sum(axis=1)
    return entries * table["plain_seconds_an_entry"].astype("float64")


def checks_html(table: pd.DataFrame) -> str:
    """The checks as a page, with what the published check reported; checks that failed are marked."""
    return html_page("Gradient checks", PUBLISHED_CHECK, check_columns(table), failed(table))


def failed(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which checks failed; they are set off."""
    return ~table["passed"].astype("bool")


def checks_markdown(table: pd.DataFrame) -> str:
    """The checks as Markdown, and what the published check reported."""
    return f"{markdown_table(check_columns(table))}\n{PUBLISHED_CHECK}\n"
