"""The unit tests of `snakemake --generate-unit-tests`, made as docs/how-to/reuse.md shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Project

PAGE = (ROOT / "docs/how-to/reuse.md").read_text()

#: changes of code that change the output of a rule: one rule that always writes the same bytes, and the three others
#: that do not
BROKEN = {
    "plot_cost": ("scripts/handgrad/plots/cost.py", "Seconds of training", "Hours of training"),
    "train_run": (
        "scripts/handgrad/training/loop.py",
        "run.learning_rate * rate",
        "run.learning_rate * rate * 2",
    ),
    "check_gradients": ("scripts/handgrad/gradient_check/job.py", '"passed": report.passed', '"passed": "yes"'),
    "render_summary": ("scripts/handgrad/page/assets/base.html", "handgrad {{ kind }}", "some {{ kind }}"),
}


@pytest.mark.slow
def test_generated_tests_pass_and_fail_after_a_change_of_results(finished: Project) -> None:
    (finished.path / "tests").mkdir()
    shutil.copy2(ROOT / "tests/same_content.py", finished.path / "tests")
    shutil.copy2(ROOT / "pyproject.toml", finished.path)
    bin_folder = str(Path(sys.executable).parent)  # generated tests call `python`
    environment = {**finished.environment, "PATH": f"{bin_folder}:{os.environ['PATH']}"}

    def execute(command: str) -> str:
        shell = ["bash", "-c", command]
        return subprocess.run(shell, cwd=finished.path, env=environment, capture_output=True, text=True).stdout

    texts = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (text,) = [text for text in texts if "--generate-unit-tests" in text]
    making, _, testing = text.replace("config/quick.yaml", "config/tiny.yaml").rpartition("pytest ")
    execute(f"set -e\n{making}")
    rules = {path.stem.removeprefix("test_") for path in finished.path.glob(f"{testing.strip()}/test_*.py")}
    assert rules == {path.name for path in (finished.path / "results/logs").iterdir()}
    test = "pytest -p no:cacheprovider " + " ".join(f".tests/unit/test_{rule}.py" for rule in BROKEN)
    assert f"{len(BROKEN)} passed" in execute(test)
    for file, old, new in BROKEN.values():
        finished.edit(file, old, new)
    assert f"{len(BROKEN)} failed" in execute(test)
