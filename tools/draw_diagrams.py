"""Draw the rule graph and the package diagram of the documentation (``make diagrams``)."""

import re
import subprocess
import sys
from pathlib import Path
from statistics import mean

import grimp
import networkx as nx
from matplotlib.figure import Figure

from handgrad.plots.style import save_figure, style

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs/images"


def rules() -> "nx.DiGraph[str]":
    """Return Snakemake's rule graph, without transitive edges; an edge points from a rule to one that needs it."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--configfile",
        "config/config.yaml",
        "--rulegraph",
        "dot",
        "--forceall",
    ]
    dot = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603, no shell
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', dot, re.MULTILINE))
    graph = nx.DiGraph((names[a], names[b]) for a, b in re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE))
    graph.remove_nodes_from([name for name in ("all", "default") if name in graph])
    return nx.transitive_reduction(graph)


def packages() -> "nx.DiGraph[str]":
    """Return the package graph of the library, without transitive edges; an edge points from a package to its user."""
    found = grimp.build_graph("handgrad")
    names = sorted(found.find_children("handgrad"))
    names = [name for name in names if found.find_children(name)]
    graph: nx.DiGraph[str] = nx.DiGraph()
    for one in names:
        for other in names:
            if one != other and found.find_shortest_chains(one, other):
                graph.add_edge(other.removeprefix("handgrad."), one.removeprefix("handgrad."))
    return nx.transitive_reduction(graph)


def drawn(graph: "nx.DiGraph[str]") -> Figure:
    """Return a figure of a graph; each node is to the right of all nodes that it needs."""
    columns = [sorted(column) for column in nx.topological_generations(graph)]
    height = max(map(len, columns))
    at: dict[str, tuple[float, float]] = {}
    for x, column in enumerate(columns):
        # place each node near the nodes that it needs, so that few arrows cross
        column.sort(key=lambda name: -mean([at[needed][1] for needed in graph.predecessors(name)] or [0]))
        at |= {name: (x, height / 2 - (y + 0.5) * height / len(column)) for y, name in enumerate(column)}
    width = max(map(len, graph)) * 0.085 + 0.35  # width of a column in inches
    with style():
        figure = Figure(figsize=(width * len(columns), 0.42 * height + 0.4), layout="none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-height / 2 - 0.2, height / 2 + 0.2))
        axes.set_axis_off()
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "#5b6670"}
        texts = {
            name: axes.text(*place, name, ha="center", va="center", fontsize=8, bbox=box) for name, place in at.items()
        }
        for a, b in graph.edges:
            ends = {"patchA": texts[a].get_bbox_patch(), "patchB": texts[b].get_bbox_patch()}
            arrow = {"arrowstyle": "->", "color": "#9aa5ae", "shrinkA": 1, "shrinkB": 1, **ends}
            axes.annotate("", at[b], at[a], arrowprops=arrow, zorder=1)
    return figure


if __name__ == "__main__":
    save_figure(IMAGES / "rules.svg", drawn(rules()))
    save_figure(IMAGES / "packages.svg", drawn(packages()))
