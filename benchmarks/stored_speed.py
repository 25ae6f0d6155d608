"""Compare measured times with the table stored for the same CPU: benchmarks/stored/<cpu>.csv.

The compared number is the time of handgrad relative to the bound, because both change alike with the load of a
machine and with its clock. ``make bench`` prints the comparison; ``compare_speed.py --store`` replaces the table.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from handgrad.storage.run_writer import cpu_model
from speed_report import BOUND, CELL, NOISE, OURS

FOLDER = Path(__file__).resolve().parent / "stored"
SIGMAS = 3
#: two measurements differ by up to this share even if the rounds of each agree: the system places arrays differently
BETWEEN_PROCESSES = 0.05


def stored_path() -> Path:
    """Return the path of the table for this CPU. The name includes the BLAS kernels, because CPU names can be vague."""
    kernels = sorted({one["architecture"] for one in threadpool_info() if "architecture" in one})
    words = re.findall(r"[a-z0-9]+", " ".join([cpu_model(), *kernels]).lower())
    return FOLDER / f"{'-'.join(words)}.csv"


def changes(table: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Return the time relative to the bound, now and stored, for each cell that both tables have.

    change: now divided by stored. noise: the change that may be noise. slower: whether the change is more than that.
    """
    both = table.merge(stored, on=CELL, suffixes=("", " stored"))
    found = both[CELL].copy()
    found["now"] = both[OURS] / both[BOUND]
    found["stored"] = both[f"{OURS} stored"] / both[f"{BOUND} stored"]
    found["change"] = found["now"] / found["stored"]
    errors = np.hypot(both[NOISE].fillna(0), both[f"{NOISE} stored"].fillna(0))
    found["noise"] = np.maximum(SIGMAS * errors, BETWEEN_PROCESSES)
    found["slower"] = found["change"] > 1 + found["noise"]
    return found


def store(table: pd.DataFrame, path: Path) -> None:
    """Write a table to ``path``. Cells that were not measured keep their stored values."""
    if path.exists():
        table = pd.concat([table, pd.read_csv(path)]).drop_duplicates(CELL)
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False, float_format="%.5g", lineterminator="\n")


def comparison(table: pd.DataFrame, path: Path) -> str:
    """Return the comparison with the table stored at ``path``, as Markdown."""
    if not path.exists():
        return (
            f"No table is stored for this CPU. To store this one, add --store; it writes benchmarks/stored/{path.name}."
        )
    found = changes(table, pd.read_csv(path))
    shown = found.assign(slower=found["slower"].map({True: "slower", False: ""}))
    shown["noise"] = shown["noise"].map("± {:.1%}".format)
    shown["change"] = (shown["change"] - 1).map("{:+.1%}".format)
    slower = found[found["slower"]]
    new = len(table) - len(found)
    verdict = f"{len(slower)} of {len(found)} cells got slower by more than noise." + (
        f" {new} measured cells are not in the stored table." if new else ""
    )
    title = f"**Time relative to the bound, compared with benchmarks/stored/{path.name}**"
    return "\n\n".join([title, shown.to_markdown(index=False, floatfmt=".3f"), verdict])
