"""Write workflow/sources.txt: the files that Snakefiles and scripts need beside them.

From a Git host, Snakemake fetches the Snakefiles and scripts that rules name, and no module that these
import.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
PATTERNS = (
    "config/datasets.yaml",
    "scripts/*.py",
    "scripts/handgrad/**/*.py",
    "scripts/handgrad/page/assets/page.*",
    "workflow/report/*.rst",
    "workflow/schemas/*.yaml",
)


def sources_text() -> str:
    """The files' paths from the root of the project, one a line, sorted."""
    found = sorted(path.relative_to(ROOT).as_posix() for pattern in PATTERNS for path in ROOT.glob(pattern))
    return "".join(f"{path}\n" for path in found)


if __name__ == "__main__":
    (ROOT / "workflow/sources.txt").write_text(sources_text(), encoding="utf-8")
