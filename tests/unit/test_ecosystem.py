"""What others read of the repository: the workflow catalog, those who cite it, conda."""

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
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))


def read(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text())


# --- the workflow catalog ---


def test_the_catalog_finds_the_files_of_standardized_usage() -> None:
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    for file in ("workflow/Snakefile", "config/README.md", "workflow/schemas/config.schema.yaml", "LICENSE"):
        assert (ROOT / file).is_file(), file
    # the catalog tells users to adapt it, and snakedeploy to begin with it
    assert (ROOT / "config/config.yaml").is_file()
    assert RULES


def test_the_catalog_file_has_keys_that_the_catalog_reads() -> None:
    settings = read(".snakemake-workflow-catalog.yml")
    assert set(settings) == {"usage"}
    assert set(settings["usage"]) <= {"mandatory-flags", "software-stack-deployment", "report"}
    deployment = settings["usage"]["software-stack-deployment"]
    assert set(deployment) <= {"conda", "apptainer", "apptainer+conda"}
    assert all(isinstance(value, bool) for value in [*deployment.values(), settings["usage"]["report"]])


def test_what_the_catalog_file_promises_stands_in_the_rules() -> None:
    usage = read(".snakemake-workflow-catalog.yml")["usage"]
    text = "".join(path.read_text() for path in RULES)
    assert usage["software-stack-deployment"] == {"conda": True}
    assert not re.search(r"^    container", text, re.MULTILINE)
    assert usage["report"] == ("report(" in text)


def test_the_workflow_asks_for_no_flag_that_the_catalog_file_does_not_name() -> None:
    assert "mandatory-flags" not in read(".snakemake-workflow-catalog.yml")["usage"]
    readme = (ROOT / "README.md").read_text()
    assert re.search(r"^    snakemake --cores 8 +#", readme, re.MULTILINE)


def test_the_catalog_s_trial_is_the_quick_experiment() -> None:
    for name, file in (("config.yaml", "quick.yaml"), ("datasets.yaml", "datasets.yaml")):
        assert (ROOT / ".test/config" / name).resolve() == ROOT / "config" / file


def test_config_readme_has_no_relative_links_which_lead_nowhere_in_the_catalog() -> None:
    readme = (ROOT / "config/README.md").read_text()
    assert re.findall(r"\]\((?!https?://|#)([^)]+)\)", readme) == []


# --- citation ---

CITATION_KEYS = {
    *("cff-version", "message", "type", "title", "abstract", "authors", "version", "license", "keywords"),
    *("repository-code", "url", "doi", "date-released", "identifiers", "references", "preferred-citation"),
}


def test_the_citation_has_what_the_format_wants() -> None:
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation) <= CITATION_KEYS
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["authors"]
    assert all(set(author) == {"name"} for author in citation["authors"])  # a group, not a person
    assert all(isinstance(word, str) for word in citation["keywords"])


def test_the_citation_is_of_this_version() -> None:
    citation = read("CITATION.cff")
    for key, name in (("title", "name"), ("version", "version"), ("license", "license")):
        assert citation[key] == PROJECT[name]
    assert citation["abstract"] == PROJECT["description"]
    assert isinstance(citation["version"], str)


# --- the conda environment ---


def environment() -> dict[str, Any]:
    found: dict[str, Any] = read("environment.yml")
    return found


def test_the_environment_has_python_and_pip_from_conda_forge_alone() -> None:
    assert set(environment()) == {"name", "channels", "dependencies"}
    assert environment()["channels"] == ["conda-forge"]  # the same names mean other builds elsewhere
    *conda, pip = environment()["dependencies"]
    assert conda == ["python=3.11", "pip"]
    assert list(pip) == ["pip"]


def test_the_environment_s_python_is_one_that_the_project_supports() -> None:
    (version,) = re.findall(r"python=([\d.]+)", environment()["dependencies"][0])
    assert version in SpecifierSet(PROJECT["requires-python"])


def pins() -> list[Requirement]:
    return [Requirement(pin) for pin in environment()["dependencies"][-1]["pip"]]


def test_every_package_of_the_environment_is_pinned_to_one_version() -> None:
    names = [pin.name.lower().replace("_", "-") for pin in pins()]
    assert len(names) == len(set(names)) > 50
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins())


def test_the_tests_run_with_the_packages_of_the_environment() -> None:
    wrong = {
        str(pin): importlib.metadata.version(pin.name)
        for pin in pins()
        if importlib.metadata.version(pin.name) not in pin.specifier
    }
    assert wrong == {}, "installed versions differ from the pins: make test installs those"


def test_what_a_pinned_package_needs_is_pinned_and_fits() -> None:
    pinned = {pin.name.lower().replace("_", "-"): pin for pin in pins()}
    for pin in pins():
        for text in importlib.metadata.requires(pin.name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                found = pinned[needed.name.lower().replace("_", "-").replace(".", "-")]
                (version,) = found.specifier
                assert version.version in needed.specifier, f"{pin} needs {text}"


@pytest.mark.parametrize("rules", RULES, ids=[path.stem for path in RULES])
def test_every_rule_with_a_script_names_the_environment(rules: Path) -> None:
    for body in re.split(r"^rule ", rules.read_text(), flags=re.MULTILINE)[1:]:
        named = re.findall(r'^    conda:\n        "(.*)"$', body, re.MULTILINE)
        assert [(rules.parent / path).resolve() for path in named] == (
            [ROOT / "environment.yml"] if "    script:" in body else []
        ), body
