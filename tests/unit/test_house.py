"""One place for each fact: what is written twice is held equal here."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from handgrad.common.code_digests import closure, digested_rules
from write_generated import generated_files

ROOT = Path(__file__).parents[2]
SCRIPTS_FOLDER = ROOT / "scripts"


def rule_scripts() -> list[str]:
    """The scripts that rules name."""
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    return sorted(set(re.findall(r"scripts/(\w+)\.py", text)))


@pytest.mark.parametrize("rule", rule_scripts())
def test_the_digest_of_a_rule_covers_what_its_script_loads(rule: str) -> None:
    code = f"import json, sys; import {rule}; print(json.dumps([*sys.modules]))"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS_FOLDER)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    project = {
        ".".join(path.relative_to(SCRIPTS_FOLDER).with_suffix("").parts) for path in SCRIPTS_FOLDER.rglob("*.py")
    }
    project |= {name.removesuffix(".__init__") for name in project}
    assert {name for name in json.loads(done.stdout) if name in project} == set(closure(rule))


def test_every_rule_with_a_script_is_called_like_it() -> None:
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        rules = re.findall(r"^rule (\w+):(.*?)(?=^rule |\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
        for rule, body in rules:
            script = re.search(r"scripts/(\w+)\.py", body)
            if script:
                assert script[1] == rule


def test_every_rule_with_a_script_has_a_log_and_a_benchmark() -> None:
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        rules = re.findall(r"^rule (\w+):(.*?)(?=^rule |\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
        for rule, body in rules:
            if "script:" in body:
                assert f"results/logs/{rule}/" in body, rule
                assert f"results/benchmarks/{rule}/" in body, rule


def test_every_script_of_a_rule_that_computes_has_a_digest() -> None:
    assert set(rule_scripts()) - set(digested_rules()) == {"download_file"}  # a finished download depends on no code


def test_generated_files_are_up_to_date() -> None:
    for file, text in generated_files().items():
        assert (ROOT / file).read_text() == text, f"{file}: run make generated"


def test_no_script_depends_on_the_name_of_its_rule_which_an_importing_workflow_may_change() -> None:
    named = [path.name for path in SCRIPTS_FOLDER.glob("*.py") if "snakemake.rule" in path.read_text()]
    # written when it was the gate's script too; editing it would check and write every run again
    assert named == ["check_gradients.py"]


def test_requirements_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = re.findall(r"^([A-Za-z0-9_-]+)==\S+$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    named = {re.split(r"[<>=]", dependency)[0].lower() for dependency in project["dependencies"]}
    assert named <= {pin.lower() for pin in pins}


def test_the_library_never_imports_snakemake_nor_prints() -> None:
    for path in (SCRIPTS_FOLDER / "handgrad").rglob("*.py"):
        text = path.read_text()
        if path.parent.name == "cli":
            continue
        assert not re.search(r"^\s*(import|from) snakemake", text, re.MULTILINE), path
        assert not re.search(r"^\s*print\(", text, re.MULTILINE), path


def test_one_module_opens_hdf5_sealed_and_without_locks() -> None:
    """Shared file systems often refuse locks, and HDF5 can crash on a damaged file."""
    opened = [
        (path.name, "locking=False" in line)
        for path in [*SCRIPTS_FOLDER.rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
        for line in path.read_text().splitlines()
        if "h5py.File(" in line
    ]
    assert opened == 2 * [("sealed.py", True)]


def test_nothing_is_ever_unpickled() -> None:
    for path in [*SCRIPTS_FOLDER.rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")]:
        assert not re.search(r"\bpickle\b(?!d)|allow_pickle=True|\beval\(|\bexec\(", path.read_text()), path
