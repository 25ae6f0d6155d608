"""Commands of users: what they plan and produce, and the messages for mistakes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project, copy_repository, planned

Tiny = Callable[..., dict[str, Any]]


# --- plans ---


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the repository in which no job runs."""
    return copy_repository(tmp_path_factory.mktemp("fresh") / "project")


@pytest.fixture(scope="module")
def published(fresh: Project) -> str:
    """The output of a dry run of snakemake without other arguments."""
    done = fresh.snakemake("-n")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_snakemake_without_arguments_plans_the_published_table(fresh: Project, published: str) -> None:
    jobs = planned(published)
    assert jobs["train_run"] == 72
    assert jobs["check_gate"] == jobs["check_gradients"] == 6
    assert (jobs["preprocess_dataset"], jobs["download_file"]) == (2, 5)
    assert jobs["aggregate_comparison"] == jobs["plot_comparison"] == 1
    assert planned(fresh.snakemake("-n", "-s", "workflow/Snakefile").stdout) == jobs


def resources(output: str) -> list[tuple[str, int, int]]:
    """Return dataset, minutes and megabytes of each training job of a dry run."""
    job = r"^rule train_run:.*?dataset=(\w+), .*?runtime=(\d+), mem_mb=(\d+)"
    found = re.findall(job, output, re.MULTILINE | re.DOTALL)
    return sorted((dataset, int(minutes), int(megabytes)) for dataset, minutes, megabytes in found)


def test_jobs_request_little_more_than_they_use_and_more_on_retry(fresh: Project, published: str) -> None:
    asked = resources(published)
    assert len(asked) == 72
    # measured: 18 s and 121 MB for the largest MNIST run, 60 s and 255 MB for the largest CIFAR-10 run
    assert all(1 <= minutes < 15 for _, minutes, _ in asked)
    assert all(121 < megabytes < 250 for dataset, _, megabytes in asked if dataset == "mnist")
    assert all(255 < megabytes < 450 for dataset, _, megabytes in asked if dataset == "cifar10")
    second = resources(fresh.snakemake("-n", "--attempt", "2").stdout)
    assert second == [(dataset, 2 * minutes, 2 * megabytes) for dataset, minutes, megabytes in asked]


def test_planning_the_quick_experiment_imports_no_large_library(fresh: Project) -> None:
    # each job parses the workflow again, so parsing must stay cheap
    command = [sys.executable, "-X", "importtime", *fresh.command("-n", "--configfile", "config/quick.yaml")[1:]]
    done = subprocess.run(command, cwd=fresh.path, env=fresh.environment, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +(\w+)$", done.stderr, re.MULTILINE))
    assert {"snakemake", "numpy"} <= imported
    assert not imported & {"pandas", "matplotlib", "h5py", "scipy", "sklearn"}
    jobs = planned(done.stdout + done.stderr)
    assert jobs["train_run"] >= 12
    assert "download_file" not in jobs


def test_the_default_config_applies_in_any_working_directory(fresh: Project) -> None:
    (fresh.path.parent / "mine.yaml").write_text("name: mine\nexperiments: [{dataset: mnist, seed: [0, 1]}]\n")
    jobs = planned(fresh.snakemake("-n", "--directory", "../there", "--configfile", "../mine.yaml").stdout)
    assert (jobs["train_run"], jobs["aggregate_comparison"]) == (2, 1)


def test_nested_numbers_of_the_config_option_are_numbers(fresh: Project) -> None:
    drawn = "learning_rate: {log_uniform: [1e-3, 0.3]}, samples: 5, seed: [0, 1], exclude: [{seed: 1, hidden_units: 7}]"
    done = fresh.snakemake("-n", "--config", f"experiments=[{{dataset: digits, hidden_units: 7, {drawn}}}]")
    assert planned(done.stdout)["train_run"] == 5
    assert "af_tanh_hu_7_" in done.stdout


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ["--config", "experiments=[{dataset: digits, hiden_units: 3, activation: step}]"],
            [("experiments[0].hiden_units", "hidden_units"), ("experiments[0].activation", "'step'", "softplus")],
        ),
        (["--configfile", "octal.yaml"], [("octal.yaml: line 2", "0100", "64")]),  # Snakemake reads it as 64
        (["--configfile", "octal.yaml", "--configfile", "config/quick.yaml"], [("--configfile", "2 times")]),
    ],
)
def test_each_config_mistake_is_one_line_and_no_job_starts(
    project: Project, arguments: list[str], named: list[tuple[str, ...]]
) -> None:
    (project.path / "octal.yaml").write_text("name: mine\nexperiments: [{dataset: digits, hidden_units: 0100}]\n")
    done = project.snakemake("-n", *arguments)
    lines = done.stdout.partition("WorkflowError")[2].splitlines()[1 : 1 + len(named)]
    assert all(part in line for line, parts in zip(lines, named, strict=True) for part in parts)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert not (project.path / "results").exists()


def test_a_run_outside_the_experiment_is_refused(project: Project, tiny: Tiny) -> None:
    output = project.refuse(tiny(), "results/runs/digits/af_tanh_hu_7_lr_1_bs_50_ep_1_l2_0.01_seed_0.h5")
    assert "no run of the experiment 'tiny'" in output


# --- outputs ---


@pytest.mark.slow
def test_json_of_plan_and_status_is_one_document(finished: Project, tiny: Tiny) -> None:
    more = finished.write_config(tiny(axes={"learning_rate": [0.001, 0.002, 0.003]}))
    plan, status = (json.loads(finished.handgrad(command, more, "--json").stdout) for command in ("plan", "status"))
    (new,) = [step for step in plan["steps"] if step["rule"] == "train_run"]
    assert "lr_0.003" in new["name"]
    assert min(new["cpu_seconds"], new["memory"], plan["wall_seconds"], plan["disk"]) > 0
    assert (status["name"], status["snakemake"]) == ("tiny", [])
    assert status["counts"] == {"done": plan["done"], "waiting": len(plan["steps"])}
    states = {step["name"]: step["state"] for step in status["steps"] if step["rule"] == "train_run"}
    assert sorted(states.values()) == ["done", "done", "waiting"]
    assert states[new["name"]] == "waiting"


def test_every_job_has_a_log_and_a_benchmark_and_leaves_no_other_file(finished: Project) -> None:
    logs, benchmarks = finished.times("results/logs/**/*.log"), finished.times("results/benchmarks/**/*.tsv")
    jobs = {name.removeprefix("results/logs/").removesuffix(".log") for name in logs}
    assert jobs == {name.removeprefix("results/benchmarks/").removesuffix(".tsv") for name in benchmarks}
    assert {job.partition("/")[0] for job in jobs} >= {"preprocess_dataset", "check_gate", "check_gradients"}
    runs = {name.removeprefix("results/runs/").removesuffix(".h5") for name in finished.times("results/runs/*/*")}
    assert {job.removeprefix("train_run/") for job in jobs if job.startswith("train_run/")} == runs
    assert not [path for path in finished.times("results/**/.*") if not path.endswith(".snakemake_timestamp")]


@pytest.mark.slow
def test_the_longest_runs_are_trained_first(project: Project, tiny: Tiny) -> None:
    config = tiny(axes={"learning_rate": 0.001, "epochs": [1, 2], "hidden_units": [5, 50]})
    done = project.snakemake("--until", "train_run", "--configfile", project.write_config(config), cores=1)
    started = re.findall(r"^    output: results/runs/digits/af_tanh_hu_(\d+)_.*_ep_(\d)_", done.stdout, re.MULTILINE)
    # for networks this small, the number of updates decides the time, not the number of hidden units
    assert started == [("50", "2"), ("5", "2"), ("50", "1"), ("5", "1")]
