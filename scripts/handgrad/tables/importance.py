"""The table of the importance of axes: how much each axis alone decides whether a setting is among the best."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.populations import FEWEST_AXES, FEWEST_SETTINGS
from handgrad.tables.columns import Column, column, plain_column, with_texts
from handgrad.tables.ped_anova import BEST_FRACTION, groups_of, importance_of
from handgrad.tables.seeds import SETTING_AXES
from handgrad.tables.selection import mean_fault_rates, splits
from handgrad.tables.table import INTEGER, NUMBER, TEXT, Row, TableKind

_DECIMALS = 6  # other digits may differ between machines, and ``handgrad archive verify`` compares texts


def importance_table(seeds: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the kind IMPORTANCE for the settings of each dataset. seeds: from ``seeds_table``.

    Settings are ranked by their mean fraction of faults. After all others come those with a diverged seed, and last
    those without a finished seed. A row is an axis that varies. A dataset has no rows if it has fewer than
    FEWEST_SETTINGS settings or FEWEST_AXES axes that vary, or if no run finished.
    """
    rates = np.nan_to_num(mean_fault_rates(seeds), nan=np.inf)
    keys = np.column_stack([seeds["diverged"] > 0, rates])
    ranks = np.where(seeds["finished"] > 0, np.unique(keys, axis=0, return_inverse=True)[1].ravel(), np.inf)
    return _table(seeds.assign(block=None, rank=ranks, chosen_on=seeds["dataset"].map(splits(seeds))))


def importance_in_searches(search: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the kind IMPORTANCE for the candidates of each search.

    search: from ``search_table``. A search is an entry of ``experiments`` and a dataset. All its candidates reached
    rung 0, so the ranks there are used.
    """
    first = search[search["rung"] == 0]
    ranks = np.where(first["validation_faults"].notna(), first["rank"], np.inf)
    return _table(first.assign(rank=ranks, chosen_on="validation"))


def _table(settings: pd.DataFrame) -> pd.DataFrame:
    """Return the table for settings with their rank, which is infinite if no seed finished."""
    return IMPORTANCE.typed([row for own in _groups(settings) for row in _rows(own)])


def _rows(settings: pd.DataFrame) -> Iterator[Row]:
    """Yield the rows of settings that are compared with each other, the most important axis first."""
    axes = [axis for axis in SETTING_AXES if len(settings[axis].unique()) > 1]
    finished = np.isfinite(settings["rank"]).any()
    if len(settings) < FEWEST_SETTINGS or len(axes) < FEWEST_AXES or not finished:
        return
    ranks = np.unique(settings["rank"], return_inverse=True)[1]
    found = importance_of([groups_of(settings[axis]) for axis in axes], ranks)
    common = {name: settings.iloc[0][name] for name in ("dataset", "block", "chosen_on")}
    for i in np.argsort(-found.share, kind="stable"):
        yield {
            **common,
            "axis": axes[i],
            "importance": round(found.share[i], _DECIMALS),
            "low": round(found.low[i], _DECIMALS),
            "high": round(found.high[i], _DECIMALS),
            "explained": round(found.explained[i], _DECIMALS),
            "settings": len(settings),
            "quantile": BEST_FRACTION,
        }


def _columns(table: pd.DataFrame) -> list[Column]:
    return [
        plain_column(table, "dataset"),
        *with_texts(plain_column(table, "block", "ENTRY")),
        plain_column(table, "axis"),
        column("IMPORTANCE", "{:.0f}%", 100 * table["importance"]),
        column("95% INTERVAL", "{:.0f} to {:.0f}", 100 * table["low"], 100 * table["high"]),
        column("EXPLAINED", "{:.1f}%", 100 * table["explained"]),
        plain_column(table, "settings"),
    ]


def leading_axes(table: pd.DataFrame) -> list[str]:
    """Return a sentence on the most important axis of each dataset or search. table: of the kind IMPORTANCE."""
    return [_leading(rows.iloc[0]) for rows in _groups(table)]


def _leading(first: "pd.Series[Any]") -> str:
    if first["importance"] == 0:
        return f"{first['dataset']}: no axis alone has a measurable effect on which settings are best."
    interval = f"{first['importance']:.0%}, 95% interval {100 * first['low']:.0f} to {100 * first['high']:.0f}"
    if first["low"] > 0:
        return f"{first['dataset']}: {first['axis']} is the most important axis ({interval})."
    few = "the settings are too few to be sure"
    return f"{first['dataset']}: {first['axis']} may be the most important axis ({interval}); {few}."


def _lines(table: pd.DataFrame) -> list[str]:
    return [*leading_axes(table), *map(_compared, _groups(table))] or ["No run finished."]


def _compared(rows: pd.DataFrame) -> str:
    """Return which settings were compared, and how much of the variance all axes explain."""
    first, settings = rows.iloc[0], counted(rows["settings"].iloc[0], "setting")
    after = "" if pd.isna(first["block"]) else f" of experiments[{first['block']}] after rung 0, which all reach"
    split = "test set" if first["chosen_on"] == "test" else "validation split"
    whole = rows["explained"].sum()
    overlap = "; they overlap, because not all values were combined" if whole > 1 else ""
    return (
        f"{first['dataset']}: {settings}{after}. The axes, each alone, explain {whole:.0%} of the variance of which "
        f"settings are in the best quarter on the {split}{overlap}."
    )


def _groups(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [rows for _, rows in table.groupby(["block", "dataset"], dropna=False, sort=False)]


IMPORTANCE = TableKind(
    name="importance",
    types={
        "dataset": TEXT,
        "block": INTEGER,
        "axis": TEXT,
        **dict.fromkeys(("importance", "low", "high", "explained"), NUMBER),
        "settings": INTEGER,
        "quantile": NUMBER,
        "chosen_on": TEXT,
    },
    title="Importance of axes",
    lines=_lines,
    columns=_columns,
)
