"""The workflow as a module of somebody else's, as docs/ecosystem.md shows it."""

import html
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, TINY, Project

PAGE = (ROOT / "docs/ecosystem.md").read_text()


def block(language: str, number: int = 0) -> str:
    """A block of code of the page that tells of modules."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[number]


def folder_with(path: Path, snakefile: str, config: dict[str, Any], *, profiles: bool = True) -> Project:
    """A user's own folder, with the profiles of this workflow."""
    (path / "config").mkdir(parents=True)
    if profiles:
        shutil.copytree(ROOT / "profiles", path / "profiles")
    (path / "Snakefile").write_text(snakefile)
    (path / "config/config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return Project(path)


def succeed(user: Project, *arguments: str) -> str:
    done = user.snakemake(*arguments)
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    return done.stdout


def report_text(user: Project, *arguments: str) -> str:
    """Snakemake's report of what is there."""
    succeed(user, *arguments, "--report", "report.html")
    return html.unescape((user.path / "report.html").read_text())


@pytest.mark.slow
def test_the_example_of_the_docs_runs_to_its_end_under_names_of_its_own(project: Project, tmp_path: Path) -> None:
    snakefile = (block("python", 0) + "\n\n" + block("python", 1)).replace("/path/to/handgrad", str(project.path))
    user = folder_with(tmp_path / "user", snakefile, yaml.safe_load(block("yaml")))
    said = succeed(user)
    assert "rule handgrad_train_run:" in said
    assert said.count("mem_mb=2000") == 4  # the rule that the example changes
    table = (user.path / "results/mine/tables/results.csv").read_text().splitlines()
    assert len(table) == 1 + 4
    for gate in ("digits_tanh", "digits_cos"):
        assert yaml.safe_load((user.path / f"results/checks/gate/{gate}.json").read_text())["passed"] is True
    page = (user.path / "results/mine/summary.html").read_text()
    assert re.search(r"check_gate</\w+>\s*<td[^>]*>2<", page)  # costs are told by this workflow's names
    report = report_text(user)
    assert re.search(r"Experiment <[^>]*>mine<", report)
    assert "in the category Summary" in report
    assert "figures/learning_curves/digits.svg" in report
    assert "Nothing to be done" in succeed(user)


@pytest.mark.slow
def test_a_module_in_a_folder_makes_the_same_runs_from_a_part_of_a_config(finished: Project, tmp_path: Path) -> None:
    snakefile = f"""
configfile: "config/config.yaml"


rule first:
    input:
        "nets/results/tiny/tables/results.csv",
    output:
        "first.txt",
    log:
        "first.log",
    shell:
        "head -1 {{input}} > {{output}} 2> {{log}}"


module handgrad:
    snakefile:
        "{finished.path}/workflow/Snakefile"
    config:
        config["nets"]
    prefix:
        "nets"


use rule * from handgrad


use rule train_run from handgrad with:
    threads: 2
"""
    user = folder_with(tmp_path / "user", snakefile, {"nets": TINY})
    targets = ["first", "nets/results/tiny/summary.html"]
    succeed(user, *targets)
    assert (user.path / "first.txt").read_text().startswith("dataset,activation,")
    assert Project(user.path / "nets").contents() == finished.contents()
    assert "A network with one hidden" in re.sub(r"\\n|\s+", " ", report_text(user, *targets))
    assert "Nothing to be done" in succeed(user, *targets)


@pytest.mark.parametrize("profiles", [True, False])
def test_without_its_profiles_a_module_warns_once(project: Project, tmp_path: Path, profiles: bool) -> None:
    snakefile = block("python").replace("/path/to/handgrad", str(project.path))
    said = folder_with(tmp_path / "user", snakefile, TINY, profiles=profiles).snakemake("-n").stdout
    assert said.count("--rerun-triggers mtime params input") == (0 if profiles else 1)


def test_lint_finds_in_a_users_snakefile_only_the_path_of_the_clone(project: Project, tmp_path: Path) -> None:
    snakefile = block("python").replace("/path/to/handgrad", str(project.path))
    user = folder_with(tmp_path / "user", snakefile, TINY)
    said = user.snakemake("--lint").stdout
    assert re.findall(r"^    \* (.*?) in line", said, re.MULTILINE) == [
        f'Absolute path "{project.path}/workflow/Snakefile"'
    ]
    assert said.count("Lints for") == 1


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("name: tiny, experiments: [{dataset: digits, seed: 8}]", "train_run"),
        ("name: tiny, experiments: [{dataset: digits, seed: 010}]", "config/config.yaml: line 2"),
        # all is known of the dataset, and its files are looked for where the config says
        (
            "name: tiny, datasets: {mnist: {local_dir: /}}, experiments: [{dataset: [mnist, digits]}]",
            "datasets.mnist.local_dir: found ",
        ),
    ],
    ids=["right", "YAML 1.1", "local_dir"],
)
def test_the_part_of_a_config_that_a_module_gets_is_read_and_checked(
    project: Project, tmp_path: Path, part: str, expected: str
) -> None:
    snakefile = block("python").replace("/path/to/handgrad", str(project.path))
    user = folder_with(tmp_path / "user", snakefile.replace("config\n\n", 'config["nets"]\n\n'), {})
    (user.path / "config/config.yaml").write_text(f"others: {{time: 1:30}}\nnets: {{{part}}}\n")
    done = user.snakemake("-n")
    assert (done.returncode == 0) == (expected == "train_run"), done.stdout
    assert expected in done.stdout


def git(*arguments: str, cwd: Path) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def hosted(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of this workflow that git finds in the place of https://github.com/owner/handgrad."""
    host = tmp_path / "host"
    (host / "owner").mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=project.path)
    git("add", "-A", cwd=project.path)
    git("commit", "-q", "-m", "all", cwd=project.path)
    git("tag", "v0.1.0", cwd=project.path)
    git("clone", "-q", "--bare", str(project.path), str(host / "owner/handgrad"), cwd=tmp_path)
    settings = {f"url.{host}/.insteadOf": "https://github.com/", "safe.directory": "*"}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    return project.path


#: what snakedeploy 0.17.1 writes, but for the place
DEPLOYED = """from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


# declare https://github.com/owner/handgrad as a module
module handgrad:
    snakefile:
        PLACE
    config:
        config


# use all rules from https://github.com/owner/handgrad
use rule * from handgrad
"""


@pytest.mark.slow
def test_the_workflow_runs_from_a_git_host(hosted: Path, tmp_path: Path) -> None:
    place = 'github("owner/handgrad", path="workflow/Snakefile", REF)'
    snakefile = DEPLOYED.replace("PLACE", place)
    branch = folder_with(tmp_path / "branch", snakefile.replace("REF", 'branch="main"'), TINY)
    assert "rule train_run:" in succeed(branch, "-n")
    user = folder_with(tmp_path / "user", snakefile.replace("REF", 'tag="v0.1.0"'), TINY)
    succeed(user)
    assert len(user.contents()) == 2
    assert (user.path / "results/tiny/summary.html").stat().st_size > 100_000
    assert str(hosted) not in (user.path / "results/tiny/summary.html").read_text()
    assert "figures/learning_curves/digits.svg" in report_text(user)
    assert "Nothing to be done" in succeed(user)


def test_a_place_that_cannot_hold_the_library_is_refused_in_one_line(hosted: Path, tmp_path: Path) -> None:
    place = f'"git+file://{hosted}/workflow/Snakefile@main"'
    done = folder_with(tmp_path / "user", DEPLOYED.replace("PLACE", place), TINY).snakemake("-n")
    assert done.returncode != 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("module handgrad:"))
    assert f"cannot be had from git+file://{hosted}/workflow/rules@main" in line
    assert "clone the repository" in line
    assert "Traceback" not in done.stdout


def test_the_catalog_draws_the_graph_of_rules_from_the_trial(project: Project) -> None:
    shutil.copytree(ROOT / ".test", project.path / ".test", symlinks=True)
    # the catalog's own command, which must end within 15 s
    where = ["-s", "workflow/Snakefile", "-d", ".test"]
    done = project.snakemake("--forceall", *where, "--rulegraph", cores=1)
    assert done.returncode == 0, done.stdout
    for rule in ("preprocess_dataset", "check_gate", "train_run", "aggregate_results", "render_summary"):
        assert f'label = "{rule}"' in done.stdout
