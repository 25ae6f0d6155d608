"""``handgrad report``: the page of an experiment, and Snakemake's report."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli.options import DEFAULT, ExperimentFile
from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.signals import Interrupted


def report(
    file: ExperimentFile = DEFAULT,
    cores: Annotated[str, typer.Option(help="Cores for what is made again.")] = "all",
) -> int:
    """Make the page of an experiment and Snakemake's report.

    They are summary.html and report.html in results/<name>/. Whatever is not up to date is made again first, runs too.

    \b
    Example:
      handgrad report mine.yaml
    """
    from handgrad.experiment.experiment_file import read_experiment
    from handgrad.layout.paths import report_file

    _, experiment = read_experiment(file)
    results = Path("results") / experiment.name
    if not (results / "tables/results.csv").exists():
        raise HandgradError(f"{results}/tables/results.csv: not there; run snakemake --configfile {file} first")
    made = run_snakemake("--cores", cores, "--configfile", str(file), "--", str(results / "summary.html"))
    return 0 if made and run_snakemake("--configfile", str(file), "--report", report_file(experiment)) else 1


def run_snakemake(*arguments: str) -> bool:
    """Run Snakemake on this workflow and return whether it succeeded; a signal lets it end in its own way."""
    from handgrad.monitor.jobs import environment

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
