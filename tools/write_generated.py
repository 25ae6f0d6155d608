"""Write the files that are made from others: the conda environments and the list of the workflow's sources.

``make generated`` calls it; a test compares the files with what it would write.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Packages come from pip, so that conda and pip users compute with the same builds of NumPy and its BLAS: runs are
#: reproducible bit for bit with one NumPy and one BLAS.
ENVIRONMENT = """\
# Made from requirements.txt by tools/write_generated.py: make generated
{name}channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
{packages}"""

#: what Snakefiles and scripts need beside them: from a Git host, Snakemake fetches the Snakefiles and scripts that
#: rules name, and no module that these import
SOURCES = (
    "config/datasets.yaml",
    "scripts/*.py",
    "scripts/handgrad/**/*.py",
    "scripts/handgrad/page/assets/*",
    "workflow/report/*.rst",
    "workflow/schemas/*.yaml",
)


def generated_files() -> dict[str, str]:
    """Return the text of each generated file by its path from the root of the project."""
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    sources = sorted(path.relative_to(ROOT).as_posix() for pattern in SOURCES for path in ROOT.glob(pattern))
    return {
        "environment.yml": environment([*pins, "-e ."], name="name: handgrad\n"),
        "workflow/envs/handgrad.yml": environment(pins),  # Snakemake copies it: there is no package beside it
        "workflow/sources.txt": "".join(f"{path}\n" for path in sources),
    }


def environment(packages: list[str], name: str = "") -> str:
    """Return a conda environment with these packages from pip."""
    return ENVIRONMENT.format(name=name, packages="".join(f"      - {package}\n" for package in packages))


if __name__ == "__main__":
    for file, text in generated_files().items():
        (ROOT / file).write_text(text, encoding="utf-8")
