"""make stale and make prune: what is stale, what is never touched, and what is asked."""

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

from handgrad.archive.stale import GROUPS, File, remove, take_inventory
from handgrad.archive.stale_checkpoints import CHECKPOINTS
from handgrad.cli.prune import prune_results
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import ImageData, Split, content_of, write_data
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge
from handgrad.experiment.experiment_file import read_config, read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.layout.paths import data_files, final_outputs, job_name, report_file
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


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@functools.cache
def quick() -> dict[str, Any]:
    return read_config([Path("config/quick.yaml")])


def experiment(name: str = "quick", **axes: Any) -> Experiment:
    config = quick()
    block = {**config["experiments"][0], "activation": "tanh", "hidden_units": 5, "learning_rate": 0.01}
    return load_experiment(merge(config, {"name": name, "experiments": [{**block, **axes}]}))


def write(folder: Path, *paths: str, size: int = 10) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bytes(size))


def all_files(of: Experiment) -> list[str]:
    """All that the workflow may leave of an experiment."""
    made = [*final_outputs(of), *data_files(of)]
    jobs = [job_name(path) for path in made]
    return [
        *made,
        report_file(of),
        *(f"results/logs/{job}.log" for job in jobs),
        *(f"results/benchmarks/{job}.tsv" for job in jobs),
        *(f"{CHECKPOINTS}/{run.dataset}/{run.name}{SUFFIX}" for run in of.runs),
    ]


def stale(folder: Path, *experiments: Experiment) -> list[str]:
    return [file.path for file in take_inventory(folder, experiments).files]


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_nothing_of_a_given_experiment_is_stale(tmp_path: Path) -> None:
    every = [read_experiment(Path(f"config/{name}.yaml"))[1] for name in ("quick", "config", "improved")]
    for one in every:
        write(tmp_path, *all_files(one))
    found = take_inventory(tmp_path, every)
    assert (found.files, found.unknown) == ([], [])


def test_all_of_an_experiment_that_is_not_given_is_stale_but_what_is_shared(tmp_path: Path) -> None:
    mine, other = experiment("mine"), experiment("other", learning_rate=[0.01, 0.02], activation="cos")
    write(tmp_path, *all_files(mine), *all_files(other))
    shared = set(all_files(mine))
    found = take_inventory(tmp_path, [mine])
    assert {file.path for file in found.files} == set(all_files(other)) - shared
    assert "results/data/digits.h5" in shared
    assert found.unknown == []
    assert {file.size for file in found.files} == {10}


def test_each_group_holds_what_it_says(tmp_path: Path) -> None:
    run = experiment().runs[0].name
    groups = {
        "experiments": [
            "results/old/summary.html",
            "results/old/tables/seeds.csv.sha256",
            "results/old/tables/seeds.md",
        ],
        "runs": [f"results/runs/mnist/{run}.h5"],
        "checkpoints": [f"{CHECKPOINTS}/mnist/{run}{SUFFIX}", f"{CHECKPOINTS}/mnist/{run}{SUFFIX}.rejected"],
        "checks": ["results/checks/failed/check_gate/mnist_tanh.json", "results/checks/gate/mnist_tanh.json"],
        "data": ["results/data/mnist.h5"],
        "logs": ["results/benchmarks/plot_best/old.tsv", f"results/logs/train_run/mnist/{run}.log"],
    }
    for paths in groups.values():
        write(tmp_path, *paths)
    found = take_inventory(tmp_path, [experiment()])
    assert {group: [f.path for f in files] for group, files in found.stale.items()} == groups
    assert list(groups) == list(GROUPS)


def test_a_figure_that_a_given_experiment_no_longer_has_is_stale(tmp_path: Path) -> None:
    write(tmp_path, "results/quick/figures/cost/mnist.svg", "results/quick/figures/cost/digits.svg")
    assert stale(tmp_path, experiment()) == ["results/quick/figures/cost/mnist.svg"]


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
def test_what_the_workflow_does_not_write_is_named_and_never_stale(tmp_path: Path, path: str) -> None:
    write(tmp_path, path)
    found = take_inventory(tmp_path, [experiment()])
    assert (found.files, found.unknown) == ([], [path])


def test_downloads_and_their_logs_stay(tmp_path: Path) -> None:
    paths = ["resources/mnist/a.gz", "results/logs/download_file/mnist/a.gz.log"]
    write(tmp_path, *paths, "results/benchmarks/download_file/mnist/a.gz.tsv")
    found = take_inventory(tmp_path, [experiment()])
    assert (found.files, found.unknown) == ([], [])


def test_no_link_is_followed(tmp_path: Path) -> None:
    run = experiment(activation="cos").runs[0].name
    write(tmp_path, f"elsewhere/digits/{run}.h5", f"elsewhere/{run}.h5")
    (tmp_path / "results/runs/mnist").mkdir(parents=True)
    (tmp_path / "results/checkpoints").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "results/runs/digits").symlink_to(tmp_path / "elsewhere/digits")
    (tmp_path / f"results/runs/mnist/{run}.h5").symlink_to(tmp_path / f"elsewhere/{run}.h5")
    found = take_inventory(tmp_path, [experiment()])
    assert found.files == []
    assert found.unknown == [
        "results/checkpoints",
        "results/runs/digits",
        f"results/runs/mnist/{run}.h5",
    ]


def test_results_itself_may_be_a_link_to_a_larger_disk(tmp_path: Path) -> None:
    write(tmp_path, "scratch/data/mnist.h5")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/results").symlink_to(tmp_path / "scratch")
    files = take_inventory(tmp_path / "project", [experiment()]).files
    assert [file.path for file in files] == ["results/data/mnist.h5"]
    list(remove(tmp_path / "project", files))
    assert left(tmp_path / "scratch") == []
    assert (tmp_path / "project/results").is_symlink()


def test_a_link_that_takes_a_folders_place_before_the_removal_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "results/data/mnist.h5", "elsewhere/mnist.h5")
    files = take_inventory(tmp_path, [experiment()]).files
    (tmp_path / "results/data").rename(tmp_path / "results/data-before")
    (tmp_path / "results/data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HandgradError, match=r"results/data/mnist\.h5: a link leads to it"):
        list(remove(tmp_path, files))
    assert (tmp_path / "elsewhere/mnist.h5").exists()


def test_folders_that_are_empty_afterwards_go_but_not_those_all_experiments_share(tmp_path: Path) -> None:
    write(tmp_path, *all_files(experiment("old", activation="cos")), "results/old/notes.txt")
    write(tmp_path, *all_files(experiment("older")))
    list(remove(tmp_path, take_inventory(tmp_path, [experiment(dataset="mnist")]).files))
    assert left(tmp_path) == ["results/old/notes.txt"]
    folders = sorted(path.name for path in (tmp_path / "results").rglob("*") if path.is_dir())
    assert folders == ["benchmarks", "checkpoints", "checks", "data", "logs", "old", "runs"]


# --- checkpoints


def images() -> ImageData:
    split = Split(np.zeros((3, 64), np.uint8), np.zeros(3, np.uint8))
    digest = data_digest(experiment().datasets["digits"])
    return ImageData(split, split, (8, 8), 16, tuple("0123456789"), {}, digest)


def checkpoint(folder: Path, run: Run, epochs_passed: int, *, code: str = "") -> str:
    """Write the checkpoint of a run that stands after so many epochs; returns its path."""
    origin = Origin(run, code or code_digest("train_run"), content_of(images()))
    W = Weights(np.zeros((5, 65), np.float32), np.zeros((10, 6), np.float32))
    state = State(W, [Epoch(0.0, 0.0, 0.0, 0, np.nan, -1, 0.0)] * epochs_passed)
    path = path_of(folder / CHECKPOINTS, run)
    write_checkpoint(path, Checkpoint(run, state, ()), origin)
    return path.relative_to(folder).as_posix()


@pytest.fixture
def run_of() -> Callable[..., Run]:
    return lambda epochs, **axes: experiment(epochs=epochs, **axes).runs[0]


def with_data(folder: Path) -> Path:
    write_data(folder / "results/data/digits.h5", images())
    return folder


def test_a_checkpoint_that_a_longer_named_run_goes_on_from_is_kept(tmp_path: Path, run_of: Any) -> None:
    checkpoint(with_data(tmp_path), run_of(20), 20)
    assert stale(tmp_path, experiment(epochs=40)) == []


def test_a_longer_checkpoint_that_is_not_past_the_end_of_a_named_run_is_kept(tmp_path: Path, run_of: Any) -> None:
    checkpoint(with_data(tmp_path), run_of(40), 15)
    assert stale(tmp_path, experiment(epochs=20)) == []


def test_a_checkpoint_past_the_end_of_every_named_run_is_stale(tmp_path: Path, run_of: Any) -> None:
    path = checkpoint(with_data(tmp_path), run_of(40), 25)
    assert stale(tmp_path, experiment(epochs=20)) == [path]


def test_of_several_checkpoints_the_furthest_alone_is_kept(tmp_path: Path, run_of: Any) -> None:
    first = checkpoint(with_data(tmp_path), run_of(10), 10)
    checkpoint(tmp_path, run_of(20), 20)
    assert stale(tmp_path, experiment(epochs=40)) == [first]


def test_a_run_with_a_checkpoint_of_its_own_as_far_needs_no_other(tmp_path: Path, run_of: Any) -> None:
    first = checkpoint(with_data(tmp_path), run_of(20), 20)
    checkpoint(tmp_path, run_of(40), 20)
    assert stale(tmp_path, experiment(epochs=40)) == [first]


def test_an_own_checkpoint_that_is_not_as_far_leaves_the_others_needed(tmp_path: Path, run_of: Any) -> None:
    checkpoint(with_data(tmp_path), run_of(20), 20)
    checkpoint(tmp_path, run_of(40), 19)
    assert stale(tmp_path, experiment(epochs=40)) == []


def test_a_checkpoint_of_other_code_is_no_beginning(tmp_path: Path, run_of: Any) -> None:
    path = checkpoint(with_data(tmp_path), run_of(20), 20, code="other")
    assert stale(tmp_path, experiment(epochs=40)) == [path]


def test_a_run_whose_schedule_knows_its_end_needs_its_own_checkpoint_alone(tmp_path: Path, run_of: Any) -> None:
    path = checkpoint(with_data(tmp_path), run_of(20, schedule="cosine"), 20)
    assert stale(tmp_path, experiment(epochs=40, schedule="cosine")) == [path]


@pytest.mark.parametrize("own", [None, 0, 3, 5, 9])
@pytest.mark.parametrize("shorter", [None, 2, 4])
@pytest.mark.parametrize("longer", [None, 1, 4, 5, 6])
def test_what_is_kept_of_other_runs_is_what_training_would_go_on_from(
    tmp_path: Path, run_of: Any, own: int | None, shorter: int | None, longer: int | None
) -> None:
    with_data(tmp_path)
    for run, stands in ((run_of(5), own), (run_of(4), shorter), (run_of(8), longer)):
        if stands is not None:
            checkpoint(tmp_path, run, stands)
    origin = Origin(run_of(5), code_digest("train_run"), content_of(images()))
    start = furthest_checkpoint(tmp_path / CHECKPOINTS, origin)
    gone = set(stale(tmp_path, experiment(epochs=5)))
    expected = {path_of(Path(CHECKPOINTS), run).as_posix() for run in (run_of(4), run_of(8))}
    if start:
        expected.discard(path_of(Path(CHECKPOINTS), start.run).as_posix())
    assert gone == {path for path in expected if (tmp_path / path).exists()}


def test_without_the_data_no_checkpoint_that_may_serve_is_stale(tmp_path: Path, run_of: Any) -> None:
    checkpoint(tmp_path, run_of(20), 20)
    checkpoint(tmp_path, run_of(10), 10)
    other = checkpoint(tmp_path, replace(run_of(20), seed=7), 20)
    assert stale(tmp_path, experiment(epochs=40)) == [other]


# --- the command


def call(folder: Path, *, prune: bool = True, yes: bool = False) -> None:
    with contextlib.chdir(folder):
        prune_results([QUICK], yes=yes, dry_run=not prune)


def test_the_list_tells_groups_files_sizes_and_the_total(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "results/data/mnist.h5", size=1_500_000)
    write(tmp_path, "results/checks/gate/mnist_tanh.json", "results/notes.txt", size=500)
    call(tmp_path, prune=False)
    assert capsys.readouterr().out == (
        "Kept: quick (12 runs)\n"
        f"\n{GROUPS['checks']}: 1 file, 500 bytes\n  results/checks/gate/mnist_tanh.json  500 bytes\n"
        f"\n{GROUPS['data']}: 1 file, 1.5 MB\n  results/data/mnist.h5  1.5 MB\n"
        "\nnot known, or a link: left alone (1)\n  results/notes.txt\n"
        "\nstale in all: 2 files, 1.5 MB\n"
    )
    assert len(left(tmp_path)) == 3


def test_with_nothing_stale_it_says_so_and_does_not_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(tmp_path)
    assert capsys.readouterr().out.endswith("\nNothing is stale.\n")


def test_without_a_terminal_it_refuses_and_says_how_to_confirm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "results/data/mnist.h5")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(HandgradError) as refused:
            call(tmp_path)
    assert "--yes" in str(refused.value)
    assert left(tmp_path) == ["results/data/mnist.h5"]
    call(tmp_path, yes=True)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_at_a_terminal_only_yes_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, *, gone: bool
) -> None:
    write(tmp_path, "results/data/mnist.h5")
    other_end, terminal = os.openpty()
    os.write(other_end, answer.encode() or b"\x04")  # Ctrl-D
    with os.fdopen(terminal) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        call(tmp_path)
    os.close(other_end)
    assert (left(tmp_path) == []) == gone


def test_it_refuses_while_the_folder_is_locked_though_nobody_is_seen_at_work(tmp_path: Path) -> None:
    write(tmp_path, "results/runs/digits/" + "af_tanh_hu_1_lr_1_bs_1_ep_1_l2_0_seed_0.h5")
    write(tmp_path, ".snakemake/locks/0.output.lock")  # as by a snakemake on another machine
    before = left(tmp_path)
    with pytest.raises(HandgradError, match="locked by a snakemake"):
        call(tmp_path, yes=True)
    assert left(tmp_path) == before


def test_results_that_lead_nowhere_are_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(tmp_path / "not-mounted")
    with pytest.raises(HandgradError, match="results: a link that leads nowhere"):
        call(tmp_path, prune=False)


@pytest.mark.parametrize("when", ["before it looks", "while it asks"])
def test_it_refuses_while_snakemake_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    calls: list[Path] = []

    def at_work(folder: Path) -> None:
        calls.append(folder)
        if when == "before it looks" or len(calls) == 2:
            raise HandgradError("snakemake is at work here")

    write(tmp_path, "results/data/mnist.h5")
    monkeypatch.setattr("handgrad.monitor.recovery.require_idle", at_work)
    with pytest.raises(HandgradError, match="at work"):
        call(tmp_path, yes=True)
    assert left(tmp_path) == ["results/data/mnist.h5"]


def test_every_mistake_of_every_file_stops_it(tmp_path: Path) -> None:
    write(tmp_path, "results/data/mnist.h5")
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("name: first\nexperiments: [{activation: tahn}]\n")
    second.write_text("name: second\nnmae: x\n")
    with pytest.raises(ConfigError) as caught:
        prune_results([first, QUICK, second], yes=True, dry_run=False)
    lines = caught.value.mistakes
    assert [line.split(": ")[0] for line in lines] == [str(first), str(second)]
    assert (tmp_path / "results/data/mnist.h5").exists()


def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    write(tmp_path, "results/data/mnist.h5/inside")  # a folder of that name, put there in the meantime
    with pytest.raises(HandgradError, match=r"results/data/mnist\.h5: cannot be removed"):
        list(remove(tmp_path, [File("results/data/mnist.h5", 10)]))
