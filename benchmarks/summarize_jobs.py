"""What the training jobs of finished runs cost beside training: time, memory, and the whole beside its parts.

    python benchmarks/summarize_jobs.py [--cores 2] EXPERIMENT

Reads results/<experiment>/tables/results.csv, and for each of its runs the run file and Snakemake's
benchmark. All runs must have been trained by one call of snakemake; the wall time is that from the start of
the first job to the end of the last.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from handgrad.common.sealed import open_sealed
from handgrad.experiment.runs import Run


def jobs(table: pd.DataFrame) -> pd.DataFrame:
    """A row a run: dataset, seconds of the job and of its training loop, peak megabytes, start and end."""
    rows = []
    for run in (run_of(row) for _, row in table.iterrows()):
        name = f"{run.dataset}/{run.name}"
        path = Path(f"results/runs/{name}.h5")
        with open_sealed(path) as sealed:
            if len(json.loads(sealed.file.attrs["segments"])) > 1:
                raise SystemExit(f"{path}: was computed in several parts; this is about jobs that were not")
            loop = float(sealed.file["history/seconds"][:].sum())
        benchmark = pd.read_csv(f"results/benchmarks/train_run/{name}.tsv", sep="\t").iloc[0]
        end = path.stat().st_mtime
        rows.append(
            {
                "dataset": run.dataset,
                "job": benchmark["s"],
                "loop": loop,
                "beside": benchmark["s"] - loop,
                "memory": benchmark["max_rss"],
                "start": end - benchmark["s"],
                "end": end,
            }
        )
    return pd.DataFrame(rows)


def run_of(row: "pd.Series[object]") -> Run:
    """The run of a row of the table of results."""
    return Run.from_name(str(row["dataset"]), str(row["run"]))


def main(experiment: str, cores: int) -> None:
    """Print the figures."""
    table = pd.read_csv(f"results/{experiment}/tables/results.csv")
    all_jobs = jobs(table)
    print("| dataset | jobs | loop, s a job | beside it, s a job (median, largest) | peak memory, MB |")
    print("|---|--:|--:|--:|--:|")
    for dataset, some in all_jobs.groupby("dataset"):
        print(
            f"| {dataset} | {len(some)} | {some['loop'].mean():.1f} | {some['beside'].median():.2f}, "
            f"{some['beside'].max():.2f} | {some['memory'].max():.0f} |"
        )
    wall, loops = all_jobs["end"].max() - all_jobs["start"].min(), all_jobs["loop"].sum()
    share = loops / cores
    print(
        f"\nAll jobs, from the first start to the last end: {wall:.1f} s. The training loops add up to "
        f"{loops:.1f} s, or {share:.1f} s on each of {cores} cores: {wall / share:.3f} of it."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    main(options.experiment, options.cores)
