"""The table of gradient checks, with one row for each dataset and activation."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from handgrad.tables.columns import Column, column, plain_column
from handgrad.tables.table import INTEGER, NUMBER, TEXT, TableKind

BLOCKS = ("W1", "W2")

#: values that are lists in the file of a check; the table shows such a list as a text with this separator
_LISTS = {"shape": "x", "central_worst_entry": ",", "complex_worst_entry": ","}

_BY_ENTRY = {
    "max_abs_difference": NUMBER,
    "max_rel_difference": NUMBER,
    "worst_entry": TEXT,
    "analytic": NUMBER,
    "numeric": NUMBER,
}
_OF_BLOCK = {
    "shape": TEXT,
    "entries": INTEGER,
    "largest_gradient": NUMBER,
    **{f"{method}_{name}": kind for method in ("central", "complex") for name, kind in _BY_ENTRY.items()},
    "directions_max_rel_difference": NUMBER,
    "samples_count": INTEGER,
    "samples_max_rel_difference": NUMBER,
    "step_max_rel_difference": NUMBER,
    "momentum_max_rel_difference": NUMBER,
}

#: the result of the published check
PUBLISHED_CHECK = (
    "The published check used central differences on CIFAR-10 with 200 hidden units (W1 200x3073, W2 10x201). "
    "It reported largest absolute differences of 3.60e-05 for W1 and 1.99e-07 for W2, and took 3 h 30 min."
)


def checks_table(checks: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a table of the kind GRADIENT_CHECKS with one row for each check, in the given order.

    Columns of a block have its name as prefix, such as ``W1_central_max_abs_difference``. The columns of complex step
    are missing if the activation has no complex form.
    """
    rows = pd.json_normalize([{**check, **check["blocks"]} for check in checks], sep="_")
    table = rows.reindex(columns=list(GRADIENT_CHECKS.types))
    for name, separator in ((f"{block}_{name}", separator) for block in BLOCKS for name, separator in _LISTS.items()):
        table[name] = [separator.join(map(str, v)) if isinstance(v, list) else None for v in table[name]]
    return GRADIENT_CHECKS.typed(table)


def _columns(table: pd.DataFrame) -> list[Column]:
    """Return the columns for people.

    - RELATIVE: the difference divided by the largest gradient of the block; the larger value of both blocks.
    - SPOT CHECKS: differences of the plain objective, along random directions and at a sample of entries.
    - TRAINING'S STEP: the change of the weights in an update, without and with momentum, compared with the gradient.
    - ENTRY BY ENTRY: the seconds that central differences of the plain objective would take for all entries.
    """
    seconds = table[[f"{block}_entries" for block in BLOCKS]].sum(axis=1) * table["plain_seconds_an_entry"]
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
        column("ENTRY BY ENTRY, SECONDS", "{:.2f}", seconds),
        Column("PASSED", ["yes" if passed else "NO" for passed in table["passed"]], numeric=False),
    ]


def _largest(table: pd.DataFrame, title: str, *methods: str) -> Column:
    names = [f"{block}_{method}_max_rel_difference" for block in BLOCKS for method in methods]
    return column(title, "{:.2g}", table[names].max(axis=1))


def _worst_entries(table: pd.DataFrame) -> list[str]:
    first, second = (table[f"{block}_central_max_rel_difference"] for block in BLOCKS)
    entries = (f"{block}[" + table[f"{block}_central_worst_entry"] + "]" for block in BLOCKS)
    return list(np.where(first >= second, *entries))


GRADIENT_CHECKS = TableKind(
    name="gradient_checks",
    types={
        "dataset": TEXT,
        "activation": TEXT,
        "hidden_units": INTEGER,
        "examples": INTEGER,
        "pixels": TEXT,
        "epsilon": NUMBER,
        "l2": NUMBER,
        "seed": INTEGER,
        "passed": "bool",
        "seconds_central": NUMBER,
        "seconds_complex": NUMBER,
        "plain_seconds_an_entry": NUMBER,
        **{f"{block}_{name}": kind for block in BLOCKS for name, kind in _OF_BLOCK.items()},
    },
    title="Gradient checks",
    lines=lambda table: [f"{table['passed'].sum()} of {len(table)} gradient checks passed."],
    columns=_columns,
    marked=lambda table: ~table["passed"],
    note=PUBLISHED_CHECK,
)
