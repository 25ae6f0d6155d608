"""handgrad prune: what is stale, what is never touched, and what is asked."""

import contextlib
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handgrad.archive.stale import GROUPS, remove, take_inventory
from handgrad.cli.app import app
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge
from handgrad.experiment.experiment_file import read_config
from handgrad.layout.paths import data_files, final_outputs, job_name, report_file

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
    made = [*final_outputs(of), *data_files(of), report_file(of)]
    of_jobs = [("logs", "log"), ("logs", "jsonl"), ("benchmarks", "tsv")]
    jobs = [f"results/{top}/{job_name(path)}.{ending}" for path in made for top, ending in of_jobs]
    return made + jobs + [checkpoint(run.name) for run in of.runs]


def checkpoint(run: str) -> str:
    return f"results/checkpoints/digits/{run}.checkpoint"


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


# --- what is stale


def test_all_of_another_experiment_is_stale_except_what_is_shared(tmp_path: Path) -> None:
    mine = experiment("mine", dataset=["digits", "mnist"], l2=[0.01, 0.001])
    other = experiment("other", learning_rate=[0.01, 0.02], activation="cos")
    write(tmp_path, *all_files(mine), *all_files(other))
    for experiments in ([mine, other], [mine]):
        found = take_inventory(tmp_path, experiments)
        needed = {path for one in experiments for path in all_files(one)}
        assert {file.path for file in found.files} == set(all_files(other)) - needed
        assert found.unknown == []


def test_each_group_holds_what_it_says(tmp_path: Path) -> None:
    run, other = (experiment(activation=activation).runs[0].name for activation in ("tanh", "cos"))
    groups = {
        "experiments": [
            "results/old/figures/comparison.svg",
            "results/old/summary.html",
            "results/old/tables/comparison.csv.sha256",
            "results/quick/figures/cost/mnist.svg",
        ],
        "runs": [f"results/runs/mnist/{run}.h5"],
        "checkpoints": [checkpoint(other), f"{checkpoint(other)}.rejected"],
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


def test_checkpoints_that_more_epochs_may_go_on_from_are_kept(tmp_path: Path) -> None:
    runs = [experiment(epochs=20, **axes).runs[0].name for axes in ({}, {"seed": 7}, {"schedule": "cosine"})]
    write(tmp_path, *map(checkpoint, runs), checkpoint(runs[0]) + ".rejected")
    found = take_inventory(tmp_path, [experiment(epochs=40)])
    assert {file.path for file in found.files} == set(map(checkpoint, runs[1:]))


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


def test_empty_folders_go_and_others_stay(tmp_path: Path) -> None:
    kept = ["results/README.md", "results/old/notes.txt"]
    write(tmp_path, *all_files(experiment("old", activation="cos")), *kept)
    list(remove(tmp_path, take_inventory(tmp_path, [experiment(dataset="mnist")]).files))
    assert left(tmp_path) == kept
    assert [path.name for path in (tmp_path / "results").iterdir() if path.is_dir()] == ["old"]


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


def at_terminal(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], str]) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin.readline", answer)


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_only_yes_at_a_terminal_removes(
    tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch, answer: str, *, gone: bool
) -> None:
    write(tmp_path, MNIST)
    at_terminal(monkeypatch, lambda: answer)
    call()
    assert (left(tmp_path) == []) == gone


def test_without_a_terminal_only_the_option_removes(tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    write(tmp_path, MNIST)
    with pytest.raises(HandgradError, match="--yes"):
        call()
    call("--yes")
    assert left(tmp_path) == []


@pytest.mark.parametrize("while_it_asks", [False, True])
def test_it_refuses_while_snakemake_is_running(
    tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch, *, while_it_asks: bool
) -> None:
    def start(*_: Any) -> str:
        write(tmp_path, ".snakemake/locks/0.output.lock")
        return "y\n"

    write(tmp_path, MNIST)
    at_terminal(monkeypatch, start)
    if not while_it_asks:
        start()
    with pytest.raises(HandgradError, match="running"):
        call()
    assert (tmp_path / MNIST).exists()


def test_results_that_lead_nowhere_are_not_taken_for_none(tmp_path: Path, call: Any) -> None:
    (tmp_path / "results").symlink_to(tmp_path / "not-mounted")
    with pytest.raises(HandgradError, match="results: a link that leads nowhere"):
        call("--dry-run")


def test_every_mistake_of_every_file_stops_it(tmp_path: Path, call: Any) -> None:
    write(tmp_path, MNIST)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("name: first\nexperiments: [{activation: tahn}]\n")
    second.write_text("name: second\nnmae: x\n")
    with pytest.raises(ConfigError) as caught:
        call("--yes", str(first), str(second))
    assert [line.split(": ")[0] for line in caught.value.mistakes] == [str(first), str(second)]
    assert (tmp_path / MNIST).exists()
