"""Say what an experiment file would run and what that would cost, before anything runs: ``make plan``.

To be run where Snakemake is run. Asks Snakemake itself what is still to be done; changes nothing.
"""

import argparse
import os
import shutil
from pathlib import Path

from handgrad.cli.command import as_command
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.experiment_file import DEFAULT, read_experiment
from handgrad.layout.memory import machine_megabytes, too_large
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.jobs import steps_of
from handgrad.monitor.plan import Cluster, Cores, plan_table, plan_words, read_cluster


def main(file: Path, machine: Cores | Cluster) -> None:
    """Print the plan. Raises HandgradError if the file is wrong, or Snakemake cannot plan it."""
    _, experiment = read_experiment(file)
    steps = steps_of(file)
    estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
    estimates = [estimator.estimate(step) for step in steps if step.pending]
    print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
    print(*plan_table(steps, estimates), sep="\n")
    print()
    if not estimates:
        print("Everything is there and up to date: nothing to be done.")
        return
    free = shutil.disk_usage(".").free
    print(*plan_words(estimates, machine, earlier=len(estimator.paces.used), free=free), sep="\n")
    if isinstance(machine, Cores):
        runs = [estimator.runs[step.name] for step in steps if step.pending and step.rule == "train_run"]
        if line := too_large(runs, experiment.datasets, machine.megabytes):
            raise HandgradError(line)


def cores(text: str) -> Cores:
    """``all``, or a number of cores, as Snakemake takes it."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        number = available if text == "all" else int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of cores, or all")
    return Cores(number, machine_megabytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What an experiment would run, and what that costs.")
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT, help="default: %(default)s")
    parser.add_argument("--cores", type=cores, default="all", help="of this machine (default: all)")
    parser.add_argument("--profile", type=Path, help="of a cluster, in place of this machine's cores")
    options = parser.parse_args()
    with as_command():
        main(options.file, read_cluster(options.profile) if options.profile else options.cores)
