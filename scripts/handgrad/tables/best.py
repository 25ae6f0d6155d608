"""The table of bests: the best published row and our best setting of each network and each dataset."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.published import SETTINGS
from handgrad.experiment.runs import canonical_text
from handgrad.tables.columns import (
    Column,
    axis_title,
    column,
    html_page,
    markdown_table,
    markdown_text,
    percent_column,
    plain_column,
    range_column,
    with_texts,
)
from handgrad.tables.results import shown_axes
from handgrad.tables.seeds import SETTING_AXES, seeds_column, validation_column
from handgrad.tables.selection import best_settings, how_settings_chosen, splits
from handgrad.tables.statistics import wilson_interval
from handgrad.tables.table import typed, varying

#: what a best is chosen for: a network, which is a line of the table, and a dataset, all networks together
NETWORK: tuple[str, ...] = ("dataset", "activation", "hidden_units")
DATASET: tuple[str, ...] = ("dataset",)

PUBLISHED_COLUMNS: tuple[str, ...] = (*SETTINGS, "faults", "test_size")

_THEIRS = tuple(f"published_{name}" for name in (*PUBLISHED_COLUMNS, "accuracy") if name != "dataset")
_OURS = (
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
)

BEST_COLUMNS: tuple[str, ...] = (
    "best_of",
    *NETWORK,
    *_THEIRS,
    "status",
    "settings",
    "chosen_on",
    *_OURS,
    "accuracy_min",
    "accuracy_max",
    "accuracy_low",
    "accuracy_high",
    "difference_points",
)

#: what must be said of the published side
PUBLISHED_RULE = "The best published row has the fewest test faults, so its accuracy is optimistic."


def best_table(seeds: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """Return the best published row and our best setting side by side, with the columns BEST_COLUMNS.

    seeds: a table of ``seeds_table``. published: rows with PUBLISHED_COLUMNS, or None. A row for each
    NETWORK that was trained, of best_of ``network``, and after these one for each dataset, of best_of
    ``dataset``, whose activation and hidden_units are those of our best.

    published_...: the row with the fewest published faults, the first of equals; missing where there is
    none. Ours: the one that ``best_settings`` chooses among ``settings`` settings, on the split chosen_on; missing,
    with status ``diverged``, where no run finished. accuracy_mean, accuracy_min, accuracy_max: of the test
    accuracies of its seeds, fractions. accuracy_low, accuracy_high: the Wilson interval of the mean accuracy
    for one test set: the seeds share the test images, and these are not counted once a seed.
    difference_points: the mean less the published accuracy, in percentage points.
    """
    place = {name: {v: i for i, v in enumerate(seeds[name].unique())} for name in ("dataset", "activation")}
    networks = _side_by_side(seeds, published, NETWORK).sort_values(
        list(NETWORK), key=lambda values: values.map(place[values.name]) if values.name in place else values
    )
    tables = [networks.assign(best_of="network"), _side_by_side(seeds, published, DATASET).assign(best_of="dataset")]
    return pd.concat([typed(table, BEST_COLUMNS) for table in tables], ignore_index=True)


def _side_by_side(seeds: pd.DataFrame, published: pd.DataFrame | None, of: Sequence[str]) -> pd.DataFrame:
    """A row for each group of settings that are equal in the columns ``of``."""
    keys = list(of)
    if published is None:
        published = pd.DataFrame(columns=list(PUBLISHED_COLUMNS)).astype(seeds.dtypes[keys])
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
    """The row with the fewest faults of each group, its columns called published_... but for ``of``."""
    rate = (published["faults"] / published["test_size"]).astype("float64")
    best = published.assign(accuracy=1 - rate).loc[rate.sort_values(kind="stable").index].drop_duplicates(list(of))
    return best[list(of)].join(best.add_prefix("published_"))[[*of, *_THEIRS]]


def best_columns(table: pd.DataFrame) -> list[Column]:
    """What people see: the published side, where there is one, and ours.

    Axes that have one value throughout a side are not shown; ``in_common`` says them.
    """
    several = table["finished"].astype("float64") > 1
    return [
        Column("DATASET", _datasets(table), numeric=False, choose=True),
        *(_both_sides(table, name) for name in NETWORK[1:]),
        *(_published_columns(table) if _has_published(table) else []),
        *(_our_column(table, name) for name in ("learning_rate", "l2", *varying(*_ours(table)))),
        plain_column(table, "settings"),
        seeds_column(table),
        *with_texts(validation_column(table)),
        percent_column("MEAN PREC", table["accuracy_mean"], missing="all diverged"),
        *with_texts(range_column("OVER SEEDS", table["accuracy_min"].where(several), table["accuracy_max"])),
        range_column("95% INTERVAL", table["accuracy_low"], table["accuracy_high"]),
        *([column("DIFFERENCE", "{:+.2f}", table["difference_points"])] if _has_published(table) else []),
    ]


def _has_published(table: pd.DataFrame) -> bool:
    return bool(table["published_faults"].notna().any())


def _datasets(table: pd.DataFrame) -> list[str]:
    return (table["dataset"] + np.where(of_datasets(table), ": best of all", "")).tolist()


def of_datasets(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are the best of a whole dataset; they are set off."""
    return table["best_of"] == "dataset"


def _both_sides(table: pd.DataFrame, name: str) -> Column:
    """The published value and ours, or one of them if they are equal or the other is missing."""
    ours = plain_column(table, name)
    pairs = zip(plain_column(table, f"published_{name}").texts, ours.texts, strict=True)
    texts = [" / ".join(dict.fromkeys(text for text in pair if text)) for pair in pairs]
    return Column(ours.title, texts, ours.numeric, choose=True)


def _published_columns(table: pd.DataFrame) -> list[Column]:
    shown = ("published_learning_rate", "published_l2", *varying(*_published(table)))
    return [
        *(plain_column(table, name, f"PUB {_title(name.removeprefix('published_'))}") for name in shown),
        plain_column(table, "published_faults", "PUB FAULTS"),
        percent_column("PUB PREC", table["published_accuracy"]),
    ]


def _our_column(table: pd.DataFrame, name: str) -> Column:
    return replace(plain_column(table, name, f"OUR {_title(name)}"), choose=False)


def _title(axis: str) -> str:
    return "λ" if axis == "l2" else axis_title(axis)


def _ours(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows with a side of ours, and its axes that may be the same throughout."""
    rows = table[table["status"] == "finished"]
    return rows, ["batch_size", "epochs", *shown_axes(rows)]


def _published(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    return table[table["published_faults"].notna()], ["published_batch_size", "published_epochs"]


def best_lines(table: pd.DataFrame) -> list[str]:
    """The best of each dataset, how the two sides were chosen, and what is the same throughout, in words."""
    return [*best_of_datasets(table), *in_common(table)]


def best_of_datasets(table: pd.DataFrame) -> list[str]:
    """The best of each dataset, a line each, and how the two sides were chosen."""
    rows = table[of_datasets(table)]
    finished = rows[rows["status"] == "finished"]
    how = how_settings_chosen(dict(zip(finished["dataset"], finished["chosen_on"], strict=True)))
    lines = [_line(row) for row in rows.itertuples()]
    return [*lines, *([how] if how else []), *([PUBLISHED_RULE] if _has_published(table) else [])]


def _line(row: Any) -> str:
    ours = f"all of ours diverged ({counted(row.settings, 'setting')})"
    if row.status == "finished":
        mean = f", mean of {counted(row.finished, 'seed')}" if row.finished > 1 else ""
        interval = f"95 % interval {100 * row.accuracy_low:.2f} to {100 * row.accuracy_high:.2f}"
        ours = f"{row.accuracy_mean:.2%} ours ({_network(row.activation, row.hidden_units)}{mean}; {interval})"
    if pd.isna(row.published_faults):
        return f"{row.dataset}: {ours}."
    network = _network(row.published_activation, row.published_hidden_units)
    difference = "" if pd.isna(row.difference_points) else f", {row.difference_points:+.2f} points"
    return f"{row.dataset}: {row.published_accuracy:.2%} published ({network}), {ours}{difference}."


def _network(activation: str, hidden_units: int) -> str:
    return f"{activation}, {counted(hidden_units, 'hidden unit')}"


def in_common(table: pd.DataFrame) -> list[str]:
    """The axes that have one value throughout a side, with it: a sentence a side, if there are any."""
    lines = []
    for side, (rows, names) in (("Published", _published(table)), ("Ours", _ours(table))):
        same = [name for name in names if len(rows) and name not in varying(rows, names)]
        values = [f"{name.removeprefix('published_').replace('_', ' ')} {_value(rows[name])}" for name in same]
        lines += [f"{side}, throughout: {', '.join(values)}."] if values else []
    return lines


def _value(values: "pd.Series[Any]") -> str:
    value = values.tolist()[0]
    return "all" if pd.isna(value) else canonical_text(value)


def best_markdown(table: pd.DataFrame) -> str:
    """A table of bests as Markdown, above it the best of each dataset and how they were chosen."""
    lines = "".join(f"- {markdown_text(line)}\n" for line in best_lines(table))
    return f"{lines}\n{markdown_table(best_columns(table))}"


def best_html(table: pd.DataFrame) -> str:
    """A table of bests as a page; the best of each dataset are set off at its end."""
    return html_page(
        "Published and ours, the best", " ".join(best_lines(table)), best_columns(table), of_datasets(table)
    )
