"""handgrad prune: what is stale, what is never touched, and what is asked."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from handgrad.archive.stale import GROUPS, File, remove, take_inventory
from handgrad.archive.stale_checkpoints import CHECKPOINTS
from handgrad.cli.app import app
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import ImageData, Split, content_of, write_data
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge
from handgrad.experiment.experiment_file import read_config, read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.layout.jobs import jobs_of
from handgrad.layout.paths import data_files, final_outputs, report_file
from handgrad.network.model import Weights
from handgrad.storage.checkpoint import (
    SUFFIX,
    Checkpoint,
    Origin,
    furthest_checkpoint,
    path_of,
    write_checkpoint,
)
from handgrad.training.loop import Epoch, State

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "config/quick.yaml"
MNIST = "results/data/mnist.h5"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@functools.cache
def quick() -> dict[str, Any]:
    return read_config([QUICK])


def experiment(name: str = "quick", **axes: Any) -> Experiment:
    block = {**quick()["experiments"][0], "activation": "tanh", "hidden_units": 5, "learning_rate": 0.01}
    return load_experiment(merge(quick(), {"name": name, "experiments": [{**block, **axes}]}))


def write(folder: Path, *paths: str, size: int = 10) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bytes(size))


def all_files(of: Experiment) -> list[str]:
    """Return all that the workflow may leave of an experiment."""
    made = [*final_outputs(of), *data_files(of)]
    jobs = [job for job in jobs_of(of) if job.rule != "download_file"]
    return [
        *made,
        report_file(of),
        *(str(path) for job in jobs for path in (job.log, job.log.with_suffix(".jsonl"), job.benchmark)),
        *(f"{CHECKPOINTS}/{run.dataset}/{run.name}{SUFFIX}" for run in of.runs),
    ]


def stale(folder: Path, *experiments: Experiment) -> list[str]:
    return [file.path for file in take_inventory(folder, experiments).files]


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


# --- what is stale


def test_nothing_of_a_given_experiment_is_stale(tmp_path: Path) -> None:
    every = [read_experiment(Path(f"config/{name}.yaml"))[1] for name in ("quick", "config", "improved")]
    for one in every:
        write(tmp_path, *all_files(one))
    found = take_inventory(tmp_path, every)
    assert (found.files, found.unknown) == ([], [])


def test_all_of_another_experiment_is_stale_except_what_is_shared(tmp_path: Path) -> None:
    mine, other = experiment("mine"), experiment("other", learning_rate=[0.01, 0.02], activation="cos")
    write(tmp_path, *all_files(mine), *all_files(other))
    found = take_inventory(tmp_path, [mine])
    assert {file.path for file in found.files} == set(all_files(other)) - set(all_files(mine))
    assert found.unknown == []


def test_each_group_holds_what_it_says(tmp_path: Path) -> None:
    run = experiment().runs[0].name
    groups = {
        "experiments": [
            "results/old/summary.html",
            "results/old/tables/seeds.csv.sha256",
            "results/quick/figures/cost/mnist.svg",
        ],
        "runs": [f"results/runs/mnist/{run}.h5"],
        "checkpoints": [f"{CHECKPOINTS}/mnist/{run}{SUFFIX}", f"{CHECKPOINTS}/mnist/{run}{SUFFIX}.rejected"],
        "checks": ["results/checks/failed/check_gate/mnist_tanh.json", "results/checks/gate/mnist_tanh.json"],
        "data": [MNIST],
        "logs": ["results/benchmarks/plot_best/old.tsv", f"results/logs/train_run/mnist/{run}.log"],
    }
    for paths in groups.values():
        write(tmp_path, *paths)
    found = take_inventory(tmp_path, [experiment()])
    assert {group: [f.path for f in files] for group, files in found.stale.items()} == groups
    assert list(groups) == list(GROUPS)


@pytest.mark.parametrize(
    "path",
    [
        "results/notes.txt",
        "results/runs/mnist/notes.txt",
        "results/runs/mnist/my_model.h5",
        "results/runs/af_tanh_hu_1_lr_1_bs_1_ep_1_l2_1_seed_1.h5",
        "results/checkpoints/mnist/kept.checkpoint",
        "results/data/notes/mnist.h5",
        "results/data/.mnist.h5.abcdefgh.part",
        "results/checks/mine.txt",
        "results/checks/gate/notes.json",
        "results/logs/my_rule/a.log",
        "results/logs/train_run/notes.txt",
        "results/old/paper.pdf",
        "results/old/tables/mine.csv",
        "results/website/summary.html",
    ],
)
def test_what_the_workflow_does_not_write_is_never_stale(tmp_path: Path, path: str) -> None:
    write(tmp_path, path)
    found = take_inventory(tmp_path, [experiment()])
    assert (found.files, found.unknown) == ([], [path])


def test_downloads_with_their_logs_and_the_readme_stay(tmp_path: Path) -> None:
    paths = ["resources/mnist/a.gz", "results/logs/download_file/mnist/a.gz.log", "results/README.md"]
    write(tmp_path, *paths, "results/benchmarks/download_file/mnist/a.gz.tsv")
    found = take_inventory(tmp_path, [experiment()])
    assert (found.files, found.unknown) == ([], [])


# --- removing


def test_no_link_is_followed(tmp_path: Path) -> None:
    run = experiment(activation="cos").runs[0].name
    write(tmp_path, f"elsewhere/digits/{run}.h5", f"elsewhere/{run}.h5")
    (tmp_path / "results/runs/mnist").mkdir(parents=True)
    links = {
        "results/checkpoints": "elsewhere",
        "results/runs/digits": "elsewhere/digits",
        f"results/runs/mnist/{run}.h5": f"elsewhere/{run}.h5",
    }
    for link, target in links.items():
        (tmp_path / link).symlink_to(tmp_path / target)
    found = take_inventory(tmp_path, [experiment()])
    assert (found.files, found.unknown) == ([], list(links))


def test_results_itself_may_be_a_link_to_a_larger_disk(tmp_path: Path) -> None:
    write(tmp_path, "scratch/data/mnist.h5")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/results").symlink_to(tmp_path / "scratch")
    list(remove(tmp_path / "project", take_inventory(tmp_path / "project", [experiment()]).files))
    assert left(tmp_path / "scratch") == []
    assert (tmp_path / "project/results").is_symlink()


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, MNIST, "elsewhere/mnist.h5")
    files = take_inventory(tmp_path, [experiment()]).files
    (tmp_path / "results/data").rename(tmp_path / "results/data-before")
    (tmp_path / "results/data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HandgradError, match=r"results/data/mnist\.h5: a link leads to it"):
        list(remove(tmp_path, files))
    assert (tmp_path / "elsewhere/mnist.h5").exists()


def test_empty_folders_go_except_those_that_all_share(tmp_path: Path) -> None:
    kept = ["results/README.md", "results/old/notes.txt"]
    write(tmp_path, *all_files(experiment("old", activation="cos")), *all_files(experiment("older")), *kept)
    list(remove(tmp_path, take_inventory(tmp_path, [experiment(dataset="mnist")]).files))
    assert left(tmp_path) == kept
    folders = sorted(path.name for path in (tmp_path / "results").rglob("*") if path.is_dir())
    assert folders == ["benchmarks", "checkpoints", "checks", "data", "logs", "old", "runs"]


def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    write(tmp_path, f"{MNIST}/inside")  # a folder of that name, put there in the meantime
    with pytest.raises(HandgradError, match=r"results/data/mnist\.h5: cannot be removed"):
        list(remove(tmp_path, [File(MNIST, 10)]))


# --- checkpoints


def images() -> ImageData:
    split = Split(np.zeros((3, 64), np.uint8), np.zeros(3, np.uint8))
    digest = data_digest(experiment().datasets["digits"])
    return ImageData(split, split, (8, 8), 16, tuple("0123456789"), {}, digest)


def checkpoint(folder: Path, run: Run, epochs_passed: int, *, code: str = "") -> str:
    """Write the checkpoint of a run after so many epochs; returns its path."""
    origin = Origin(run, code or code_digest("train_run"), content_of(images()))
    W = Weights(np.zeros((5, 65), np.float32), np.zeros((10, 6), np.float32))
    state = State(W, [Epoch(0.0, 0.0, 0.0, 0, np.nan, -1, 0.0)] * epochs_passed)
    path = path_of(folder / CHECKPOINTS, run)
    write_checkpoint(path, Checkpoint(run, state, ()), origin)
    return path.relative_to(folder).as_posix()


def with_data(folder: Path) -> Path:
    write_data(folder / "results/data/digits.h5", images())
    return folder


def run_of(epochs: int, **axes: Any) -> Run:
    return experiment(epochs=epochs, **axes).runs[0]


@pytest.mark.parametrize("own", [None, 0, 4, 5, 9])
@pytest.mark.parametrize("shorter", [None, 4])
@pytest.mark.parametrize("longer", [None, 4, 5, 6])
def test_the_checkpoint_that_training_would_go_on_from_is_kept(
    tmp_path: Path, own: int | None, shorter: int | None, longer: int | None
) -> None:
    with_data(tmp_path)
    named = experiment(epochs=5)
    run = named.runs[0]
    others = replace(run, epochs=4), replace(run, epochs=8)
    for one, passed in zip((run, *others), (own, shorter, longer), strict=True):
        if passed is not None:
            checkpoint(tmp_path, one, passed)
    start = furthest_checkpoint(tmp_path / CHECKPOINTS, Origin(run, code_digest("train_run"), content_of(images())))
    paths = [path_of(Path(CHECKPOINTS), one).as_posix() for one in others if not start or one != start.run]
    assert stale(tmp_path, named) == [path for path in paths if (tmp_path / path).exists()]


@pytest.mark.parametrize(("axes", "code"), [({}, "other"), ({"schedule": "cosine"}, "")])
def test_a_checkpoint_of_no_use_is_stale(tmp_path: Path, axes: dict[str, Any], code: str) -> None:
    """It is of other code, or of a schedule that ends with the last epoch."""
    path = checkpoint(with_data(tmp_path), run_of(20, **axes), 20, code=code)
    assert stale(tmp_path, experiment(epochs=40, **axes)) == [path]


def test_without_the_data_no_checkpoint_that_may_serve_is_stale(tmp_path: Path) -> None:
    checkpoint(tmp_path, run_of(20), 20)
    checkpoint(tmp_path, run_of(10), 10)
    other = checkpoint(tmp_path, replace(run_of(20), seed=7), 20)
    assert stale(tmp_path, experiment(epochs=40)) == [other]


# --- the command


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., None]:
    def call(*arguments: str) -> None:
        with contextlib.chdir(tmp_path):
            app(["prune", *arguments, str(QUICK)], standalone_mode=False)

    return call


def test_the_list_names_groups_files_and_sizes(tmp_path: Path, call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, MNIST, size=1_500_000)
    write(tmp_path, "results/checks/gate/mnist_tanh.json", "results/notes.txt", size=500)
    call("--dry-run")
    lines = capsys.readouterr().out.splitlines()
    assert "quick (12 runs)" in lines[0]
    assert lines.index(f"{GROUPS['checks']}: 1 file, 500 bytes") < lines.index(f"  {MNIST}  1.5 MB")
    assert "  results/notes.txt" in lines
    assert lines[-1].endswith("2 files, 1.5 MB")
    assert len(left(tmp_path)) == 3


@pytest.mark.parametrize(
    ("answer", "gone"), [("y\n", True), ("n\n", False), ("\n", False), ("\x04", False), (None, False)]
)
def test_only_yes_at_a_terminal_or_the_option_removes(
    tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch, answer: str | None, *, gone: bool
) -> None:
    write(tmp_path, MNIST)
    if answer is None:
        with Path(os.devnull).open() as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            with pytest.raises(HandgradError, match="--yes"):
                call()
    else:
        other_end, terminal = os.openpty()
        os.write(other_end, answer.encode())
        with os.fdopen(terminal) as typed:
            monkeypatch.setattr(sys, "stdin", typed)
            with contextlib.suppress(typer.Abort):  # at Ctrl-D
                call()
        os.close(other_end)
    assert (left(tmp_path) == []) == gone
    call("--yes")
    assert left(tmp_path) == []


@pytest.mark.parametrize("when", ["locked", "before it looks", "while it asks"])
def test_it_refuses_while_snakemake_is_running(
    tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    calls: list[Path] = []

    def running(folder: Path) -> None:
        calls.append(folder)
        if when == "before it looks" or len(calls) == 2:
            raise HandgradError("running here")

    write(tmp_path, MNIST)
    if when == "locked":
        write(tmp_path, ".snakemake/locks/0.output.lock")  # as by a snakemake on another machine
    else:
        monkeypatch.setattr("handgrad.monitor.recovery.require_idle", running)
    with pytest.raises(HandgradError, match="running"):
        call("--yes")
    assert (tmp_path / MNIST).exists()


def test_results_that_lead_nowhere_are_not_taken_for_none(tmp_path: Path, call: Any) -> None:
    (tmp_path / "results").symlink_to(tmp_path / "not-mounted")
    with pytest.raises(HandgradError, match="results: a link that leads nowhere"):
        call("--dry-run")


def test_a_mistake_in_any_file_stops_it(tmp_path: Path, call: Any) -> None:
    write(tmp_path, MNIST)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("name: first\nexperiments: [{dataset: digits}]\n")
    second.write_text("name: second\nnmae: x\n")
    with pytest.raises(ConfigError) as caught:
        call("--yes", str(first), str(second))
    assert [line.split(": ")[0] for line in caught.value.mistakes] == [str(second)]
    assert (tmp_path / MNIST).exists()
