"""No file of results/ that was changed, or is another's, passes into a result; its remedy helps."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from handgrad.tables.seeds import SEEDS as SEEDS_TABLE

from .conftest import Project, written

Tiny = Callable[..., dict[str, Any]]

DATA = "results/data/digits.h5"
GATE = "results/checks/gate/digits_tanh.json"
CHECK = "results/checks/gradients/digits_tanh_hu_3_n_2_raw_eps_1e-05.json"
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"
OTHER_RUN = "results/runs/digits/af_tanh_hu_5_lr_0.002_bs_50_ep_1_l2_0.01_seed_0.h5"
TABLE = "results/tiny/tables/results.csv"
SEEDS = "results/tiny/tables/seeds.csv"
CHECKS = "results/tiny/tables/gradient_checks.csv"
FIGURE = "results/tiny/figures/best.svg"
PAGE = "results/tiny/summary.html"
RUNS = "results/runs/**/*.h5"
MORE = {"learning_rate": [0.001, 0.002, 0.003]}


def contents(project: Project) -> dict[str, str]:
    """content_sha256 of each run."""
    found = {}
    for path in sorted(project.path.glob(RUNS)):
        with h5py.File(path, "r", locking=False) as file:
            found[path.name] = str(file.attrs["content_sha256"])
    return found


def refusal(said: str, file: str) -> str:
    """The line that names a file and what to do; several jobs may print the same line."""
    lines = {line for line in said.splitlines() if line.startswith(f"{file}: ") and "snakemake again" in line}
    assert lines, said
    assert "Traceback" not in said
    return lines.pop()


def follow(project: Project, line: str) -> None:
    """Follow the remedy of a line: delete the file or the folder that it names."""
    named = re.search(r"; delete (.+), and run snakemake again", line)
    assert named, line
    path = project.path / (line.partition(": ")[0] if named[1] in ("it", "the file") else named[1])
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def h5(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def changed(path: Path) -> None:
        with h5py.File(path, "r+", locking=False) as file:
            change(file)

    return changed


def zero_images(file: h5py.File) -> None:
    file["train/x"][:700] = 0


def change_faults(file: h5py.File) -> None:
    file["history/test_faults"][-1] -= 1


def change_number(path: Path) -> None:
    """The accuracy of the first row."""
    text = path.read_text()
    accuracy = next(word for word in text.splitlines()[1].split(",") if word.startswith("0.") and len(word) > 8)
    path.write_text(text.replace(accuracy, "0.999999999"))


def change_drawing(path: Path) -> None:
    path.write_text(path.read_text().replace("</svg>", "<text>100 %</text></svg>"))


def another_run(path: Path) -> None:
    shutil.copyfile(path.with_name(Path(OTHER_RUN).name), path)


def garbage(path: Path) -> None:
    path.write_text("garbage")


#: what is changed at once, and the files that the jobs make which must refuse it; test_sealed has every kind of damage
CHANGES: dict[str, tuple[dict[str, Callable[[Path], None]], list[str]]] = {
    "data": ({DATA: h5(zero_images)}, [GATE, CHECK]),
    "a gate": ({GATE: garbage}, [RUN]),
    "a run and a check": ({RUN: h5(change_faults), CHECK: garbage}, [TABLE, CHECKS]),
    "another run": ({RUN: another_run}, [TABLE]),
    "a table": ({TABLE: change_number}, [SEEDS]),
    "a table made from a table": ({SEEDS: change_number}, ["results/tiny/tables/best.csv"]),
    "a figure": ({FIGURE: change_drawing}, [PAGE]),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file_is_refused_by_name(finished: Project, tiny: Tiny, what: str) -> None:
    changes, targets = CHANGES[what]
    page = finished.times(PAGE)
    for file, change in changes.items():
        change(finished.path / file)
        os.utime(finished.path / file)  # newer than what was made from it, so that jobs read it
    said = finished.refuse(tiny(), *targets)
    for file in changes:
        follow(finished, refusal(said, file))  # which names what must be deleted
        assert not (finished.path / file).exists()
    assert finished.times(PAGE) in (page, {})


@pytest.mark.slow
def test_deleting_a_changed_file_as_its_refusal_says_helps(finished: Project, tiny: Tiny) -> None:
    first = contents(finished)
    h5(change_faults)(finished.path / RUN)
    os.utime(finished.path / RUN)
    follow(finished, refusal(finished.refuse(tiny(), TABLE), RUN))
    finished.run(tiny(), TABLE)
    assert contents(finished) == first
    assert "Nothing to be done" in finished.run(tiny(), TABLE, "--dry-run")


@pytest.mark.slow
def test_a_finished_gate_lets_nothing_train_once_the_step_is_broken(finished: Project, tiny: Tiny) -> None:
    """Though Snakemake has forgotten by which code it was made, and a run is new."""
    shutil.rmtree(finished.path / ".snakemake")
    finished.edit("scripts/handgrad/network/activations.py", "np.subtract(1,", "np.subtract(-1,")
    runs = finished.times(RUNS)
    line = refusal(finished.refuse(tiny(axes=MORE), "--until", "train_run"), GATE)
    follow(finished, line)
    said = finished.refuse(tiny(axes=MORE), "--until", "train_run")  # the gate is asked, and does not pass
    assert "gradient check of tanh on digits" in said
    assert finished.times(RUNS) == runs


def test_a_gate_that_is_made_again_is_the_same_and_trains_nothing(finished: Project, tiny: Tiny) -> None:
    gate, runs = (finished.path / GATE).read_bytes(), finished.times(RUNS)
    (finished.path / GATE).unlink()
    finished.run(tiny(), "--until", "check_gate")
    assert (finished.path / GATE).read_bytes() == gate
    assert "Nothing to be done" in finished.run(tiny(), "--dry-run")
    assert finished.times(RUNS) == runs


@pytest.mark.slow
def test_a_change_of_the_checking_code_alone_computes_no_epoch(finished: Project, tiny: Tiny) -> None:
    first, gate = contents(finished), (finished.path / GATE).read_bytes()
    finished.edit("scripts/handgrad/gradient_check/check.py", "SAMPLED_ENTRIES = 50", "SAMPLED_ENTRIES = 51")
    finished.run(tiny(), "--until", "train_run")
    assert (finished.path / GATE).read_bytes() != gate
    assert contents(finished) == first
    logs = [path.read_text() for path in finished.path.glob("results/logs/train_run/digits/*.log")]
    assert len(logs) == 2
    assert not any("epoch 1 of" in log for log in logs)


@pytest.mark.slow
def test_the_page_refuses_a_table_that_was_made_from_another(finished: Project, tiny: Tiny) -> None:
    """Both are whole: one is of yesterday."""
    seeds = finished.path / SEEDS
    SEEDS_TABLE.write(seeds, SEEDS_TABLE.read(seeds).table, {str(finished.path / TABLE): "a" * 64})
    os.utime(finished.path / "results/tiny/tables/best.csv")  # so that the page alone is made again
    follow(finished, refusal(finished.refuse(tiny(), PAGE), SEEDS))


@pytest.mark.slow
def test_checksums_of_a_table_that_are_gone_are_made_again(finished: Project, tiny: Tiny) -> None:
    before = finished.times(RUNS)
    (finished.path / f"{TABLE}.sha256").unlink()
    finished.run(tiny(), f"{TABLE}.sha256")
    assert finished.times(f"{TABLE}.sha256")
    assert not written(before, finished.times(RUNS))


@pytest.mark.slow
def test_an_archive_of_changed_data_is_not_made(finished: Project, tiny: Tiny) -> None:
    """Nothing has read them since: their time is the old one."""
    path, config = finished.path / DATA, finished.write_config(tiny())
    time = path.stat().st_mtime_ns
    h5(zero_images)(path)
    os.utime(path, ns=(time, time))
    line = finished.handgrad("archive", config).stderr
    assert line.startswith(f"{DATA}: ")
    assert len(line.splitlines()) == 1
    command = line.strip().partition("snakemake --cores 1 ")[2].split()
    path.unlink()
    assert finished.snakemake(*command).returncode == 0
    assert finished.handgrad("archive", config).returncode == 0
