"""``handgrad report``: make the page of an experiment and Snakemake's report."""

import subprocess
from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.common.signals import Interrupted
from handgrad.experiment.config import read_experiment
from handgrad.layout import paths
from handgrad.monitor.planned_jobs import environment, snakemake_command


def make_report(file: Path, cores: str) -> int:
    """Make the page and the report of an experiment; return 0, or 1 if Snakemake failed."""
    _, experiment = read_experiment(file)
    table = paths.table("results", experiment=experiment.name)
    if not Path(table).exists():
        raise HandgradError(f"{table}: not found; run snakemake --configfile {file} first")
    made = run_snakemake("--cores", cores, "--configfile", str(file), "--", paths.page_file(experiment))
    return 0 if made and run_snakemake("--configfile", str(file), "--report", paths.report_file(experiment)) else 1


def run_snakemake(*arguments: str) -> bool:
    """Run Snakemake on this workflow and return whether it succeeded. After a signal, wait until Snakemake ends."""
    with subprocess.Popen(snakemake_command(*arguments), env=environment()) as snakemake:  # noqa: S603, no shell
        try:
            return snakemake.wait() == 0
        except KeyboardInterrupt:  # the terminal sent SIGINT to Snakemake too
            snakemake.wait()
            raise
        except Interrupted as interrupted:
            snakemake.send_signal(interrupted.signal)
            snakemake.wait()
            raise
