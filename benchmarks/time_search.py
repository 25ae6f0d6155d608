"""Measure the time of a full search and of successive halving with Snakemake.

    python benchmarks/time_search.py [--cores 2] [--set train_size=40000] CONFIG [CONFIG ...]

The configs are those of compare_search.py. Each search has the first 81 samples of a space. It runs in a new folder
that already has the data and the gradient checks. Training is measured first, then the rest: tables, plots, the page.
Writes search_times.json and prints a Markdown table.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from compare_search import DRAWN
from handgrad.experiment.blocks import Block
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_changes import with_changes
from handgrad.experiment.config_files import read_config

ROOT = Path(__file__).resolve().parents[1]


def main(configs: Sequence[Path], changes: Sequence[str], out: Path, cores: int) -> None:
    """Print a line of the table for each space and kind of search."""
    experiment = load_experiment(with_changes(read_config(configs), changes))
    rows = []
    for space in experiment.searches:
        block = replace(experiment.blocks[space.block], samples=DRAWN)
        for kind, one in {"full search": replace(block, halving=None), "halving": block}.items():
            folder = out / f"{space.dataset}_{kind.split()[0]}"
            seconds = timed(configs, one, folder, cores)
            found = best_validation_accuracy(folder, space.candidates[0].validation_size)
            rows.append({"dataset": space.dataset, "search": kind, **seconds, "best validation accuracy, %": found})
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table.to_json(out / "search_times.json", orient="records", indent=1)
    print(table.to_markdown(index=False, floatfmt=".2f"))


def timed(configs: Sequence[Path], block: Block, folder: Path, cores: int) -> dict[str, float]:
    """Run a search in a new folder, and return its elapsed seconds and its CPU seconds."""
    folder.mkdir(parents=True)
    for name in ("config", "profiles"):  # paths in the config are relative to snakemake's working directory
        (folder / name).symlink_to(ROOT / name)
    own = folder / "search.json"
    own.write_text(json.dumps({"name": "search", "experiments": [block.as_config()]}), encoding="utf-8")
    files = [str(file.resolve()) for file in (*configs, own)]
    command = ["--directory", str(folder.resolve()), "--cores", str(cores), "--configfile", *files]
    snakemake([*command, "--until", "check_gate"], folder / "before.log")
    search = snakemake([*command, "--until", "train_run", "finish_candidate"], folder / "search.log")
    rest = snakemake(command, folder / "rest.log")
    return {"search, s": search[0], "search, CPU s": search[1], "rest, s": rest[0], "rest, CPU s": rest[1]}


def snakemake(arguments: Sequence[str], log: Path) -> tuple[float, float]:
    """Run Snakemake, and return its elapsed seconds and the CPU seconds of all its processes."""
    began = time.perf_counter()
    with log.open("w") as output:
        command = [sys.executable, "-m", "snakemake", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{log}: snakemake has exit status {process.returncode}, expected 0")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def best_validation_accuracy(folder: Path, examples: int) -> float:
    """Return the best validation accuracy of the runs of a search that were trained to the end, in percent."""
    table = pd.read_csv(folder / "results/search/tables/results.csv")
    return float(100 * (1 - table["validation_faults"].min() / examples))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path, metavar="CONFIG")
    parser.add_argument("--set", nargs="*", default=[], dest="changes", metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("results/search_times"), help="a new folder")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    main(options.configs, options.changes, options.out, options.cores)
