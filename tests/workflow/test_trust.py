"""No file of results/ that was changed, or is another's, passes into a result; its remedy helps."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from handgrad.datasets.data import ImageData, Split, write_data

from .conftest import Project, written

Tiny = Callable[..., dict[str, Any]]

DATA = "results/data/digits.h5"
GATE = "results/checks/gate/digits_tanh.json"
CHECK = "results/checks/gradients/digits_tanh_hu_3_n_2_raw_eps_1e-05.json"
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"
OTHER_RUN = "results/runs/digits/af_tanh_hu_5_lr_0.002_bs_50_ep_1_l2_0.01_seed_0.h5"
TABLE = "results/tiny/tables/results.csv"
SEEDS = "results/tiny/tables/seeds.csv"
FIGURE = "results/tiny/figures/best.svg"
PAGE = "results/tiny/summary.html"
MORE = {"learning_rate": [0.001, 0.002, 0.003]}


def contents(project: Project) -> dict[str, str]:
    """content_sha256 of each run."""
    found = {}
    for path in sorted(project.path.glob("results/runs/*/*.h5")):
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
    """Follow the remedy of a line: delete the file that it names."""
    named = re.search(r"; delete (.+), and run snakemake again", line)
    assert named, line
    (project.path / (line.partition(": ")[0] if named[1] in ("it", "the file") else named[1])).unlink()


def h5(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def changed(path: Path) -> None:
        with h5py.File(path, "r+", locking=False) as file:
            change(file)

    return changed


def zero_images(file: h5py.File) -> None:
    file["train/x"][:700] = 0


def change_label(file: h5py.File) -> None:
    file["test/y"][3] = (file["test/y"][3] + 1) % 10


def change_faults(file: h5py.File) -> None:
    file["history/test_faults"][-1] -= 1


def change_loss(file: h5py.File) -> None:
    file["history/test_loss"][-1] = 0.1


def change_number(path: Path) -> None:
    """The accuracy of the first row."""
    text = path.read_text()
    accuracy = next(word for word in text.splitlines()[1].split(",") if word.startswith("0.") and len(word) > 8)
    path.write_text(text.replace(accuracy, "0.999999999"))


def change_drawing(path: Path) -> None:
    path.write_text(path.read_text().replace("</svg>", "<text>100 %</text></svg>"))


def another_dataset(path: Path) -> None:
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 17, (9, 64), np.uint8), rng.integers(0, 10, 9, np.uint8))
    names = tuple("0123456789")
    write_data(path, ImageData(split, split, (8, 8), 16, names, {"a.gz": "beef"}, "another-dataset"))


def another_run(path: Path) -> None:
    shutil.copyfile(path.with_name(Path(OTHER_RUN).name), path)


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


CHANGES = [
    pytest.param(DATA, h5(zero_images), id="images"),
    pytest.param(DATA, h5(change_label), id="a label"),
    pytest.param(DATA, another_dataset, id="another dataset"),
    pytest.param(RUN, h5(change_faults), id="faults"),
    pytest.param(RUN, h5(change_loss), id="loss"),
    pytest.param(RUN, another_run, id="another run"),
    pytest.param(GATE, text("garbage"), id="a gate of garbage"),
    pytest.param(GATE, text(""), id="an empty gate"),
    pytest.param(GATE, text('{"passed": true}\n'), id="a gate that says passed"),
    pytest.param(CHECK, text("garbage"), id="a check"),
    pytest.param(TABLE, change_number, id="a table"),
    pytest.param(SEEDS, change_number, id="a table made from a table"),
    pytest.param(FIGURE, change_drawing, id="a figure"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "change"), CHANGES)
def test_a_changed_file_is_refused_by_name_and_deleting_it_helps(
    finished: Project, tiny: Tiny, file: str, change: Callable[[Path], object]
) -> None:
    first, page = contents(finished), finished.times(PAGE)
    path = finished.path / file
    change(path)
    os.utime(path)  # newer than what was made from it, so that jobs read it
    line = refusal(finished.refuse(tiny()), file)
    assert finished.times(PAGE) in (page, {})
    follow(finished, line)
    finished.run(tiny())
    assert contents(finished) == first
    assert "Nothing to be done" in finished.run(tiny())


@pytest.mark.slow
def test_a_finished_gate_lets_nothing_train_once_the_step_is_broken(finished: Project, tiny: Tiny) -> None:
    """Though Snakemake has forgotten by which code it was made, and a run is new."""
    shutil.rmtree(finished.path / ".snakemake")
    finished.edit("scripts/handgrad/network/activations.py", "np.subtract(1,", "np.subtract(-1,")
    runs, page = finished.times("results/runs/**/*.h5"), finished.times(PAGE)
    line = refusal(finished.refuse(tiny(axes=MORE)), GATE)
    assert finished.times("results/runs/**/*.h5") == runs
    assert finished.times(PAGE) in (page, {})
    follow(finished, line)
    said = finished.refuse(tiny(axes=MORE))  # the gate is asked, and does not pass
    assert "gradient check of tanh on digits" in said
    assert finished.times("results/runs/**/*.h5") == runs


def test_a_gate_that_is_made_again_is_the_same_and_trains_nothing(finished: Project, tiny: Tiny) -> None:
    gate, runs = (finished.path / GATE).read_bytes(), finished.times("results/runs/**/*.h5")
    (finished.path / GATE).unlink()
    finished.run(tiny(), "--until", "check_gate")
    assert (finished.path / GATE).read_bytes() == gate
    assert "Nothing to be done" in finished.run(tiny())
    assert finished.times("results/runs/**/*.h5") == runs


@pytest.mark.slow
def test_a_gate_that_is_made_again_with_the_rest_computes_no_epoch(finished: Project, tiny: Tiny) -> None:
    first = contents(finished)
    (finished.path / GATE).unlink()
    finished.run(tiny())
    assert contents(finished) == first
    logs = [path.read_text() for path in finished.path.glob("results/logs/train_run/digits/*.log")]
    assert len(logs) == 2
    assert not any("epoch 1 of" in log for log in logs)


@pytest.mark.slow
def test_a_change_of_the_checking_code_alone_computes_no_epoch(finished: Project, tiny: Tiny) -> None:
    first = contents(finished)
    with (finished.path / "scripts/handgrad/gradient_check/check.py").open("a") as code:
        code.write("\n# another comment\n")
    finished.run(tiny())
    assert contents(finished) == first
    logs = [path.read_text() for path in finished.path.glob("results/logs/train_run/digits/*.log")]
    assert not any("epoch 1 of" in log for log in logs)


@pytest.mark.slow
def test_the_page_refuses_a_table_that_was_made_from_another(finished: Project, tiny: Tiny) -> None:
    """Both are whole: one is of yesterday."""
    yesterday = {path.name: path.read_bytes() for path in finished.path.glob("results/tiny/tables/seeds*")}
    finished.run(tiny(axes=MORE))
    for name, content in yesterday.items():
        (finished.path / "results/tiny/tables" / name).write_bytes(content)
    page = (finished.path / PAGE).read_bytes()
    line = refusal(finished.refuse(tiny(axes=MORE)), SEEDS)
    follow(finished, line)
    finished.run(tiny(axes=MORE))
    assert len((finished.path / PAGE).read_bytes()) == pytest.approx(len(page), rel=0.01)


@pytest.mark.slow
def test_checksums_of_a_table_that_are_gone_are_made_again(finished: Project, tiny: Tiny) -> None:
    before = finished.times("results/runs/**/*.h5")
    (finished.path / f"{TABLE}.sha256").unlink()
    finished.run(tiny())
    assert finished.times(f"{TABLE}.sha256")
    assert not written(before, finished.times("results/runs/**/*.h5"))


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
