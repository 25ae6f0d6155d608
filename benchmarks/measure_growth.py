"""Measure how the time and memory of `snakemake -n` grow with the number of runs.

    python benchmarks/measure_growth.py [RUNS ...]

Prints a Markdown table with medians of three. The runs use the embedded digits, so nothing is downloaded. Nothing
is trained.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3


def experiment(runs: int) -> dict[str, Any]:
    """Return a config with this number of runs, a multiple of 100."""
    axes = {
        "dataset": "digits",
        "activation": ["softplus", "tanh"],
        "learning_rate": [0.1, 0.03, 0.01, 0.003, 0.001],
        "hidden_units": [20, 50, 100, 200, 300],
        "l2": [0.1, 0.01],
        "seed": list(range(runs // 100)),
    }
    return {"name": f"runs_{runs}", "experiments": [axes]}


def plan(config: Path) -> tuple[float, float]:
    """Return the seconds and the peak megabytes of a dry run."""
    command = [sys.executable, "-m", "snakemake", "-n", "--directory", str(config.parent), "--configfile"]
    began = time.perf_counter()
    with (config.parent / "said").open("w") as said:
        # on POSIX, only wait4 returns the peak memory of one child
        process = subprocess.Popen([*command, str(config)], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    text = (config.parent / "said").read_text()
    if process.returncode or "train_run" not in text:
        raise SystemExit(
            f"snakemake -n: exit status {process.returncode}, expected 0 and train_run jobs\n{text[-2000:]}"
        )
    return seconds, usage.ru_maxrss / 1000


def main(sizes: list[int]) -> None:
    """Print a line of the table for each size."""
    print("| runs | `snakemake -n` | peak memory |\n|--:|--:|--:|")
    for runs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("config", "profiles"):  # paths in the config are relative to snakemake's working directory
                (Path(folder) / name).symlink_to(ROOT / name)
            config = Path(folder) / "growth.json"
            config.write_text(json.dumps(experiment(runs)))
            measured = [plan(config) for _ in range(ROUNDS)]
        seconds, memory = (statistics.median(values) for values in zip(*measured, strict=True))
        print(f"| {runs:,} | {seconds:.1f} s | {memory:.0f} MB |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=int, default=[100, 1000, 5000])
    sizes = parser.parse_args().runs
    if any(size < 100 or size % 100 for size in sizes):
        parser.error(f"RUNS: found {sizes}, expected multiples of 100")
    main(sizes)
