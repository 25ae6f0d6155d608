"""Write environment.yml, for `conda env create -f environment.yml`, from requirements.txt.

The packages themselves come through pip, so that conda and pip users compute with the same builds of
NumPy and its BLAS: runs are promised to be the same for one NumPy and one BLAS.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """\
# Made from requirements.txt by scripts/write_environment.py: make environment.yml
name: handgrad
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def environment_text(requirements: str) -> str:
    """environment.yml for the pins of a requirements file."""
    pins = [line for line in requirements.splitlines() if line and not line.startswith("#")]
    return HEAD + "".join(f"      - {pin}\n" for pin in pins)


if __name__ == "__main__":
    text = environment_text((ROOT / "requirements.txt").read_text())
    (ROOT / "environment.yml").write_text(text)
