"""The data of the view of searches on the page: where each setting of a search with halving stopped."""

import math
from typing import Any

import pandas as pd

from handgrad.experiment.runs import AXES
from handgrad.page.explore import axis_data
from handgrad.tables.search import candidates


def search_data(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the data of the view of each search, ready for JSON. table: of the kind SEARCH."""
    return [
        _search(f"{dataset}, entry {block}", rows)
        for (block, dataset), rows in table.groupby(["block", "dataset"], sort=False)
    ]


def _search(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return, for each setting, its values, its validation fault rate in each part, and the last part it reached."""
    last = candidates(rows)
    parts = sorted(rows["rung"].unique().tolist())
    values = {axis: [None if pd.isna(one) else one for one in last[axis].tolist()] for axis in AXES[1:] if axis in last}
    rates = [last[f"rung {part}"].astype("float64") / last["validation_size"].astype("float64") for part in parts]
    return {
        "name": name,
        "until": [int(rows.loc[rows["rung"] == part, "until"].iloc[0]) for part in parts],
        "axes": [axis_data(axis, found) for axis, found in values.items() if len(set(found)) > 1],
        "rates": [[None if math.isnan(one) else round(100 * one, 3) for one in part] for part in rates],
        "last": [parts.index(part) for part in last["rung"].tolist()],
    }
