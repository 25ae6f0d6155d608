"""Files of the repository for other services: the workflow catalog, citation tools and conda."""

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RULES = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))


def read(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text())


# --- the workflow catalog ---


def test_the_catalog_finds_the_files_of_standardized_usage() -> None:
    for file in ("workflow/Snakefile", "config/README.md", "workflow/schemas/config.schema.yaml", "LICENSE"):
        assert (ROOT / file).is_file(), file
    # users of the catalog adapt this file, and snakedeploy copies it
    assert (ROOT / "config/config.yaml").is_file()
    for name, file in (
        ("config.yaml", "quick.yaml"),
        ("datasets.yaml", "datasets.yaml"),
    ):  # the test config of the catalog
        assert (ROOT / ".test/config" / name).resolve() == ROOT / "config" / file


def test_the_rules_provide_what_the_catalog_file_promises() -> None:
    usage = read(".snakemake-workflow-catalog.yml")["usage"]
    assert usage == {"software-stack-deployment": {"conda": False}, "report": True}
    assert "report(" in RULES


def test_the_readme_of_config_has_no_relative_links() -> None:
    assert re.findall(r"\]\((?!https?://|#)([^)]+)\)", (ROOT / "config/README.md").read_text()) == []


# --- citation ---

CITATION_KEYS = {
    *("cff-version", "message", "type", "title", "abstract", "authors", "version", "license", "keywords"),
    *("repository-code", "url", "doi", "date-released", "identifiers", "references", "preferred-citation"),
}


def test_the_citation_file_is_valid_and_names_this_version() -> None:
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation) <= CITATION_KEYS
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["authors"]
    assert all(set(author) == {"name"} for author in citation["authors"])  # the authors are a group, not persons
    for key, name in (("title", "name"), ("version", "version"), ("license", "license"), ("abstract", "description")):
        assert citation[key] == PROJECT[name]


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == PROJECT["version"]


# --- the conda environments ---


def packages(file: str) -> list[str]:
    """Return the pip packages of an environment; only Python and pip may come from conda-forge."""
    environment = read(file)
    assert environment["channels"] == ["conda-forge"]  # other channels have different builds
    python, pip, others = environment["dependencies"]
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    found: list[str] = others["pip"]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("file", "package"), [("environment.yml", ["-e ."]), ("workflow/envs/handgrad.yml", [])], ids=["clone", "rules"]
)
def test_the_conda_environments_contain_the_pins(file: str, package: list[str]) -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert packages(file) == [line for line in lines if line and not line.startswith("#")] + package


def test_all_packages_and_their_dependencies_are_pinned() -> None:
    pins = {normal(pin.name): pin for pin in map(Requirement, packages("workflow/envs/handgrad.yml"))}
    for pin in pins.values():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier))
        assert importlib.metadata.version(pin.name) in pin.specifier, (
            f"{pin}: not the installed version; run make test to install the pins"
        )
        for needed in map(Requirement, importlib.metadata.requires(pin.name) or []):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                (version,) = pins[normal(needed.name)].specifier
                assert version.version in needed.specifier, f"{pin} needs {needed}"


def test_every_rule_with_a_script_names_the_environment() -> None:
    for body in re.split(r"^rule ", RULES, flags=re.MULTILINE)[1:]:
        named = re.findall(r'^    conda:\n        "(.*)"$', body, re.MULTILINE)
        assert named == (["../envs/handgrad.yml"] if "    script:" in body else []), body
