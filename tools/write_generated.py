"""Write the generated files: conda environments, the list of the workflow's source files, and parts of the reference.

``make generated`` runs this script. A test checks that the files are up to date.
"""

import re
from pathlib import Path

from reference import commands, config_keys

ROOT = Path(__file__).parents[1]

#: All packages come from pip, so that conda and pip users have the same builds of NumPy and its BLAS. Runs are
#: reproducible bit for bit only with the same NumPy and BLAS.
ENVIRONMENT = """\
# Generated from requirements.txt. Do not edit; run: make generated
{name}channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
{packages}"""

#: files that a workflow on a Git host needs in addition to its Snakefiles: Snakemake fetches the Snakefiles and scripts
#: that rules name, but not the modules that they import
SOURCES = (
    "config/datasets.yaml",
    "scripts/*.py",
    "scripts/handgrad/**/*.py",
    "scripts/handgrad/page/assets/*",
    "workflow/report/*.rst",
    "workflow/schemas/*.yaml",
)


def generated_files() -> dict[str, str]:
    """Return the text of each generated file by its path in the repository."""
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    sources = sorted(path.relative_to(ROOT).as_posix() for pattern in SOURCES for path in ROOT.glob(pattern))
    pages = (("configuration", "keys", config_keys()), ("command", "commands", commands()))
    return {
        "environment.yml": environment([*pins, "-e ."], name="name: handgrad\n"),
        "workflow/envs/handgrad.yml": environment(pins),  # without "-e .": Snakemake copies this file
        "workflow/sources.txt": "".join(f"{path}\n" for path in sources),
        **{f"docs/reference/{page}.md": filled(f"docs/reference/{page}.md", *part) for page, *part in pages},
    }


def filled(page: str, part: str, text: str) -> str:
    """Return the text of a page, with this text between the comments that mark the part."""
    start = f"<!-- {part}: made by tools/write_generated.py -->\n"
    found = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(f"{start}.*?<!-- end -->", lambda _: f"{start}\n{text}\n<!-- end -->", found, flags=re.DOTALL)


def environment(packages: list[str], name: str = "") -> str:
    """Return the text of a conda environment that installs these packages with pip."""
    return ENVIRONMENT.format(name=name, packages="".join(f"      - {package}\n" for package in packages))


if __name__ == "__main__":
    for file, text in generated_files().items():
        (ROOT / file).write_text(text, encoding="utf-8")
