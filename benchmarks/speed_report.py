"""Write the measured seconds as a Markdown table with ratios, as CSV and as a plot."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from handgrad.plots.panels import fixed_ticks
from handgrad.plots.style import COLOURS, INK, MARKERS, entries, legend, save_figure, style

OURS, BOUND = "handgrad", "bound"
NOISE = "noise"  # the relative standard error of the time of handgrad divided by the bound
CELL = ["dataset", "dtype", "activation", "M"]


def write_report(out: Path, table: pd.DataFrame, how: str) -> str:
    """Write speed.csv, speed.md and speed.svg into the folder ``out``. Return the text of speed.md."""
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "speed.csv", index=False)
    text = "\n\n".join([how, *(_section(dtype, rows) for dtype, rows in table.groupby("dtype"))]) + "\n"
    (out / "speed.md").write_text(text, encoding="utf-8")
    save_figure(out / "speed.svg", ratio_figure(table))
    return text


def others(table: pd.DataFrame) -> list[str]:
    """Return the measured contenders except handgrad, and the bound as the last name."""
    names = [name for name in table.columns if name not in (*CELL, OURS, BOUND, NOISE)]
    return [*(name for name in names if table[name].notna().any()), BOUND]


def geometric_mean(ratios: "pd.Series[float]") -> float:
    """Return the geometric mean of all ratios that are not missing."""
    return float(np.exp(np.log(ratios.dropna()).mean()))


def _section(dtype: str, rows: pd.DataFrame) -> str:
    """Return the table of a dtype: seconds per epoch, and in brackets the ratio to handgrad."""
    names = [name for name in rows.columns if name not in (*CELL, BOUND, NOISE)]
    lines = [["dataset", "activation", "M", *names, BOUND]]
    for _, row in rows.iterrows():
        cells = [_cell(row, name, rows) for name in [*names, BOUND]]
        lines.append([row["dataset"], row["activation"], str(row["M"]), *cells])
    head, *body = ["| " + " | ".join(line) + " |" for line in lines]
    rule = "|" + "---|" * 3 + "--:|" * (len(names) + 1)
    return "\n".join([f"**{dtype}**, seconds per epoch", "", head, rule, *body, "", *_means(rows)])


def _cell(row: "pd.Series[float]", name: str, rows: pd.DataFrame) -> str:
    if rows[name].isna().all():
        return "not installed"
    if np.isnan(row[name]):
        return ""
    ratio = "" if name == OURS else f" ({row[name] / row[OURS]:.2f})"
    return f"{row[name]:.3f}{ratio}"


def _means(rows: pd.DataFrame) -> list[str]:
    lines = []
    for name in others(rows)[:-1]:
        ratios = rows[name] / rows[OURS]
        lines.append(
            f"- {name}: {geometric_mean(ratios):.2f} times handgrad (geometric mean), {ratios.min():.2f} to "
            f"{ratios.max():.2f}"
        )
    for hidden_units, some in rows.groupby("M"):
        ratios = some[BOUND] / some[OURS]
        lines.append(
            f"- the bound at M = {hidden_units}: {geometric_mean(ratios):.2f} of handgrad (geometric mean), "
            f"{ratios.min():.2f} to {ratios.max():.2f}"
        )
    return lines


def ratio_figure(table: pd.DataFrame) -> Figure:
    """Return a plot of the time relative to handgrad: a panel for each dataset and dtype, a row for each network."""
    names = others(table)
    looks = {
        name: {"color": colour, "marker": marker, "linestyle": "", "markersize": 6}
        for name, colour, marker in zip(names, COLOURS, MARKERS, strict=False)
    }
    looks[BOUND] = {"color": INK, "marker": "|", "linestyle": "", "markersize": 9}
    with style():
        parts = table.groupby(["dtype", "dataset"], sort=False)
        height, width = (table[name].nunique() for name in ("dtype", "dataset"))
        figure = Figure(figsize=(0.5 + 3.7 * width, 1.2 + 2.9 * height))
        grid = figure.subplots(height, width, sharex=True, squeeze=False)
        for ((dtype, dataset), rows), axes in zip(parts, grid.flat, strict=False):
            rows = rows.iloc[::-1]
            labels = [f"{row.activation} {row.M}" for row in rows.itertuples()]
            for name in names:
                axes.plot(rows[name] / rows[OURS], range(len(rows)), **looks[name])
            axes.axvline(1, color=INK, linewidth=0.8)
            axes.set_title(f"{dataset}, {dtype}")
            axes.set_xscale("log")
            axes.set_ylim(-0.6, len(rows) - 0.4)
            fixed_ticks(axes.xaxis, [0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10])
            fixed_ticks(axes.yaxis, range(len(rows)), lambda place, labels=labels: labels[int(place)])
        figure.supxlabel("Time of an epoch, relative to handgrad")
        legend(figure, entries(names, "{}", looks.__getitem__))
    return figure
