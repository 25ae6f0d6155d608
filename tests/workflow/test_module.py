"""The workflow as a module of somebody else's, as docs/ecosystem.md shows it."""

import html
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, TINY, Project, copy_repository

PAGE = (ROOT / "docs/ecosystem.md").read_text()
IMPORT, CHANGE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(project: Project) -> str:
    """The page's Snakefile, which imports a copy of the repository."""
    return IMPORT.replace("/path/to/handgrad", str(project.path))


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
def test_the_example_of_the_docs_runs_to_its_end_under_names_of_its_own(example: str, tmp_path: Path) -> None:
    config = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    user = folder_with(tmp_path / "user", f"{example}\n\n{CHANGE}", yaml.safe_load(config))
    said = succeed(user)
    assert "rule handgrad_train_run:" in said
    assert said.count("mem_mb=2000") == 4  # the rule that the example changes
    table = (user.path / "results/mine/tables/results.csv").read_text().splitlines()
    assert len(table) == 1 + 4
    page = (user.path / "results/mine/summary.html").read_text()
    assert re.search(r"check_gate</\w+>\s*<td[^>]*>2<", page)  # costs are told by this workflow's names
    assert re.search(r"Experiment <[^>]*>mine<", report_text(user))
    assert "Nothing to be done" in succeed(user, "-n")


def test_without_its_profiles_a_module_warns_once(example: str, tmp_path: Path) -> None:
    said = folder_with(tmp_path / "user", example, TINY, profiles=False).snakemake("-n").stdout
    assert said.count("--rerun-triggers mtime params input") == 1
    assert "train_run" in said


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("name: tiny, experiments: [{dataset: digits, seed: 010}]", "config/config.yaml: line 2"),
        # all is known of the dataset, and its files are looked for where the config says
        (
            "name: tiny, datasets: {mnist: {local_dir: /}}, experiments: [{dataset: [mnist, digits]}]",
            "datasets.mnist.local_dir: found ",
        ),
    ],
    ids=["YAML 1.1", "local_dir"],
)
def test_the_part_of_a_config_that_a_module_gets_is_read_and_checked(
    example: str, tmp_path: Path, part: str, expected: str
) -> None:
    user = folder_with(tmp_path / "user", example.replace("config\n\n", 'config["nets"]\n\n'), {})
    (user.path / "config/config.yaml").write_text(f"others: {{time: 1:30}}\nnets: {{{part}}}\n")
    done = user.snakemake("-n")
    assert done.returncode != 0
    assert expected in done.stdout


def git(*arguments: str, cwd: Path) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of this workflow that git finds in the place of https://github.com/owner/handgrad."""
    project, host = copy_repository(tmp_path / "hosted"), tmp_path / "host"
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

#: what a user may add: a rule that takes a table, and a change of one of ours
ADDED = """

rule first:
    input:
        "nets/results/tiny/tables/results.csv",
    output:
        "first.txt",
    log:
        "first.log",
    shell:
        "head -1 {input} > {output} 2> {log}"


use rule train_run from handgrad with:
    threads: 2
"""


@pytest.mark.slow
@pytest.mark.usefixtures("hosted")
def test_from_a_git_host_it_makes_the_same_runs_in_a_folder_of_its_own(finished: Project, tmp_path: Path) -> None:
    place = 'github("owner/handgrad", path="workflow/Snakefile", REF)'
    branch = DEPLOYED.replace("PLACE", place.replace("REF", 'branch="main"'))
    assert "rule train_run:" in succeed(folder_with(tmp_path / "branch", branch, TINY), "-n")
    part = DEPLOYED.replace("        config\n", '        config["nets"]\n    prefix:\n        "nets"\n')
    snakefile = part.replace("PLACE", place.replace("REF", 'tag="v0.1.0"')) + ADDED
    user = folder_with(tmp_path / "user", snakefile, {"nets": TINY})
    targets = ["first", "nets/results/tiny/figures/learning_curves/digits.svg"]
    succeed(user, *targets)
    assert (user.path / "first.txt").read_text().startswith("dataset,activation,")
    assert Project(user.path / "nets").contents() == finished.contents()
    report = re.sub(r"\\n|\s+", " ", report_text(user, *targets))
    assert "A network with one hidden" in report
    assert "figures/learning_curves/digits.svg" in report
    assert "Nothing to be done" in succeed(user, "-n", *targets)


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
