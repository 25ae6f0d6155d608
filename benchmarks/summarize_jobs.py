"""Summarize the training jobs of finished runs: time outside the training loop, memory and wall time.

    python benchmarks/summarize_jobs.py [--cores 2] EXPERIMENT

Reads results/<experiment>/tables/results.csv, and for each run the run file and Snakemake's benchmark. One call of
snakemake must have trained all runs. The wall time is the time from the start of the first job to the end of the
last job.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from handgrad.common.sealed import open_sealed


def jobs(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each run: dataset, seconds of the job and its training loop, peak megabytes, start and end."""
    rows = []
    for dataset, run in zip(table["dataset"], table["run"], strict=True):
        name = f"{dataset}/{run}"
        path = Path(f"results/runs/{name}.h5")
        with open_sealed(path) as sealed:
            if len(json.loads(sealed.file.attrs["segments"])) > 1:
                raise SystemExit(f"{path}: found an interrupted run, expected uninterrupted runs only")
            loop = float(sealed.file["history/seconds"][:].sum())
        benchmark = pd.read_csv(f"results/benchmarks/train_run/{name}.tsv", sep="\t").iloc[0]
        end = path.stat().st_mtime
        rows.append(
            {
                "dataset": dataset,
                "job": benchmark["s"],
                "loop": loop,
                "overhead": benchmark["s"] - loop,
                "memory": benchmark["max_rss"],
                "start": end - benchmark["s"],
                "end": end,
            }
        )
    return pd.DataFrame(rows)


def main(experiment: str, cores: int) -> None:
    """Print the tables."""
    table = pd.read_csv(f"results/{experiment}/tables/results.csv")
    all_jobs = jobs(table)
    print("| dataset | jobs | training loop, s per job | outside it, s per job (median, maximum) | peak memory, MB |")
    print("|---|--:|--:|--:|--:|")
    for dataset, some in all_jobs.groupby("dataset"):
        print(
            f"| {dataset} | {len(some)} | {some['loop'].mean():.1f} | {some['overhead'].median():.2f}, "
            f"{some['overhead'].max():.2f} | {some['memory'].max():.0f} |"
        )
    wall, loops = all_jobs["end"].max() - all_jobs["start"].min(), all_jobs["loop"].sum()
    share = loops / cores
    print(
        f"\nFrom the start of the first job to the end of the last job: {wall:.1f} s. The training loops take "
        f"{loops:.1f} s in total, or {share:.1f} s on each of {cores} cores. The ratio is {wall / share:.3f}."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    main(options.experiment, options.cores)
