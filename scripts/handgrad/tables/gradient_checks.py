"""The table of gradient checks: one row a dataset and activation."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.tables.table import (
    Column,
    Row,
    format_column,
    html_page,
    markdown_table,
    plain_column,
    rows_of,
    typed,
)

BLOCKS = ("W1", "W2")

_STEP = ("max_abs_difference", "max_rel_difference", "worst_entry", "analytic", "numeric")

_ABOUT_BLOCK = (
    "shape",
    "entries",
    "largest_gradient",
    *(f"central_{figure}" for figure in _STEP),
    *(f"complex_{figure}" for figure in _STEP),
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
    *(f"{block}_{figure}" for block, figure in product(BLOCKS, _ABOUT_BLOCK)),
)

#: what the published check reported
PUBLISHED_CHECK = (
    "The published check (CIFAR-10, 200 hidden units: W1 200x3073, W2 10x201; central differences) reported "
    "largest absolute differences of 3.597993445936254e-05 for W1 and 1.9889030319561463e-07 for W2, "
    "and took 3 h 30 min."
)


def check_row(check: Mapping[str, Any], path: str | Path) -> Row:
    """A gradient check, read from a file, as one row with the columns CHECK_COLUMNS.

    A figure of a block is called ``W1_central_max_abs_difference``. Of an activation without a complex
    form, what complex step would have found is missing. Raises HandgradError if it is no gradient check.
    """
    try:
        row = dict(_flat({**check, **check["blocks"]}))
    except (LookupError, TypeError, AttributeError) as error:
        raise _not_a_check(path, repr(error)) from error
    missing = [name for name in CHECK_COLUMNS if name not in row and "complex" not in name]
    if missing:
        raise _not_a_check(path, f"no {missing[0]}")
    return {name: row.get(name) for name in CHECK_COLUMNS}


def _not_a_check(path: str | Path, reason: str) -> HandgradError:
    return HandgradError(f"{path}: cannot be read as a gradient check ({reason}); {REMEDY}")


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a mapping, named by the keys that lead to them; lists as 200x3073 or 12,845."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{key}_")
        elif isinstance(inner, list):
            yield f"{prefix}{key}", ("x" if key == "shape" else ",").join(map(str, inner))
        else:
            yield f"{prefix}{key}", inner


def checks_table(checks: Iterable[Row]) -> pd.DataFrame:
    """One row a check, in the order given, with the columns CHECK_COLUMNS."""
    return typed(checks, CHECK_COLUMNS)


def check_columns() -> list[Column]:
    """What people see of the checks. Relative differences: of a block's largest gradient, of both blocks the
    larger; spot checks: the untouched objective along directions and at samples of single entries; training's
    step: how an update moves the weights, without and with momentum, against the gradient."""
    return [
        plain_column("dataset"),
        plain_column("activation"),
        *(Column(block, _text(f"{block}_shape"), numeric=False) for block in BLOCKS),
        *(
            format_column(f"{block}_central_max_abs_difference", f"{block} MAX ABS DIFFERENCE", ".3g")
            for block in BLOCKS
        ),
        Column("RELATIVE", _largest("central_max_rel_difference")),
        Column("WORST ENTRY", _worst_entry, numeric=False),
        Column("COMPLEX STEP, RELATIVE", _largest("complex_max_rel_difference")),
        Column(
            "SPOT CHECKS, RELATIVE",
            _largest("directions_max_rel_difference", "samples_max_rel_difference"),
        ),
        Column(
            "TRAINING'S STEP, RELATIVE",
            _largest("step_max_rel_difference", "momentum_max_rel_difference"),
        ),
        format_column("seconds_central", "SECONDS", ".2f"),
        format_column("seconds_complex", "COMPLEX STEP, SECONDS", ".2f"),
        Column("ENTRY BY ENTRY WOULD TAKE", _plain_time, key=_plain_seconds),
        Column("PASSED", lambda row: "yes" if row["passed"] else "NO", numeric=False),
    ]


def _text(name: str) -> Any:
    return lambda row: str(row[name])


def _largest(*figures: str) -> Any:
    def text(row: Row) -> str:
        found = [row[f"{block}_{figure}"] for block, figure in product(BLOCKS, figures)]
        known = [value for value in found if not pd.isna(value)]
        return f"{max(known):.2g}" if known else ""

    return text


def _worst_entry(row: Row) -> str:
    block = max(BLOCKS, key=lambda block: row[f"{block}_central_max_rel_difference"])
    return f"{block}[{row[f'{block}_central_worst_entry']}]"


def _plain_seconds(row: Row) -> float:
    entries: int = sum(row[f"{block}_entries"] for block in BLOCKS)
    return float(entries * row["plain_seconds_an_entry"])


def _plain_time(row: Row) -> str:
    return duration(_plain_seconds(row))


def duration(seconds: float) -> str:
    """Seconds in words, such as ``3 h 30 min``, ``4 min`` or ``12 s``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def checks_html(table: pd.DataFrame) -> str:
    """The checks as a page, with what the published check reported; checks that failed are marked."""
    return html_page("Gradient checks", PUBLISHED_CHECK, check_columns(), rows_of(table), failed)


def failed(row: Row) -> bool:
    """Whether a check failed; its row is set off."""
    return not row["passed"]


def checks_markdown(table: pd.DataFrame) -> str:
    """The checks as Markdown, and what the published check reported."""
    return f"{markdown_table(check_columns(), rows_of(table))}\n{PUBLISHED_CHECK}\n"
