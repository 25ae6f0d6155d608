"""Facts that appear in two places must agree."""

import re
import tomllib
from pathlib import Path

import pytest

from handgrad.common.code_digests import digested_rules
from handgrad.layout.jobs import RULES
from write_generated import generated_files

ROOT = Path(__file__).parents[2]
SCRIPTS_FOLDER = ROOT / "scripts"


def rules() -> dict[str, str]:
    """Return the text of each rule with a script, by its name."""
    text = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    found = re.findall(r"^rule (\w+):(.*?)(?=^rule |\Z)", text, re.MULTILINE | re.DOTALL)
    return {rule: body for rule, body in found if "script:" in body}


def test_rules_that_compute_are_those_with_a_digest_and_a_place() -> None:
    assert rules().keys() == RULES.keys()
    assert rules().keys() - set(digested_rules()) == {"download_file"}  # a changed script must not rerun a download


@pytest.mark.parametrize("rule", RULES)
def test_script_log_benchmark_and_digest_are_called_like_their_rule(rule: str) -> None:
    body, script = rules()[rule], (SCRIPTS_FOLDER / f"{rule}.py").read_text()
    assert f"scripts/{rule}.py" in body
    assert f'jobs.log("{rule}")' in body
    assert f'jobs.benchmark("{rule}")' in body
    assert f'code=code_digest("{rule}")' in body or rule == "download_file"
    assert not re.search(rf"^(import|from) ({'|'.join(RULES)})\b", script, re.MULTILINE), (
        "it imports another rule's script"
    )
    assert not re.search(r"['\"]results/", script), "it contains a path; take the path from handgrad.layout.paths"


def test_generated_files_are_up_to_date() -> None:
    for file, text in generated_files().items():
        assert (ROOT / file).read_text() == text, f"{file}: run make generated"


def test_requirements_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = re.findall(r"^([A-Za-z0-9._-]+)==\S+$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    named = {re.split(r"[<>=]", dependency)[0].lower() for dependency in project["dependencies"]}
    assert named <= {pin.lower() for pin in pins}


def test_hdf5_files_of_ours_are_opened_sealed_and_all_without_locks() -> None:
    """Shared file systems refuse locks, and HDF5 can crash on a damaged file. ``array_files`` reads the user's."""
    opened = [
        (path.name, "locking=False" in line)
        for path in [*SCRIPTS_FOLDER.rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
        for line in path.read_text().splitlines()
        if "h5py.File(" in line
    ]
    assert sorted(opened) == [("array_files.py", True), ("sealed.py", True), ("sealed.py", True)]


def test_nothing_is_ever_unpickled() -> None:
    for path in [*SCRIPTS_FOLDER.rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")]:
        assert not re.search(r"\bpickle\b(?!d)|allow_pickle=True|\beval\(|\bexec\(", path.read_text()), path
