"""The workflow as a module of another workflow, as docs/how-to/reuse.md shows."""

import html
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, TINY, Project, copy_repository, planned

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/how-to/reuse.md").read_text()
IMPORT, CHANGE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(project: Project) -> str:
    """The page's Snakefile, which imports a copy of the repository."""
    return IMPORT.replace("/path/to/handgrad", str(project.path))


def folder_with(path: Path, snakefile: str, config: dict[str, Any], *, profiles: bool = True) -> Project:
    """Make a folder of a user, with a Snakefile, a config and, if wanted, the profiles of this workflow."""
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
    """Return the text of Snakemake's report about the existing results."""
    succeed(user, *arguments, "--report", "report.html")
    return html.unescape((user.path / "report.html").read_text())


def test_the_module_example_of_the_docs_runs(example: str, tmp_path: Path) -> None:
    config = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    user = folder_with(tmp_path / "user", f"{example}\n\n{CHANGE}", yaml.safe_load(config))
    output = succeed(user)
    assert "rule handgrad_train_run:" in output
    assert output.count("mem_mb=2000") == 4  # the rule that the example changes
    table = (user.path / "results/mine/tables/results.csv").read_text().splitlines()
    assert len(table) == 1 + 4
    page = (user.path / "results/mine/summary.html").read_text()
    assert re.search(r"check_gate\s*<td[^>]*>2<", page)  # the page uses the rule names of this workflow
    assert re.search(r"experiment <[^>]*>mine<", report_text(user))
    assert "Nothing to be done" in succeed(user, "-n")


def test_a_search_in_a_module_with_a_prefix_runs(example: str, tmp_path: Path) -> None:
    entry = {**TINY["experiments"][0], "learning_rate": [0.001, 0.01], "epochs": 2, "validation_size": 200}
    entry |= {"halving": {"epochs": [1], "keep": "1/2"}, "finalists": {"count": 1, "seeds": [0, 1]}}
    prefix = example.replace("        config\n", '        config\n    prefix:\n        "nets"\n')
    user = folder_with(tmp_path / "user", prefix, {**TINY, "experiments": [entry]})
    rules = ("--until", "handgrad_aggregate_search", "handgrad_plot_confusion")
    succeed(user, *rules)
    folder = user.path / "nets/results/tiny"
    assert sorted(path.name for path in folder.glob("search/0/digits/fin*/*")) == [
        "slot_0_seed_0.h5",
        "slot_0_seed_1.h5",
    ]
    assert (folder / "figures/confusion/digits.svg").exists()
    assert planned(succeed(user, "-n", *rules)) == {}


def test_a_module_without_the_profiles_warns_once(example: str, tmp_path: Path) -> None:
    output = folder_with(tmp_path / "user", example, TINY, profiles=False).snakemake("-n").stdout
    assert output.count("--rerun-triggers mtime params input") == 1
    assert "train_run" in output


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("name: tiny, experiments: [{dataset: digits, seed: 010}]", "config/config.yaml: line 2"),
        # the dataset is in the registry, and the config names the folder of its files
        (
            "name: tiny, datasets: {mnist: {local_dir: /}}, experiments: [{dataset: [mnist, digits]}]",
            "datasets.mnist: ",
        ),
    ],
    ids=["YAML 1.1", "local_dir"],
)
def test_a_module_checks_the_part_of_the_config_that_it_gets(
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
    """A local repository of this workflow that git uses for https://github.com/owner/handgrad."""
    project, host = copy_repository(tmp_path / "hosted"), tmp_path / "host"
    (host / "owner").mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=project.path)
    git("add", "-A", cwd=project.path)
    git("commit", "-q", "-m", "all", cwd=project.path)
    git("tag", "v1.0.0", cwd=project.path)
    git("clone", "-q", "--bare", str(project.path), str(host / "owner/handgrad"), cwd=tmp_path)
    settings = {f"url.{host}/.insteadOf": "https://github.com/", "safe.directory": "*"}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    return project.path


#: the Snakefile that snakedeploy 0.17.1 writes; PLACE is replaced by the source
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

#: additions of a user: a rule that reads a table, and a changed rule of this workflow
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


@pytest.mark.usefixtures("hosted")
def test_a_module_from_a_git_host_makes_the_same_runs(finished: Project, tmp_path: Path) -> None:
    place = 'github("owner/handgrad", path="workflow/Snakefile", REF)'
    branch = DEPLOYED.replace("PLACE", place.replace("REF", 'branch="main"'))
    assert "rule train_run:" in succeed(folder_with(tmp_path / "branch", branch, TINY), "-n")
    part = DEPLOYED.replace("        config\n", '        config["nets"]\n    prefix:\n        "nets"\n')
    snakefile = part.replace("PLACE", place.replace("REF", 'tag="v1.0.0"')) + ADDED
    user = folder_with(tmp_path / "user", snakefile, {"nets": TINY})
    targets = ["first", "nets/results/tiny/figures/learning_curves/digits.svg"]
    succeed(user, *targets)
    assert (user.path / "first.txt").read_text().startswith("dataset,activation,")
    assert Project(user.path / "nets").contents() == finished.contents()
    report = re.sub(r"\\n|\s+", " ", report_text(user, *targets))
    assert "trains a network with one hidden" in report
    assert "figures/learning_curves/digits.svg" in report
    assert "Nothing to be done" in succeed(user, "-n", *targets)


def test_a_source_without_the_library_is_refused_in_one_line(hosted: Path, tmp_path: Path) -> None:
    place = f'"git+file://{hosted}/workflow/Snakefile@main"'
    done = folder_with(tmp_path / "user", DEPLOYED.replace("PLACE", place), TINY).snakemake("-n")
    assert done.returncode != 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("module handgrad:"))
    assert f"git+file://{hosted}/workflow/rules@main" in line
    assert "clone the repository" in line
    assert "Traceback" not in done.stdout


def test_the_catalog_can_draw_the_rule_graph(project: Project) -> None:
    shutil.copytree(ROOT / ".test", project.path / ".test", symlinks=True)
    # the command of the catalog, which must end within 15 s
    where = ["-s", "workflow/Snakefile", "-d", ".test"]
    done = project.snakemake("--forceall", *where, "--rulegraph", cores=1)
    assert done.returncode == 0, done.stdout
    for rule in ("preprocess_dataset", "check_gate", "train_run", "aggregate_results", "render_summary"):
        assert f'label = "{rule}"' in done.stdout
