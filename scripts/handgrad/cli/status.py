"""``handgrad status``: show the progress of an experiment."""

import time
from collections import Counter
from pathlib import Path

from handgrad.cli.options import as_step, print_json
from handgrad.common.code_digests import code_digest
from handgrad.common.formatting import counted
from handgrad.experiment.config import read_experiment
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.planned_jobs import planned_jobs
from handgrad.monitor.processes import main_processes
from handgrad.monitor.slurm import MAIN, jobs_of_folder
from handgrad.monitor.status import status_rows, status_table, statuses, time_left


def show_status(file: Path, *, as_json: bool) -> None:
    """Print the progress of an experiment. Raises HandgradError if the file has mistakes."""
    folder = Path.cwd()
    _, experiment = read_experiment(file)
    jobs = planned_jobs(file, experiment)  # first, because it takes longest
    mains = {process.pid: process.create_time() for process in main_processes(folder)}
    queued = jobs_of_folder(folder)
    began = min(mains.values(), default=None)
    found = statuses(jobs, {job.id for job in queued}, began=began, now=time.time())
    running = [f"process {pid}" for pid in mains] + [f"SLURM job {job.id}" for job in queued if job.name == MAIN]
    states = Counter(job.state.lower() for job in queued if job.name != MAIN)
    if as_json:
        facts = {"file": str(file), "name": experiment.name, "snakemake": running, "slurm_jobs": states}
        print_json({**facts, "counts": Counter(one.state for one in found), "steps": list(map(as_step, found))})
        return
    print(f"{file}: {experiment.name}, {counted(experiment.run_counts.total(), 'run')}\n")
    print(*status_table(found), sep="\n")
    for state in ("running", "failed", "stopped"):
        if rows := status_rows(found, state):
            print(f"\n{state}", *rows, sep="\n")
    snakemake = f"Snakemake is running here ({', '.join(running)})" if running else "No snakemake is seen running here"
    submitted = ", ".join(f"{number} {state}" for state, number in states.items())
    print(f"\n{snakemake}; SLURM jobs: {submitted}." if submitted else f"\n{snakemake}.")
    if any(one.state == "running" for one in found):
        estimator = Estimator(experiment, folder, code_digest("train_run"))
        estimates = estimator.estimates(one.job for one in found if one.state != "done")
        print(time_left(found, {one.job: one for one in estimates}))
