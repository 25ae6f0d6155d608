"""What a user types, and what they get for a mistake."""

import html
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import yaml

from .conftest import Project, copy_repository

Tiny = Callable[..., dict[str, Any]]


def planned(output: str) -> dict[str, int]:
    """The job counts of a dry run."""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE)}


# --- what is planned ---


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the repository in which nothing runs."""
    return copy_repository(tmp_path_factory.mktemp("fresh") / "project")


@pytest.fixture(scope="module")
def published(fresh: Project) -> str:
    """The dry run of plain snakemake."""
    done = fresh.snakemake("-n")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_plain_snakemake_plans_the_published_table(fresh: Project, published: str) -> None:
    jobs = planned(published)
    assert jobs["train_run"] == 72
    assert jobs["check_gate"] == jobs["check_gradients"] == 6
    assert (jobs["preprocess_dataset"], jobs["download_file"]) == (2, 5)
    assert jobs["aggregate_comparison"] == jobs["plot_comparison"] == 1
    other = planned(fresh.snakemake("-n", "-s", "workflow/Snakefile").stdout)
    assert {("default" if rule == "all" else rule): count for rule, count in other.items()} == jobs


def resources(output: str) -> list[tuple[str, int, int]]:
    """Dataset, minutes and megabytes of each training job of a dry run."""
    job = r"^rule train_run:.*?dataset=(\w+), .*?runtime=(\d+), mem_mb=(\d+)"
    found = re.findall(job, output, re.MULTILINE | re.DOTALL)
    return sorted((dataset, int(minutes), int(megabytes)) for dataset, minutes, megabytes in found)


def test_jobs_ask_for_a_little_more_than_they_take(published: str) -> None:
    asked = resources(published)
    assert len(asked) == 72
    # measured: 18 s and 121 MB for the largest MNIST run, 60 s and 255 MB for the largest CIFAR-10 run
    assert all(1 <= minutes < 15 for _, minutes, _ in asked)
    assert all(121 < megabytes < 250 for dataset, _, megabytes in asked if dataset == "mnist")
    assert all(255 < megabytes < 450 for dataset, _, megabytes in asked if dataset == "cifar10")


@pytest.mark.slow
def test_a_later_attempt_asks_for_more_time_and_memory(fresh: Project, published: str) -> None:
    second = resources(fresh.snakemake("-n", "--attempt", "2").stdout)
    assert second == [(dataset, 2 * minutes, 2 * megabytes) for dataset, minutes, megabytes in resources(published)]


def test_planning_the_quick_experiment_loads_little_and_downloads_nothing(fresh: Project) -> None:
    # every job parses the workflow again
    command = [sys.executable, "-X", "importtime", *fresh.command("-n", "--configfile", "config/quick.yaml")[1:]]
    done = subprocess.run(command, cwd=fresh.path, env=fresh.environment, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +(\w+)$", done.stderr, re.MULTILINE))
    assert {"snakemake", "numpy"} <= imported
    assert not imported & {"pandas", "matplotlib", "h5py", "scipy", "sklearn"}
    jobs = planned(done.stdout + done.stderr)
    assert jobs["train_run"] >= 12
    assert "download_file" not in jobs


@pytest.mark.slow
def test_the_project_s_config_holds_in_any_working_directory(fresh: Project) -> None:
    place = fresh.path.parent
    (place / "mine.yaml").write_text("name: mine\nexperiments: [{dataset: mnist, seed: [0, 1]}]\n")
    there = fresh.snakemake("-n", "--directory", str(place / "there"), "--configfile", str(place / "mine.yaml"))
    assert (planned(there.stdout)["train_run"], planned(there.stdout)["aggregate_comparison"]) == (2, 1)
    (place / "elsewhere").mkdir()
    plain = Project(place / "elsewhere").snakemake("-n", "--snakefile", str(fresh.path / "Snakefile"))
    assert planned(plain.stdout)["train_run"] == 72, plain.stdout


def test_numbers_inside_a_value_of_config_are_numbers(fresh: Project) -> None:
    done = fresh.snakemake("-n", "--config", "experiments=[{dataset: digits, hidden_units: 7}]")
    assert planned(done.stdout)["train_run"] == 1
    assert "af_tanh_hu_7_" in done.stdout


# --- mistakes ---


def mistakes(project: Project, *arguments: str) -> list[str]:
    """What a dry run that must fail without a traceback, and start nothing, says is wrong."""
    done = project.snakemake("-n", *arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert not (project.path / "results").exists()
    return done.stdout.partition("WorkflowError")[2].splitlines()[1:]


def test_each_mistake_in_a_config_is_one_line_and_nothing_starts(project: Project, tiny: Tiny) -> None:
    config = project.write_config(tiny("mistake", axes={"hiden_units": 3, "activation": "step", "batch_size": 5000}))
    first, second, *_ = mistakes(project, "--configfile", config)
    assert "experiments[0].hiden_units" in first
    assert "hidden_units" in first
    assert all(text in second for text in ("experiments[0].activation", "'step'", "softplus"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name: mine\nexperiments:\n- dataset: digits\n  hidden_units: 0100\n", ("line 4", "0100", "64", "100")),
        ("name: mine\nexperiments: [{dataset: digits}]\nname: other\n", ("line 3", "'name'", "line 1")),
    ],
)
def test_what_snakemake_would_misread_is_refused(project: Project, text: str, named: tuple[str, ...]) -> None:
    path = project.path / "mine.yaml"
    path.write_text(text)
    line = mistakes(project, "--configfile", str(path))[0]
    assert all(part in line for part in (str(path), *named))


def test_a_second_configfile_that_replaces_the_first_is_refused(project: Project) -> None:
    line = mistakes(project, "--configfile", "config/quick.yaml", "--configfile", "config/config.yaml")[0]
    assert "--configfile" in line
    assert "2 times" in line


def test_an_unknown_run_is_named(project: Project, tiny: Tiny) -> None:
    said = project.refuse(tiny(), "results/runs/digits/af_tanh_hu_7_lr_1_bs_50_ep_1_l2_0.01_seed_0.h5")
    assert "no run of the experiment 'tiny'" in said


# --- what is made ---


@pytest.mark.slow
def test_json_of_plan_and_status_is_one_document(finished: Project, tiny: Tiny) -> None:
    more = finished.write_config(tiny(axes={"learning_rate": [0.001, 0.002, 0.003]}))
    plan = json.loads(finished.handgrad("plan", more, "--json").stdout)
    (new,) = [step for step in plan["steps"] if step["rule"] == "train_run"]
    assert "lr_0.003" in new["name"]
    assert new["cpu_seconds"] > 0
    assert new["memory"] > 0
    assert plan["wall_seconds"] > 0
    assert plan["disk_free"] > plan["disk"] > 0
    status = json.loads(finished.handgrad("status", more, "--json").stdout)
    assert status["name"] == "tiny"
    assert status["counts"] == {"done": plan["done"], "waiting": len(plan["steps"])}
    states = {step["name"]: step["state"] for step in status["steps"] if step["rule"] == "train_run"}
    assert sorted(states.values()) == ["done", "done", "waiting"]
    assert states[new["name"]] == "waiting"
    assert status["snakemake"] == []


@pytest.mark.slow
def test_the_report_holds_every_table_and_figure(finished: Project, tiny: Tiny) -> None:
    done = finished.handgrad("report", finished.write_config(tiny()))
    assert done.returncode == 0, done.stdout + done.stderr
    page = (finished.path / "results/tiny/report.html").read_text()
    for name in ("results.html", "gradient_checks.csv", "summary.html"):
        assert name in page
    for figure in ("learning_curves", "heat_maps", "cost", "confusion", "mistakes", "weights"):
        assert f"{figure}/digits.svg" in page


def test_every_job_leaves_a_log_and_a_benchmark_and_nothing_else(finished: Project) -> None:
    logs, benchmarks = finished.times("results/logs/**/*.log"), finished.times("results/benchmarks/**/*.tsv")
    jobs = {name.removeprefix("results/logs/").removesuffix(".log") for name in logs}
    assert jobs == {name.removeprefix("results/benchmarks/").removesuffix(".tsv") for name in benchmarks}
    made = {
        f"{rule}/{name.removeprefix(f'results/{folder}/').rpartition('.')[0]}"
        for rule, folder in (
            *(("preprocess_dataset", "data"), ("train_run", "runs")),
            *(("check_gate", "checks/gate"), ("check_gradients", "checks/gradients")),
        )
        for name in finished.times(f"results/{folder}/**/*")
    }
    assert made <= jobs
    assert len(made) == 5
    assert not [path for path in finished.times("results/**/.*") if not path.endswith(".snakemake_timestamp")]


@pytest.mark.slow
def test_a_diverged_run_is_a_row(project: Project, tiny: Tiny) -> None:
    axes = {"learning_rate": [0.001, 1e30], "epochs": 3}
    project.run(tiny(axes=axes), "--until", "aggregate_results")
    table = pd.read_csv(project.path / "results/tiny/tables/results.csv")
    assert list(table.status) == ["finished", "diverged"]
    assert table.faults.isna().tolist() == [False, True]
    assert table.loss.isna().tolist() == [False, True]


@pytest.mark.slow
def test_the_longest_runs_are_trained_first(project: Project, tiny: Tiny) -> None:
    config = tiny(axes={"learning_rate": 0.001, "epochs": [1, 3, 2], "hidden_units": [5, 50]})
    done = project.snakemake("--until", "train_run", "--configfile", project.write_config(config), cores=1)
    started = re.findall(r"^    output: results/runs/digits/af_tanh_hu_(\d+)_.*_ep_(\d)_", done.stdout, re.MULTILINE)
    # networks as small as these take hardly less when they are smaller: it is the updates that count
    assert started == [("50", "3"), ("5", "3"), ("50", "2"), ("5", "2"), ("50", "1"), ("5", "1")]


@pytest.mark.slow
def test_classes_may_be_called_anything(project: Project, tiny: Tiny) -> None:
    """Braces are wildcards to Snakemake, dollars formulas to matplotlib, angles tags to a page."""
    names = [r"$\frac{1}{2}$", "{experiment}", "<script>alert(1)</script>", "a_b", "%s", "`x`", "*", "|", " "]
    names.append("x" * 70)
    project.run(tiny(datasets={"digits": {"class_names": names}}))
    page = (project.path / "results/tiny/summary.html").read_text()
    config = yaml.safe_load(html.unescape(page.split('aria-label="Configuration">')[1].split("</pre>")[0]))
    assert config["datasets"]["digits"]["class_names"] == names
    assert "<script>alert(1)" not in page
