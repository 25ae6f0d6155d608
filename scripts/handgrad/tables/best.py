"""The table of the best published row and our best setting, for each network and each dataset."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.published import SETTINGS
from handgrad.tables.columns import (
    Column,
    axis_title,
    column,
    percent_column,
    plain_column,
    range_column,
    with_texts,
)
from handgrad.tables.published import PUBLISHED_TYPES
from handgrad.tables.results import shown_axes
from handgrad.tables.seeds import SEEDS, SETTING_AXES, validation_column
from handgrad.tables.selection import best_settings, how_chosen, splits
from handgrad.tables.significance import wilson_interval
from handgrad.tables.table import AXIS_TYPES, INTEGER, NUMBER, TEXT, TableKind

#: the columns that identify a row: of one network, or of all networks of a dataset together
NETWORK: tuple[str, ...] = ("dataset", "activation", "hidden_units")
DATASET: tuple[str, ...] = ("dataset",)

_THEIRS = {
    f"published_{name}": kind
    for name, kind in {**PUBLISHED_TYPES, "accuracy": NUMBER}.items()
    if name in (*SETTINGS, "faults", "test_size", "accuracy") and name != "dataset"
}
_OURS = {
    name: SEEDS.types[name]
    for name in (
        *(axis for axis in SETTING_AXES if axis not in NETWORK),
        "seeds",
        "finished",
        "diverged",
        "validation_faults_mean",
        "faults_mean",
        "faults_min",
        "faults_max",
        "test_size",
        "accuracy_mean",
        "majority_rate",
        "balanced_accuracy_mean",
    )
}
#: axes with two columns in this table: the published value and ours
_TUNED = [axis for axis in SETTINGS if axis not in NETWORK]

#: printed above the table if it has published rows
PUBLISHED_RULE = "The best published row was selected by its test faults, so its accuracy is optimistic."


def best_table(seeds: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the kind BEST with the best published row and our best setting side by side.

    seeds: from ``seeds_table``. published: from ``published_table``.

    The table first has one row for each NETWORK that was trained (best_of is ``network``). Then it has one row for
    each dataset (best_of is ``dataset``), with the activation and hidden_units of our best setting.

    - ``published_...``: the first row with the fewest published faults; missing if no row was published.
    - Our columns: the setting that ``best_settings`` selects from ``settings`` settings on the split chosen_on. If no
      run finished, they are missing and the status is ``diverged``.
    - accuracy_mean, accuracy_min, accuracy_max: of the test accuracies of the seeds, as fractions.
    - accuracy_low, accuracy_high: the Wilson interval of the mean accuracy. The seeds share the test examples, so each
      example is counted once.
    - majority_rate, balanced_accuracy_mean: of our setting; see ``class_balance``.
    - difference_points: accuracy_mean minus the published accuracy, in percentage points.
    """
    place = {name: {v: i for i, v in enumerate(seeds[name].unique())} for name in ("dataset", "activation")}
    networks = _side_by_side(seeds, published, NETWORK).sort_values(
        list(NETWORK), key=lambda values: values.map(place[values.name]) if values.name in place else values
    )
    tables = [networks.assign(best_of="network"), _side_by_side(seeds, published, DATASET).assign(best_of="dataset")]
    return pd.concat(map(BEST.typed, tables), ignore_index=True)


def _side_by_side(seeds: pd.DataFrame, published: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """Return one row for each group of settings that have equal values in the columns ``of``."""
    keys = list(of)
    table = seeds.groupby(keys, sort=False).agg(settings=("seeds", "size")).reset_index()
    table = table.merge(best_settings(seeds, of)[[*NETWORK, *_OURS]], how="left", on=keys)
    table = table.merge(_best_published(published, of), how="left", on=keys)
    size = table["test_size"].astype("float64")
    low, high = wilson_interval((size - table["faults_mean"]).to_numpy(float), size.to_numpy(float))
    return table.assign(
        status=np.where(table["seeds"].isna(), "diverged", "finished"),
        chosen_on=table["dataset"].map(splits(seeds)),
        accuracy_min=1 - table["faults_max"].astype("float64") / size,
        accuracy_max=1 - table["faults_min"].astype("float64") / size,
        accuracy_low=low,
        accuracy_high=high,
        difference_points=100 * (table["accuracy_mean"] - table["published_accuracy"].astype("float64")),
    )


def _best_published(published: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """Return the row with the fewest faults of each group; all columns except ``of`` get the prefix ``published_``."""
    rate = (published["faults"] / published["test_size"]).astype("float64")
    best = published.assign(accuracy=1 - rate).loc[rate.sort_values(kind="stable").index].drop_duplicates(list(of))
    return best[list(of)].join(best.add_prefix("published_"))[[*of, *_THEIRS]]


def _columns(table: pd.DataFrame) -> list[Column]:
    """Return our columns, and the published columns if a row was published."""
    has_published = bool(table["published_faults"].notna().any())
    datasets = table["dataset"] + np.where(_of_datasets(table), ": best of all", "")
    several = table["finished"].astype("float64") > 1
    theirs = [
        *_side(table, "published_", "PUB", _TUNED),
        plain_column(table, "published_faults", "PUB FAULTS"),
        percent_column("PUB PREC", table["published_accuracy"]),
    ]
    return [
        Column("DATASET", datasets.tolist(), numeric=False, choose=True),
        *(_both_sides(table, name) for name in NETWORK[1:]),
        *(theirs if has_published else []),
        *_side(table, "", "OUR", [*_TUNED, *shown_axes(table)]),
        *(plain_column(table, name) for name in ("settings", "seeds", "diverged")),
        *with_texts(validation_column(table)),
        percent_column("MEAN PREC", table["accuracy_mean"], missing="all diverged"),
        *with_texts(range_column("OVER SEEDS", table["accuracy_min"].where(several), table["accuracy_max"])),
        range_column("95% INTERVAL", table["accuracy_low"], table["accuracy_high"]),
        *with_texts(
            percent_column("MAJORITY", table["majority_rate"]),
            percent_column("MEAN BALANCED PREC", table["balanced_accuracy_mean"]),
        ),
        *([column("DIFFERENCE", "{:+.2f}", table["difference_points"])] if has_published else []),
    ]


def _side(table: pd.DataFrame, prefix: str, title: str, axes: Sequence[str]) -> list[Column]:
    return [plain_column(table, f"{prefix}{axis}", f"{title} {axis_title(axis)}") for axis in axes]


def _of_datasets(table: pd.DataFrame) -> "pd.Series[bool]":
    return table["best_of"] == "dataset"


def _both_sides(table: pd.DataFrame, name: str) -> Column:
    """Return a column of both values, or of one value if they are equal or one is missing."""
    ours = plain_column(table, name)
    pairs = zip(plain_column(table, f"published_{name}").texts, ours.texts, strict=True)
    texts = [" / ".join(dict.fromkeys(text for text in pair if text)) for pair in pairs]
    return Column(ours.title, texts, ours.numeric, choose=True)


def _lines(table: pd.DataFrame) -> list[str]:
    """Return the best results of each dataset, and how they were selected from several settings."""
    rows = table[_of_datasets(table)]
    chosen = rows[(rows["status"] == "finished") & (rows["settings"] > 1)]
    chosen_on = dict(zip(chosen["dataset"], chosen["chosen_on"], strict=True))
    how = how_chosen("Our best setting has the fewest mean faults over its seeds", chosen_on)
    rule = [PUBLISHED_RULE] if table["published_faults"].notna().any() else []
    return [*map(_line, rows.itertuples()), *how, *rule]


def _line(row: Any) -> str:
    published, difference = "", ""
    if pd.notna(row.published_faults):
        network = _network(row.published_activation, row.published_hidden_units)
        published = f"{row.published_accuracy:.2%} published ({network}), "
    if row.status == "diverged":
        return f"{row.dataset}: {published}all of ours diverged ({counted(row.settings, 'setting')})."
    if published:
        difference = f", {row.difference_points:+.2f} points"
    ours = f"{_network(row.activation, row.hidden_units)}, {counted(row.finished, 'seed')}"
    interval = f"95% interval {100 * row.accuracy_low:.2f} to {100 * row.accuracy_high:.2f}"
    balanced = ""
    if pd.notna(row.balanced_accuracy_mean):
        rates = f"{row.majority_rate:.2%} by always predicting the most frequent class"
        balanced = f"; balanced accuracy {row.balanced_accuracy_mean:.2%}; {rates}"
    return f"{row.dataset}: {published}{row.accuracy_mean:.2%} ours ({ours}; {interval}){difference}{balanced}."


def _network(activation: str, hidden_units: int) -> str:
    return f"{activation}, {counted(hidden_units, 'hidden unit')}"


BEST = TableKind(
    name="best",
    types={
        "best_of": TEXT,
        **{axis: AXIS_TYPES[axis] for axis in NETWORK},
        **_THEIRS,
        "status": TEXT,
        "settings": INTEGER,
        "chosen_on": TEXT,
        **_OURS,
        **dict.fromkeys(("accuracy_min", "accuracy_max", "accuracy_low", "accuracy_high", "difference_points"), NUMBER),
    },
    title="Best results",
    lines=_lines,
    columns=_columns,
    marked=_of_datasets,
)
