"""What a user types, and what they get for a mistake."""

import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from handgrad.network.activations import ACTIVATIONS

from .conftest import ROOT, Project

Tiny = Callable[..., dict[str, Any]]


def planned(output: str) -> dict[str, int]:
    """The job counts of a dry run."""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE)}


@pytest.mark.parametrize("entry", [[], ["-s", "workflow/Snakefile"]], ids=["root", "workflow"])
def test_plain_snakemake_plans_the_published_table(project: Project, entry: list[str]) -> None:
    done = project.snakemake("-n", *entry)
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert jobs["train_run"] == 72
    assert jobs["check_gate"] == jobs["check_gradients"] == 6
    assert jobs["preprocess_dataset"] == 2
    assert jobs["download_file"] == 5
    assert jobs["aggregate_comparison"] == jobs["plot_comparison"] == 1


def test_planning_loads_none_of_the_packages_that_take_long(project: Project) -> None:
    # every job parses the workflow again
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *project.command("-n", "--configfile", "config/quick.yaml")[1:]],
        cwd=project.path,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    imported = set(re.findall(r"\| +(\w+)$", done.stderr, re.MULTILINE))
    assert {"snakemake", "numpy"} <= imported
    assert not imported & {"pandas", "matplotlib", "h5py", "scipy", "sklearn"}


def test_a_job_asks_for_a_little_more_memory_than_it_takes(project: Project) -> None:
    said = project.snakemake("-n").stdout
    memory: dict[str, list[int]] = {"mnist": [], "cifar10": []}
    for dataset, megabytes in re.findall(r"dataset=(\w+), run=.*\n.*\n.* mem_mb=(\d+)", said):
        memory[dataset].append(int(megabytes))
    assert {dataset: len(asked) for dataset, asked in memory.items()} == {"mnist": 36, "cifar10": 36}
    # peaks measured: 121 MB for MNIST, 255 MB for CIFAR-10
    assert 121 < min(memory["mnist"]) <= max(memory["mnist"]) < 250
    assert 255 < min(memory["cifar10"]) <= max(memory["cifar10"]) < 450


def test_the_quick_experiment_needs_no_download(project: Project) -> None:
    done = project.snakemake("-n", "--configfile", "config/quick.yaml")
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert jobs["train_run"] >= 12
    assert "download_file" not in jobs


#: with a name that is too long for a file
LONG_NAME = {
    **{"activation": "softplus", "hidden_units": 1000000, "epochs": 1000000, "seed": 4294967295},
    **dict.fromkeys(("learning_rate", "l2"), 1.2345678901234567e-100),
    **{"momentum": 0.12345678901234567, "pixels": "standardize", "batch_gradient": "mean", "init": "scaled"},
    **{"schedule": "cosine", "dtype": "float64", "train_size": 1000, "validation_size": 400},
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"axes": {"hiden_units": 3}}, ["experiments[0].hiden_units", "hidden_units"]),
        ({"axes": {"activation": "step"}}, ["experiments[0].activation", "'step'", "softplus"]),
        ({"axes": {"dataset": "minst"}}, ["experiments[0].dataset", "'minst'", "mnist"]),
        ({"axes": {"batch_size": 5000}}, ["experiments[0]", "5000", "1437"]),
        ({"axes": {"learning_rate": float("nan")}}, ["experiments[0].learning_rate", "nan"]),
        ({"name": "../x"}, ["name", "'../x'"]),
        ({"experiments": {}}, ["mistake.yaml", "experiments", "empty"]),
        ({"axes": LONG_NAME}, ["experiments[0]", "af_softplus_hu_1000000", "255"]),
    ],
    ids=["unknown key", "activation", "dataset", "batch", "nan", "name", "no experiments", "long name"],
)
def test_a_mistake_in_the_config_is_one_line_and_starts_nothing(
    project: Project, tiny: Tiny, change: dict[str, Any], expected: list[str]
) -> None:
    config = tiny(**change)
    path = project.path / "config" / "mistake.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    done = project.snakemake("--configfile", str(path))
    assert done.returncode != 0
    assert any(all(text in line for text in expected) for line in done.stdout.splitlines()), done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.path / "results").exists()


def refused(project: Project, *arguments: str) -> str:
    """The line of a message, of a dry run that must fail without a traceback."""
    done = project.snakemake("-n", *arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    _, _, after = done.stdout.partition("WorkflowError")
    return after.splitlines()[1]


def test_what_snakemake_would_misread_in_a_config_is_refused(project: Project) -> None:
    path = project.path / "mine.yaml"
    path.write_text("name: mine\nexperiments:\n- dataset: digits\n  hidden_units: 0100\n")
    line = refused(project, "--configfile", str(path))
    assert all(text in line for text in (str(path), "line 4", "0100", "64", "100"))
    path.write_text("name: mine\nexperiments: [{dataset: digits}]\nname: other\n")
    line = refused(project, "--configfile", str(path))
    assert all(text in line for text in (str(path), "line 3", "'name'", "line 1"))
    path.write_text("name: mine\n")
    line = refused(project, "--configfile", "config/quick.yaml", "--configfile", str(path))
    assert "--configfile" in line
    assert "2 times" in line


def test_the_project_s_config_holds_in_any_working_directory(project: Project, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nexperiments: [{dataset: mnist, seed: [0, 1]}]\n")
    entry = ["--snakefile", str(project.path / "Snakefile")]
    here = project.snakemake("-n", "--configfile", str(tmp_path / "mine.yaml"))
    directory = ["--directory", str(tmp_path / "there")]
    there = project.snakemake("-n", *directory, "--configfile", str(tmp_path / "mine.yaml"))
    assert planned(here.stdout) == planned(there.stdout)
    assert planned(there.stdout)["aggregate_comparison"] == 1
    (tmp_path / "elsewhere").mkdir()
    plain = Project(tmp_path / "elsewhere").snakemake("-n", *entry)
    assert planned(plain.stdout)["train_run"] == 72, plain.stdout


def test_numbers_inside_a_value_of_config_are_numbers(project: Project) -> None:
    done = project.snakemake("-n", "--config", "experiments=[{dataset: digits, hidden_units: 7}]")
    assert planned(done.stdout)["train_run"] == 1
    assert "af_tanh_hu_7_" in done.stdout


def test_an_unknown_run_is_named(project: Project, tiny: Tiny) -> None:
    said = project.refuse(tiny(), "results/runs/digits/af_tanh_hu_7_lr_1_bs_50_ep_1_l2_0.01_seed_0.h5")
    assert "no run of the experiment 'tiny'" in said


@pytest.mark.slow
def test_a_diverged_run_is_a_row(project: Project, tiny: Tiny) -> None:
    axes = {"learning_rate": [0.001, 1e30], "epochs": 3}
    project.run(tiny(axes=axes))
    table = pd.read_csv(project.path / "results/tiny/tables/results.csv")
    assert list(table.status) == ["finished", "diverged"]
    assert table.faults.isna().tolist() == [False, True]
    assert table.loss.isna().tolist() == [False, True]


@pytest.mark.slow
def test_the_longest_runs_are_trained_first(project: Project, tiny: Tiny) -> None:
    config = tiny(axes={"learning_rate": 0.001, "epochs": [1, 3, 2], "hidden_units": [5, 50]})
    done = project.snakemake("--configfile", project.write_config(config), cores=1)
    started = re.findall(r"^    output: results/runs/digits/af_tanh_hu_(\d+)_.*_ep_(\d)_", done.stdout, re.MULTILINE)
    # networks as small as these take hardly less when they are smaller: it is the updates that count
    assert started == [("50", "3"), ("5", "3"), ("50", "2"), ("5", "2"), ("50", "1"), ("5", "1")]


def test_the_report_holds_every_table_and_figure(finished: Project, tiny: Tiny) -> None:
    config = finished.write_config(tiny())
    done = finished.snakemake("--configfile", config, "--report", "results/tiny/report.html")
    assert done.returncode == 0, done.stdout
    page = (finished.path / "results/tiny/report.html").read_text()
    for name in ("results.html", "gradient_checks.csv", "summary.html"):
        assert name in page
    for figure in ("learning_curves", "heat_maps", "cost", "confusion", "mistakes", "weights"):
        assert f"{figure}/digits.svg" in page


def test_every_job_leaves_a_log_and_a_benchmark(finished: Project) -> None:
    logs, benchmarks = finished.times("results/logs/**/*.log"), finished.times("results/benchmarks/**/*.tsv")
    jobs = {name.removeprefix("results/logs/").removesuffix(".log") for name in logs}
    assert jobs == {name.removeprefix("results/benchmarks/").removesuffix(".tsv") for name in benchmarks}
    made = [
        name
        for pattern in ("results/data/*", "results/checks/*/*", "results/runs/**/*.h5")
        for name in finished.times(pattern)
    ]
    # results, seeds, best, gradient checks; accuracy, learning curves, heat maps, cost, confusion, mistakes,
    # weights, best; the page
    tables_and_figures = 13
    assert len(jobs) == len(made) + tables_and_figures


def test_the_logs_of_runs_tell_epochs_and_time_left(finished: Project) -> None:
    for log in (finished.path / "results/logs/train_run").rglob("*.log"):
        assert re.search(r"epoch 1 of 1: .* s left", log.read_text())


def test_nothing_is_left_behind_but_results(finished: Project) -> None:
    assert not [path for path in finished.times("results/**/.*") if not path.endswith(".snakemake_timestamp")]


def test_the_workflow_runs_where_git_is_not(project: Project) -> None:
    assert not (project.path / ".git").exists()
    assert project.snakemake("-n", "--configfile", "config/quick.yaml").returncode == 0


def test_check_config_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nexperiments: [{activation: step}]\n")
    done = subprocess.run(
        [sys.executable, "scripts/check_config.py", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"{path}: experiments[0].activation: found 'step', expected one of {', '.join(ACTIVATIONS)}\n"


@pytest.mark.slow
def test_a_later_attempt_of_a_training_job_asks_for_more_time_and_memory(project: Project) -> None:
    def asked(attempt: int) -> list[tuple[int, int]]:
        said = project.snakemake("-n", "--attempt", str(attempt)).stdout
        found = re.findall(r"^rule train_run:.*?runtime=(\d+), mem_mb=(\d+)", said, re.MULTILINE | re.DOTALL)
        return sorted((int(minutes), int(megabytes)) for minutes, megabytes in found)

    first, second = asked(1), asked(2)
    assert len(first) == 72
    assert second == [(2 * minutes, 2 * megabytes) for minutes, megabytes in first]
    # measured: 18 s for the largest MNIST run, 60 s for the largest CIFAR-10 run
    assert 1 <= min(minutes for minutes, _ in first) <= max(minutes for minutes, _ in first) < 15


@pytest.mark.slow
def test_classes_may_be_called_anything(project: Project, tiny: Tiny) -> None:
    """Braces are wildcards to Snakemake, dollars formulas to matplotlib, angles tags to a page."""
    names = [r"$\frac{1}{2}$", "{experiment}", "<script>alert(1)</script>", "a_b", "%s", "`x`", "*", "|", " "]
    names.append("x" * 70)
    registry = {"digits": {"class_names": names}}
    project.run(tiny(datasets=registry))
    page = (project.path / "results/tiny/summary.html").read_text()
    config = yaml.safe_load(html.unescape(page.split('aria-label="Configuration">')[1].split("</pre>")[0]))
    assert config["datasets"]["digits"]["class_names"] == names
    assert "<script>alert(1)" not in page
