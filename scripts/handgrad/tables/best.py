"""The best published row beside our best setting: for each network that was trained, and for each dataset."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from handgrad.experiment.published import SETTINGS
from handgrad.experiment.runs import canonical_text
from handgrad.tables.results import axis_column, telling_axes
from handgrad.tables.seeds import SETTING_AXES, VALIDATION
from handgrad.tables.selection import best_settings, how_settings_chosen, splits
from handgrad.tables.statistics import wilson_interval
from handgrad.tables.table import (
    TITLES,
    Column,
    Row,
    format_column,
    html_page,
    markdown_table,
    markdown_text,
    plain_column,
    rows_of,
    typed,
)

#: what a best is chosen for: a network, which is a line of the table, and a dataset, all networks together
NETWORK: tuple[str, ...] = ("dataset", "activation", "hidden_units")
DATASET: tuple[str, ...] = ("dataset",)
_BEST_OF = {NETWORK: "network", DATASET: "dataset"}

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


def best_table(seeds: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """The best published row beside our best setting, with the columns BEST_COLUMNS.

    seeds: a table of ``seeds_table``. published: rows with PUBLISHED_COLUMNS, or None. A row for each
    NETWORK that was trained, of best_of ``network``, and after these one for each dataset, of best_of
    ``dataset``, whose activation and hidden_units are those of our best.

    published_...: the row with the fewest published faults, the first of equals; missing where there is
    none. Ours: the one that ``best_settings`` chooses of so many settings, on the split chosen_on; missing,
    with status ``diverged``, where no run finished. accuracy_mean, accuracy_min, accuracy_max: of the test
    accuracies of its seeds, fractions. accuracy_low, accuracy_high: the Wilson interval of the mean accuracy
    for one test set: the seeds share the test images, and these are not counted once a seed.
    difference_points: the mean less the published accuracy, in percentage points.
    """
    rows = [row for of in (NETWORK, DATASET) for row in _side_by_side(seeds, published, of)]
    order = {name: {v: i for i, v in enumerate(seeds[name].unique())} for name in ("dataset", "activation")}
    networks = sorted(
        (row for row in rows if row["best_of"] == "network"),
        key=lambda row: (*(order[name][row[name]] for name in order), row["hidden_units"]),
    )
    return typed([*networks, *(row for row in rows if row["best_of"] == "dataset")], BEST_COLUMNS)


def _side_by_side(seeds: pd.DataFrame, published: pd.DataFrame | None, of: Sequence[str]) -> list[Row]:
    """A row for each group of settings that are equal in the columns ``of``."""
    keys = list(of)
    table = seeds.groupby(keys, sort=False).agg(settings=("seeds", "size")).reset_index()
    chosen = [*NETWORK, *_OURS]
    table = table.merge(best_settings(seeds, of)[chosen], how="left", on=keys)
    if published is None:
        table[list(_THEIRS)] = None
    else:
        table = table.merge(_best_published(published, of), how="left", on=keys)
    table["best_of"] = _BEST_OF[tuple(of)]
    table["status"] = np.where(table["seeds"].isna(), "diverged", "finished")
    table["chosen_on"] = table["dataset"].map(splits(seeds))
    return rows_of(_with_accuracies(table))


def _best_published(published: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """The row with the fewest faults of each group, its columns called published_... but for ``of``."""
    rate = (published["faults"] / published["test_size"]).to_numpy(float)
    best = published.assign(accuracy=1 - rate).iloc[np.argsort(rate, kind="stable")].drop_duplicates(list(of))
    theirs = best.add_prefix("published_")
    return theirs.assign(**{name: best[name].to_numpy() for name in of})[[*of, *_THEIRS]]


def _with_accuracies(table: pd.DataFrame) -> pd.DataFrame:
    size = table["test_size"].astype("float64")
    low, high = wilson_interval((size - table["faults_mean"]).to_numpy(float), size.to_numpy(float))
    return table.assign(
        accuracy_min=1 - table["faults_max"].astype("float64") / size,
        accuracy_max=1 - table["faults_min"].astype("float64") / size,
        accuracy_low=low,
        accuracy_high=high,
        difference_points=100 * (table["accuracy_mean"] - table["published_accuracy"].astype("float64")),
    )


#: what must be said of the published side
PUBLISHED_RULE = "The best published row is that with the fewest test faults, a choice that saw the test set."


def best_columns(table: pd.DataFrame) -> list[Column]:
    """What people see: the published side, where there is one, and ours.

    Axes that have one value throughout a side are not shown; ``in_common`` tells them.
    """
    published = table["published_faults"].notna().any()
    validation = table["validation_faults_mean"].notna().any()
    return [
        Column("DATASET", _dataset, numeric=False, choose=True),
        Column(TITLES["activation"], _both("activation"), numeric=False, choose=True),
        Column(TITLES["hidden_units"], _both("hidden_units"), choose=True),
        *(_published_columns(table) if published else []),
        *(_our_axis(name) for name in ("learning_rate", "l2", *_differing(_ours(table), _other_axes(table)))),
        plain_column("settings", "SETTINGS"),
        Column("SEEDS", _seeds),
        *([VALIDATION] if validation else []),
        Column("MEAN PREC", _mean_accuracy),
        *([Column("OVER SEEDS", _accuracy_range)] if (table["finished"] > 1).any() else []),
        Column("95% INTERVAL", _interval),
        *([format_column("difference_points", "DIFFERENCE", "+.2f")] if published else []),
    ]


def _published_columns(table: pd.DataFrame) -> list[Column]:
    differing = _differing(_published(table), ("published_batch_size", "published_epochs"))
    shown = ("published_learning_rate", "published_l2", *differing)
    return [
        *(plain_column(name, f"PUB {_title(name.removeprefix('published_'))}") for name in shown),
        plain_column("published_faults", "PUB FAULTS"),
        Column("PUB PREC", lambda row: _percent(row["published_accuracy"])),
    ]


def _our_axis(name: str) -> Column:
    column = axis_column(name)
    return Column(f"OUR {_title(name)}", column.text, column.numeric)


def _title(axis: str) -> str:
    return "λ" if axis == "l2" else TITLES.get(axis, axis.replace("_", " ").upper())


def _ours(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["status"] == "finished"]


def _published(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["published_faults"].notna()]


def _other_axes(table: pd.DataFrame) -> list[str]:
    """Our axes beside the learning rate and l2 that tell a reader something."""
    return ["batch_size", "epochs", *telling_axes(_ours(table))]


def _differing(rows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    return [name for name in names if len(rows[name].unique()) > 1]


def _dataset(row: Row) -> str:
    return f"{row['dataset']}: best of all" if row["best_of"] == "dataset" else str(row["dataset"])


def _both(name: str) -> Callable[[Row], str]:
    """The published value and ours, or one of them if they are equal or the other is missing."""

    def text(row: Row) -> str:
        values = [row[f"published_{name}"], row[name]]
        return " / ".join(dict.fromkeys(str(value) for value in values if not pd.isna(value)))

    return text


def _seeds(row: Row) -> str:
    if pd.isna(row["seeds"]):
        return ""
    return f"{row['seeds']}, {row['diverged']} diverged" if row["diverged"] else f"{row['seeds']}"


def _percent(fraction: float) -> str:
    return "" if pd.isna(fraction) else f"{100 * fraction:.2f}%"


def _mean_accuracy(row: Row) -> str:
    return _percent(row["accuracy_mean"]) if row["status"] == "finished" else "all diverged"


def _accuracy_range(row: Row) -> str:
    several = row["status"] == "finished" and row["finished"] > 1
    return _between(row, "accuracy_min", "accuracy_max") if several else ""


def _interval(row: Row) -> str:
    return _between(row, "accuracy_low", "accuracy_high") if row["status"] == "finished" else ""


def _between(row: Row, low: str, high: str) -> str:
    return f"{100 * row[low]:.2f} to {100 * row[high]:.2f}"


def best_lines(table: pd.DataFrame) -> list[str]:
    """The best of each dataset, how the two sides were chosen, and what is the same throughout, in words."""
    return [*best_of_datasets(table), *in_common(table)]


def best_of_datasets(table: pd.DataFrame) -> list[str]:
    """The best of each dataset, a line each, and how the two sides were chosen."""
    datasets = rows_of(table[table["best_of"] == "dataset"])
    published = table["published_faults"].notna().any()
    how = how_settings_chosen({r["dataset"]: r["chosen_on"] for r in datasets if r["status"] == "finished"})
    return [line for line in (*map(_line, datasets), how, PUBLISHED_RULE if published else "") if line]


def _line(row: Row) -> str:
    theirs = f"{_percent(row['published_accuracy'])} published ({_network(row, 'published_')})"
    ours = f"all of ours diverged ({row['settings']} setting{'' if row['settings'] == 1 else 's'})"
    if row["status"] == "finished":
        seeds = f", mean of {row['finished']} seeds" if row["finished"] > 1 else ""
        interval = f"; 95 % interval {_interval(row)}"
        ours = f"{_percent(row['accuracy_mean'])} ours ({_network(row)}{seeds}{interval})"
    if pd.isna(row["published_faults"]):
        return f"{row['dataset']}: {ours}."
    difference = "" if pd.isna(row["difference_points"]) else f", {row['difference_points']:+.2f} points"
    return f"{row['dataset']}: {theirs}, {ours}{difference}."


def _network(row: Row, side: str = "") -> str:
    size = row[f"{side}hidden_units"]
    return f"{row[f'{side}activation']}, {size} hidden unit{'' if size == 1 else 's'}"


def in_common(table: pd.DataFrame) -> list[str]:
    """The axes that have one value throughout a side, with it: a sentence a side, if there are any."""
    sides = {
        "Published": (_published(table), ["published_batch_size", "published_epochs"]),
        "Ours": (_ours(table), _other_axes(table)),
    }
    told = []
    for side, (rows, names) in sides.items():
        same = [name for name in names if len(rows) and name not in _differing(rows, names)]
        words = [f"{name.removeprefix('published_').replace('_', ' ')} {_value(rows, name)}" for name in same]
        told += [f"{side}, throughout: {', '.join(words)}."] if words else []
    return told


def _value(rows: pd.DataFrame, name: str) -> str:
    value = rows_of(rows.iloc[:1])[0][name]
    return "all" if pd.isna(value) else canonical_text(value)


def best_markdown(table: pd.DataFrame) -> str:
    """A table of bests as Markdown, above it the best of each dataset and how they were chosen."""
    lines = "".join(f"- {markdown_text(line)}\n" for line in best_lines(table))
    return f"{lines}\n{markdown_table(best_columns(table), rows_of(table))}"


def best_html(table: pd.DataFrame) -> str:
    """A table of bests as a page; the best of each dataset are set off at its end."""
    return html_page(
        "Published and ours, the best",
        " ".join(best_lines(table)),
        best_columns(table),
        rows_of(table),
        of_a_dataset,
    )


def of_a_dataset(row: Row) -> bool:
    """Whether a row is the best of a whole dataset; it is set off."""
    return bool(row["best_of"] == "dataset")
