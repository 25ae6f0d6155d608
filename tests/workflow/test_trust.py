"""Changed or foreign files in results/ never enter a result, and the remedy of the message works."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]

DATA = "results/data/digits.h5"
GATE = "results/checks/gate/digits_tanh.json"
CHECK = "results/checks/gradients/digits_tanh_hu_3_n_2_raw_eps_1e-05.json"
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"
OTHER_RUN = "results/runs/digits/af_tanh_hu_5_lr_0.002_bs_50_ep_1_l2_0.01_seed_0.h5"
TABLE = "results/tiny/tables/results.csv"
SEEDS = "results/tiny/tables/seeds.csv"
CHECKS = "results/tiny/tables/gradient_checks.csv"
FIGURE = "results/tiny/figures/heat_maps/digits.svg"
PAGE = "results/tiny/summary.html"
RUNS = "results/runs/**/*.h5"
MORE = {"learning_rate": [0.001, 0.002, 0.003]}


def contents(project: Project) -> dict[str, str]:
    """Return the content_sha256 of each run."""
    found = {}
    for path in sorted(project.path.glob(RUNS)):
        with h5py.File(path, "r", locking=False) as file:
            found[path.name] = str(file.attrs["content_sha256"])
    return found


def refusal(output: str, file: str) -> str:
    """Return the line that names a file and the remedy; several jobs may print the same line."""
    lines = {line for line in output.splitlines() if line.startswith(f"{file}: ") and "snakemake again" in line}
    assert lines, output
    assert "Traceback" not in output
    return lines.pop()


def follow(project: Project, line: str) -> None:
    """Follow the remedy of a line: delete the file or folder that the line names."""
    named = re.search(r"; delete (.+), and run snakemake again", line)
    assert named, line
    path = project.path / (line.partition(": ")[0] if named[1] in ("it", "the file") else named[1])
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def zero(dataset: str) -> Callable[[Path], None]:
    """Return a function that overwrites numbers of a file with zeros."""

    def change(path: Path) -> None:
        with h5py.File(path, "r+", locking=False) as file:
            file[dataset][:700] = 0

    return change


def change_number(path: Path) -> None:
    """Change the accuracy of the first row."""
    path.write_text(re.sub(r",0\.\d{7,}", ",0.999999999", path.read_text(), count=1))


def change_drawing(path: Path) -> None:
    path.write_text(path.read_text().replace("</svg>", "<text>100 %</text></svg>"))


def another_run(path: Path) -> None:
    shutil.copyfile(path.with_name(Path(OTHER_RUN).name), path)


def garbage(path: Path) -> None:
    path.write_text("garbage")


#: for each case: the changed files, and the outputs of the jobs that must refuse them
#: (test_sealed.py tests every kind of damage)
CHANGES: dict[str, tuple[dict[str, Callable[[Path], None]], list[str]]] = {
    "data": ({DATA: zero("train/x")}, [GATE, CHECK]),
    "a gate": ({GATE: garbage}, [RUN]),
    "a run and a check": ({RUN: zero("history/test_faults"), CHECK: garbage}, [TABLE, CHECKS]),
    "another run": ({RUN: another_run}, [TABLE]),
    "a table": ({TABLE: change_number}, [SEEDS]),
    "a table made from a table": ({SEEDS: change_number}, ["results/tiny/tables/best.csv"]),
    "a figure": ({FIGURE: change_drawing}, [PAGE]),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file_is_refused_and_named(finished: Project, tiny: Tiny, what: str) -> None:
    changes, targets = CHANGES[what]
    first = contents(finished)
    page = finished.times(PAGE)
    for file, change in changes.items():
        change(finished.path / file)
        os.utime(finished.path / file)  # newer than the files made from it, so that jobs read it
    output = finished.refuse(tiny(), *targets)
    for file in changes:
        follow(finished, refusal(output, file))  # the line names the file to delete
        assert not (finished.path / file).exists()
    assert finished.times(PAGE) in (page, {})
    if what == "a run and a check":
        finished.run(tiny(), *targets)
        assert contents(finished) == first


@pytest.mark.slow
def test_a_gate_of_older_code_is_refused_and_the_broken_step_fails(finished: Project, tiny: Tiny) -> None:
    """Snakemake's record of the code that made the gate is deleted, and one run is new."""
    shutil.rmtree(finished.path / ".snakemake")
    finished.edit("scripts/handgrad/network/activations.py", "np.subtract(1, H_prime,", "np.subtract(-1, H_prime,")
    runs = finished.times(RUNS)
    line = refusal(finished.refuse(tiny(axes=MORE), "--until", "train_run"), GATE)
    follow(finished, line)
    output = finished.refuse(tiny(axes=MORE), "--until", "train_run")  # the gate runs and fails
    assert "gradient check of tanh on digits" in output
    assert finished.times(RUNS) == runs


def test_a_recreated_gate_has_the_same_bytes_and_trains_nothing(finished: Project, tiny: Tiny) -> None:
    gate, runs = (finished.path / GATE).read_bytes(), finished.times(RUNS)
    (finished.path / GATE).unlink()
    finished.run(tiny(), "--until", "check_gate")
    assert (finished.path / GATE).read_bytes() == gate
    assert "Nothing to be done" in finished.run(tiny(), "--dry-run")
    assert finished.times(RUNS) == runs


@pytest.mark.slow
def test_a_change_of_only_the_checking_code_trains_no_epoch(finished: Project, tiny: Tiny) -> None:
    first, gate = contents(finished), (finished.path / GATE).read_bytes()
    finished.edit("scripts/handgrad/gradient_check/check.py", "SAMPLED_ENTRIES = 50", "SAMPLED_ENTRIES = 51")
    finished.run(tiny(), "--until", "train_run")
    assert (finished.path / GATE).read_bytes() != gate
    assert contents(finished) == first
    logs = [path.read_text() for path in finished.path.glob("results/logs/train_run/digits/*.log")]
    assert len(logs) == 2
    assert not any("epoch 1 of" in log for log in logs)


@pytest.mark.slow
def test_changed_data_cannot_be_archived(finished: Project, tiny: Tiny) -> None:
    """The file time of the data is unchanged, so no job reads the data before archiving."""
    path, config = finished.path / DATA, finished.write_config(tiny())
    time = path.stat().st_mtime_ns
    zero("train/x")(path)
    os.utime(path, ns=(time, time))
    (line,) = finished.handgrad("archive", config).stderr.splitlines()
    assert line.startswith(f"{DATA}: ")
    command = line.partition("snakemake --cores 1 ")[2].split()
    path.unlink()
    assert finished.snakemake(*command).returncode == 0
    assert finished.handgrad("archive", config).returncode == 0
