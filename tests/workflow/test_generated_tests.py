"""`snakemake --generate-unit-tests`, as docs/ecosystem.md shows it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Project

PAGE = (ROOT / "docs/ecosystem.md").read_text()


def shown_commands() -> list[str]:
    """The commands of the page, for the tiny experiment and with snakemake and pytest of this Python."""
    (text,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert "config/quick.yaml" in text
    return text.replace("config/quick.yaml", "config/tiny.yaml").splitlines()


def execute(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    bin_folder = str(Path(sys.executable).parent)  # generated tests call `python`
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project.path,
        env={**project.environment, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture
def generated(finished: Project) -> Project:
    """A finished experiment with the tests that the page's commands make of it."""
    (finished.path / "tests").mkdir()
    shutil.copy2(ROOT / "tests/same_content.py", finished.path / "tests")
    shutil.copy2(ROOT / "pyproject.toml", finished.path)
    *making, last = shown_commands()
    assert last == "pytest .tests/unit"
    for command in making:
        done = execute(finished, command)
        assert done.returncode == 0, done.stdout
    return finished


def outcome(project: Project, tests: str) -> tuple[int, int]:
    """How many generated tests passed and failed."""
    said = execute(project, f"pytest -p no:cacheprovider {tests}").stdout
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed)", said)}
    assert counts, said
    return counts.get("passed", 0), counts.get("failed", 0)


#: a change of what a rule makes, for a rule that writes the same bytes and for each that does not
BROKEN = {
    "plot_cost": ("scripts/handgrad/plots/cost.py", "Seconds of training", "Hours of training"),
    "train_run": (
        "scripts/handgrad/training/loop.py",
        "run.learning_rate * rate",
        "run.learning_rate * rate * 2",
    ),
    "check_gradients": ("scripts/handgrad/gradient_check/job.py", '"passed": report.passed', '"passed": "yes"'),
    "render_summary": ("scripts/handgrad/page/assets/page.html", "handgrad experiment", "some experiment"),
}


@pytest.mark.slow
def test_generated_tests_pass_for_every_rule_and_fail_for_another_result(generated: Project) -> None:
    rules = {path.stem.removeprefix("test_") for path in generated.path.glob(".tests/unit/test_*.py")}
    assert rules == {path.name for path in (generated.path / "results/logs").iterdir()}
    assert f"Of {len(rules)} rules {len(rules) - 3} write the same bytes" in PAGE
    assert outcome(generated, ".tests/unit") == (len(rules), 0)
    for file, old, new in BROKEN.values():
        generated.edit(file, old, new)
    assert outcome(generated, " ".join(f".tests/unit/test_{rule}.py" for rule in BROKEN)) == (0, len(BROKEN))
