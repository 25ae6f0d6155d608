"""Measure what a short run costs in addition to its training, compared with an empty script.

    python benchmarks/short_runs.py [RUNS]

Trains RUNS runs of the embedded digits for one epoch (default 200), and runs as many jobs whose script imports NumPy
and h5py and writes an empty file. Prints a Markdown table with the CPU time of a job, in ms.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from handgrad.common.sealed import open_sealed
from measure_growth import ROOT

SNAKEFILE = """
rule all:
    input:
        [f"{{number}}.h5" for number in range({runs})],

rule empty:
    output:
        "{{number}}.h5",
    log:
        "{{number}}.log",
    benchmark:
        "{{number}}.tsv"
    script:
        "empty.py"
"""
SCRIPT = "import h5py\nimport numpy\n\nopen(snakemake.output[0], 'w').close()\n"
#: the main process writes its own CPU time at its end
MAIN = """
import atexit, sys, time
atexit.register(lambda: open("main_seconds", "w").write(str(time.process_time())))
from snakemake.cli import main
main()
"""


def cpu_ms(folder: Path, jobs: int, *arguments: str) -> tuple[float, float]:
    """Run Snakemake; return the milliseconds of the processes of its jobs and of the main process, for each job."""
    command = [sys.executable, "-c", MAIN, "--cores", "2", "--scheduler", "greedy", "--directory", str(folder)]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen([*command, *arguments], cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"snakemake: exit status {process.returncode}\n{(folder / 'said').read_text()[-2000:]}")
    main = float((folder / "main_seconds").read_text())
    return 1000 * (usage.ru_utime + usage.ru_stime - main) / jobs, 1000 * main / jobs


def empty_jobs(folder: Path, runs: int) -> tuple[float, float]:
    """Return the milliseconds of the empty jobs."""
    (folder / "Snakefile").write_text(SNAKEFILE.format(runs=runs))
    (folder / "empty.py").write_text(SCRIPT)
    return cpu_ms(folder, runs)


def training_jobs(folder: Path, runs: int) -> tuple[float, float]:
    """Return the milliseconds of the training jobs, without the time in the training loop."""
    axes = {"dataset": "digits", "activation": "tanh", "hidden_units": 50, "epochs": 1, "seed": list(range(runs))}
    config = folder / "short.json"
    config.write_text(json.dumps({"name": "short", "experiments": [axes]}))
    profile = ["--workflow-profile", str(ROOT / "profiles/default")]
    common = ["--snakefile", str(ROOT / "Snakefile"), *profile, "--configfile", str(config)]
    cpu_ms(folder, runs, *common, "--until", "check_gate")
    shutil.rmtree(folder / "results/runs", ignore_errors=True)
    jobs, main = cpu_ms(folder, runs, *common, "--until", "train_run")
    seconds = 0.0
    for path in folder.glob("results/runs/*/*.h5"):
        with open_sealed(path) as sealed:
            seconds += sum(part["seconds"] for part in json.loads(sealed.file.attrs["segments"]))
    return jobs - 1000 * seconds / runs, main


def main(runs: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        empty, training = empty_jobs(Path(one), runs), training_jobs(Path(two), runs)
    print("| CPU time of a job, in ms | empty script | a run, without its training |\n|---|--:|--:|")
    rows = {"process of the job": 0, "main process of Snakemake, for each job": 1}
    for row, place in rows.items():
        print(f"| {row} | {empty[place]:.0f} | {training[place]:.0f} |")
    ratio = sum(training) / sum(empty)
    print(f"| sum | {sum(empty):.0f} | {sum(training):.0f} ({ratio:.2f} times) |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
