"""handgrad prune: which files are stale, which files it never removes, and what it asks."""

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handgrad.archive.stale import GROUPS, Inventory, remove, take_inventory
from handgrad.cli.app import app
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge, read_config
from handgrad.experiment.runs import is_short_name
from handgrad.layout.jobs import jobs_of
from handgrad.layout.paths import COMPARISON_PAGE, data_files, final_outputs, report_file, run_files, search_files

QUICK = Path(__file__).parents[2] / "config/quick.yaml"
HERE = Path()
MNIST = "results/data/mnist.h5"
README = "results/README.md"
COMPARED = COMPARISON_PAGE.format(a="mine", b="other")  # handgrad compare makes it, and no job


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@functools.cache
def quick() -> dict[str, Any]:
    return read_config([QUICK])


def experiment(name: str = "quick", **axes: Any) -> Experiment:
    block = {**quick()["experiments"][0], "activation": "tanh", "hidden_units": 5, "learning_rate": 0.01}
    return load_experiment(merge(quick(), {"name": name, "experiments": [{**block, **axes}]}))


def write(*paths: str, size: int = 10) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(bytes(size))


def link(path: str, to: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).symlink_to(Path(to).absolute())


def all_files(of: Experiment) -> list[str]:
    """Return all files that the workflow may write for an experiment."""
    made = [*final_outputs(of), *data_files(of), report_file(of)]
    jobs = [job for job in jobs_of(of) if job.rule != "download_file"]
    of_jobs = [str(path) for job in jobs for path in (job.log, job.log.with_suffix(".jsonl"), job.benchmark)]
    return [*made, *of_jobs, *(checkpoint(run.name) for run in of.all_runs)]


def checkpoint(run: str) -> str:
    return f"results/checkpoints/digits/{run}.checkpoint"


def stale(*experiments: Experiment) -> set[str]:
    return {file.path for file in take_inventory(HERE, experiments).files}


def left() -> list[str]:
    return sorted(path.as_posix() for path in Path("results").rglob("*") if not path.is_dir())


# --- stale files


def test_all_of_another_experiment_is_stale_except_what_is_shared() -> None:
    mine = experiment("mine", dataset=["digits", "mnist"], l2=[0.01, 0.001])
    other = experiment("other", learning_rate=[0.01, 0.02], activation="cos")
    downloads = [f"results/{top}/download_file/mnist/a.gz" for top in ("logs", "benchmarks")]
    write(*all_files(mine), *all_files(other), *downloads, README, COMPARED)
    assert take_inventory(HERE, [mine, other]) == Inventory({}, [])
    assert stale(mine) == set(all_files(other)) - set(all_files(mine))


#: a search with all parts, with settings that may become finalists
SEARCH: dict[str, Any] = {
    "validation_size": 100,
    "learning_rate": [0.01, 0.02, 0.03],
    "halving": {"epochs": [1, 3]},
    "finalists": {"count": 1, "seeds": [0, 7]},
}


def test_all_files_and_checkpoints_of_a_search_are_kept_with_it_and_stale_without() -> None:
    mine, other = experiment("mine", **SEARCH), experiment("other", validation_size=100)
    assert len(mine.all_runs) == 6  # each setting may become a finalist
    write(*all_files(mine), *all_files(other))
    assert take_inventory(HERE, [mine, other]) == Inventory({}, [])
    found = take_inventory(HERE, [other])
    assert {file.path for file in found.files} == set(all_files(mine)) - set(all_files(other))
    searched = {*search_files(mine), *run_files(mine)}
    assert {file.path for file in found.stale["searches"]} == searched
    assert found.unknown == []


def test_a_search_without_some_of_its_parts_leaves_those_stale() -> None:
    before = experiment("mine", **SEARCH)
    write(*all_files(before))
    now = experiment("mine", **{**SEARCH, "halving": {"epochs": [1]}, "finalists": None})
    found = take_inventory(HERE, [now])
    assert {file.path for file in found.stale["searches"]} == {
        *(f"results/mine/search/0/digits/{name}.json" for name in ("ranking_1", "ranking_2", "rung_1/slot_0_seed_0")),
        "results/mine/search/0/digits/finalists/slot_0_seed_7.h5",
    }
    seeds = {run.name for run in before.all_runs} - {run.name for run in now.all_runs}
    assert {file.path for file in found.stale["checkpoints"]} == set(map(checkpoint, seeds))


def test_each_group_holds_what_it_says() -> None:
    run, other = (experiment(activation=activation).runs[0].name for activation in ("tanh", "cos"))
    groups = {
        "experiments": [
            "results/old/figures/comparison.svg",
            "results/old/summary.html",
            "results/old/tables/comparison.csv.sha256",
            "results/quick/figures/cost/mnist.svg",
        ],
        "runs": [f"results/runs/mnist/{run}.h5"],
        "searches": [
            "results/old/search/0/mnist/final/slot_0_seed_3.h5",
            "results/old/search/0/mnist/ranking_0.json",
            f"results/old/search/0/mnist/rung_0/{run}.json",
            "results/old/search/0/mnist/rung_1/slot_2_seed_3.json",
        ],
        "checkpoints": [checkpoint(other), f"{checkpoint(other)}.rejected"],
        "checks": ["results/checks/failed/check_gate/mnist_tanh.json", "results/checks/gate/mnist_tanh.json"],
        "data": [MNIST],
        "logs": [
            "results/benchmarks/plot_best/old.tsv",
            f"results/logs/train_candidate/old/0_mnist/{run}.log",
            f"results/logs/train_run/mnist/{run}.log",
        ],
    }
    write(*(path for paths in groups.values() for path in paths))
    found = take_inventory(HERE, [experiment()])
    assert {group: [file.path for file in files] for group, files in found.stale.items()} == groups


@pytest.mark.parametrize(
    "path",
    [
        "results/notes.txt",
        "results/runs/mnist/notes.txt",
        "results/runs/mnist/my_model.h5",
        "results/runs/mnist/af_tanh_hu_1_lr_1_bs_1_ep_1_l2_1_seed_1 (copy).h5",
        "results/runs/af_tanh_hu_1_lr_1_bs_1_ep_1_l2_1_seed_1.h5",
        "results/checkpoints/mnist/kept.checkpoint",
        "results/data/notes/mnist.h5",
        "results/data/.mnist.h5.abcdefgh.part",
        "results/checks/mine.txt",
        "results/checks/gate/notes.json",
        "results/logs/my_rule/a.log",
        "results/logs/train_run/notes.txt",
        "results/old/paper.pdf",
        "results/old/search/0/digits/rung_0/notes.json",
        "results/old/search/0/digits/ranking_new.json",
        "results/old/search/0/digits/rung_1/slot_a_seed_1.json",
        "results/old/search/0/digits/others/slot_0_seed_1.h5",
        "results/old/search/notes.txt",
        "results/old/tables/mine.csv",
        "results/website/summary.html",
    ],
)
def test_what_the_workflow_does_not_write_is_never_stale(path: str) -> None:
    write(path)
    found = take_inventory(HERE, [experiment()])
    assert (found.files, found.unknown) == ([], [path])


def test_checkpoints_that_more_epochs_may_go_on_from_are_kept() -> None:
    runs = [experiment(epochs=20, **axes).runs[0].name for axes in ({}, {"seed": 7}, {"schedule": "cosine"})]
    write(*map(checkpoint, runs), checkpoint(runs[0]) + ".rejected")
    assert stale(experiment(epochs=40)) == set(map(checkpoint, runs[1:]))


#: a run with 20 epochs and these axes has a name of 99 characters; with 100 epochs, a digest replaces values in it
NEARLY_LONG = {"learning_rate": 0.00123456789012, "pixels": "standardize", "batch_gradient": "mean", "l2": 0.000123456}


def test_long_names_are_the_workflow_s_and_kept_for_more_epochs() -> None:
    runs = [experiment(epochs=epochs, **NEARLY_LONG).runs[0].name for epochs in (20, 100, 200)]
    assert [is_short_name(name) for name in runs] == [False, True, True]
    assert len(runs[0]) == 99
    write(*map(checkpoint, runs), checkpoint(runs[1]) + ".rejected", *(f"results/runs/digits/{run}.h5" for run in runs))
    found = take_inventory(HERE, [experiment(epochs=200, **NEARLY_LONG)])
    assert [file.path for file in found.files] == [f"results/runs/digits/{run}.h5" for run in runs[:2]]
    assert found.unknown == []


# --- removing


def test_no_link_is_followed() -> None:
    run = experiment(activation="cos").runs[0].name
    write(f"elsewhere/digits/{run}.h5", f"elsewhere/{run}.h5")
    link("results/checkpoints", "elsewhere")
    link("results/runs/digits", "elsewhere/digits")
    link(f"results/runs/mnist/{run}.h5", f"elsewhere/{run}.h5")
    assert stale(experiment()) == set()


def test_empty_folders_go_and_results_may_be_a_link_to_a_larger_disk() -> None:
    Path("scratch").mkdir()
    link("results", "scratch")
    write(*all_files(experiment("old", activation="cos")), README, "results/old/notes.txt")
    list(remove(HERE, take_inventory(HERE, [experiment(dataset="mnist")]).files))
    assert sorted(path.as_posix() for path in Path("scratch").rglob("*")) == [
        "scratch/README.md",
        "scratch/old",
        "scratch/old/notes.txt",
    ]
    assert Path("results").is_symlink()


def test_a_link_in_place_of_a_folder_is_not_followed() -> None:
    write(MNIST, "elsewhere/mnist.h5")
    files = take_inventory(HERE, [experiment()]).files
    Path("results/data").rename("results/data-before")
    link("results/data", "elsewhere")
    with pytest.raises(HandgradError, match=r"results/data/mnist\.h5: a folder on its path was replaced by a link"):
        list(remove(HERE, files))
    assert Path("elsewhere/mnist.h5").exists()


# --- the command


def prune(*arguments: str) -> None:
    app(["prune", *arguments, str(QUICK)], standalone_mode=False)


def test_the_list_names_groups_files_and_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    write(MNIST, size=1_500_000)
    write("results/checks/gate/mnist_tanh.json", "results/notes.txt", size=500)
    prune("--dry-run")
    lines = capsys.readouterr().out.splitlines()
    assert {f"{GROUPS['checks']}: 1 file, 500 bytes", f"  {MNIST}  1.5 MB", "  results/notes.txt"} <= set(lines)
    assert len(left()) == 3


def answer(monkeypatch: pytest.MonkeyPatch, read: Callable[[], str]) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin.readline", read)


@pytest.mark.parametrize(("text", "gone"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_only_yes_at_a_terminal_removes(monkeypatch: pytest.MonkeyPatch, text: str, *, gone: bool) -> None:
    write(MNIST)
    answer(monkeypatch, lambda: text)
    prune()
    assert (left() == []) == gone


def test_without_a_terminal_only_the_option_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    write(MNIST)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(HandgradError, match="--yes"):
        prune()
    prune("--yes")
    assert left() == []


def start() -> str:
    write(".snakemake/locks/0.output.lock")
    return "y\n"


def test_it_refuses_once_snakemake_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    write(MNIST)
    answer(monkeypatch, start)
    for _ in ("while it asks", "before it looks"):
        with pytest.raises(HandgradError, match="running"):
            prune()
    assert left() == [MNIST]


def test_results_that_lead_nowhere_are_not_taken_for_none() -> None:
    link("results", "not-mounted")
    with pytest.raises(HandgradError, match="results: a broken link"):
        prune("--dry-run")


def test_a_mistake_in_a_file_stops_it() -> None:
    write(MNIST)
    Path("mine.yaml").write_text("name: mine\nexperiments: [{activation: tahn}]\n")
    with pytest.raises(ConfigError, match=r"^mine.yaml: "):
        prune("--yes", "mine.yaml")
    assert left() == [MNIST]
