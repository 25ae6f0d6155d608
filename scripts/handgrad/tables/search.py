"""The table of a search with halving, with one row for each setting and each part that it reached."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from handgrad.experiment.searches import setting_of
from handgrad.tables.columns import TITLES, Column, column, plain_column, with_texts
from handgrad.tables.results import shown_axes
from handgrad.tables.seeds import SETTING_AXES
from handgrad.tables.table import AXIS_TYPES, INTEGER, NUMBER, TEXT, Row, TableKind

if TYPE_CHECKING:  # scripts of other tables must not depend on the imports of training
    from handgrad.search.parts import Part


def search_table(searches: Iterable[tuple[int, Sequence["Part"]]]) -> pd.DataFrame:
    """Return a table of the kind SEARCH. searches: entry of ``experiments`` and parts of each search.

    A setting has a row for each part that it reached. The settings that reached the last part come first, from the best
    to the worst.

    - block: index of the entry. rung: number of the part, from 0; the final part is the last. until: its epochs.
    - rank: 1 for the best setting of the part. promoted: ``yes`` if the setting went on; in the final part, if it is a
      finalist.
    - seeds, diverged: numbers of seeds and of diverged seeds.
    - validation_faults, validation_loss: means over the seeds that did not diverge, after the last epoch of the part.
    """
    return SEARCH.typed(row for block, parts in searches for row in _rows(block, parts))


def _rows(block: int, parts: Sequence["Part"]) -> Iterator[Row]:
    rows: dict[str, list[Row]] = {}
    for part in parts:
        seeds = len(part.results) // len(part.settings)
        for place, ranked in enumerate(part.settings):
            row = {
                "block": block,
                **setting_of(ranked.run),
                "rung": part.number,
                "until": part.until,
                "rank": place + 1,
                "promoted": "yes" if place < part.promoted else "no",
                "seeds": seeds,
                "diverged": ranked.diverged,
                "validation_faults": ranked.validation_faults,
                "validation_loss": ranked.validation_loss,
            }
            rows.setdefault(ranked.run.name, []).append(row)
    furthest_first = sorted(rows.values(), key=lambda found: (-found[-1]["rung"], found[-1]["rank"]))
    for found in furthest_first:
        yield from found


def candidates(table: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each setting, with its validation faults in each part in a column ``rung <number>``."""
    number = table.groupby(["block", *SETTING_AXES], dropna=False, sort=False).ngroup()
    last = table.groupby(number).tail(1).reset_index(drop=True)
    for rung, rows in table.assign(number=number).groupby("rung"):
        last[f"rung {rung}"] = rows.set_index("number")["validation_faults"]
    return last


def _columns(table: pd.DataFrame) -> list[Column]:
    rows = candidates(table)
    rungs = [f"rung {rung}" for rung in sorted(table["rung"].unique())]
    return [
        *([plain_column(rows, "block")] if len(set(rows["block"])) > 1 else []),
        *(plain_column(rows, name) for name in TITLES),
        *(plain_column(rows, name) for name in shown_axes(rows)),
        column("STOPPED AFTER", "{}", rows["until"]),
        column("RANK", "{}", rows["rank"]),
        *(column(f"VALID {name.upper()}", "{:.1f}", rows[name]) for name in rungs),
        *with_texts(column("DIVERGED", lambda number: f"{number}" if number else "", rows["diverged"])),
    ]


def _lines(table: pd.DataFrame) -> list[str]:
    """Return, for each search, the numbers of settings that reached each part."""
    lines = []
    for (block, dataset), rows in table.groupby(["block", "dataset"], sort=False):
        sizes = rows.groupby("rung", sort=True).agg(until=("until", "max"), size=("rank", "size"))
        steps = ", ".join(f"{size:,} until epoch {until}" for until, size in sizes.itertuples(index=False))
        lines.append(f"{dataset}, entry {block}: {steps}. Settings are ranked on the validation split.")
    return lines


SEARCH = TableKind(
    name="search",
    types={
        "block": INTEGER,
        **{axis: AXIS_TYPES[axis] for axis in SETTING_AXES},
        **dict.fromkeys(("rung", "until", "rank"), INTEGER),
        "promoted": TEXT,
        **dict.fromkeys(("seeds", "diverged"), INTEGER),
        **dict.fromkeys(("validation_faults", "validation_loss"), NUMBER),
    },
    title="Search",
    lines=_lines,
    columns=_columns,
)
