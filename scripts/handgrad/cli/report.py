"""``handgrad report``: the page of an experiment, and Snakemake's report."""

import subprocess
import sys
from pathlib import Path

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.signals import Interrupted
from handgrad.experiment.config import read_experiment
from handgrad.layout.paths import report_file
from handgrad.monitor.jobs import environment


def make_report(file: Path, cores: str) -> int:
    """Make the page and the report of an experiment; returns 0, or 1 if Snakemake failed."""
    _, experiment = read_experiment(file)
    results = Path("results") / experiment.name
    if not (results / "tables/results.csv").exists():
        raise HandgradError(f"{results}/tables/results.csv: not there; run snakemake --configfile {file} first")
    made = run_snakemake("--cores", cores, "--configfile", str(file), "--", str(results / "summary.html"))
    return 0 if made and run_snakemake("--configfile", str(file), "--report", report_file(experiment)) else 1


def run_snakemake(*arguments: str) -> bool:
    """Run Snakemake on this workflow and return whether it succeeded; a signal lets it end in its own way."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile"), *arguments]
    with subprocess.Popen(command, env=environment()) as snakemake:  # noqa: S603, no shell
        try:
            return snakemake.wait() == 0
        except KeyboardInterrupt:  # the terminal has sent it to Snakemake as well
            snakemake.wait()
            raise
        except Interrupted as interrupted:
            snakemake.send_signal(interrupted.signal)
            snakemake.wait()
            raise
