"""One place for each fact: what is written twice is held equal here."""

import re
import sys
import tomllib
from pathlib import Path

from handgrad.common.code_digests import digested_rules

ROOT = Path(__file__).parents[2]
SCRIPTS_FOLDER = ROOT / "scripts"


def rule_scripts() -> list[str]:
    """The scripts that rules name."""
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    return sorted(set(re.findall(r"scripts/(\w+)\.py", text)))


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


def test_environment_yml_is_made_from_requirements_txt() -> None:
    sys.path.insert(0, str(SCRIPTS_FOLDER))
    from write_environment import environment_text

    expected = environment_text((ROOT / "requirements.txt").read_text())
    assert (ROOT / "environment.yml").read_text() == expected


def test_sources_txt_lists_what_scripts_need_beside_them() -> None:
    sys.path.insert(0, str(SCRIPTS_FOLDER))
    from write_sources import sources_text

    assert (ROOT / "workflow/sources.txt").read_text() == sources_text(), "run: make sources"


def test_requirements_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = re.findall(r"^([A-Za-z0-9_-]+)==\S+$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    named = {re.split(r"[<>=]", dependency)[0].lower() for dependency in project["dependencies"]}
    assert named <= {pin.lower() for pin in pins}


def test_the_library_never_imports_snakemake_nor_prints() -> None:
    for path in (SCRIPTS_FOLDER / "handgrad").rglob("*.py"):
        text = path.read_text()
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
