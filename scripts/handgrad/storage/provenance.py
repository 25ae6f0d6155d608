"""The origin of results: machines, versions, data and code. These facts are displayed only; no rule depends on them."""

import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handgrad.datasets.data import StoredData

#: the packages that make tables, statistics and plots
PACKAGES = ("snakemake", "h5py", "pandas", "scipy", "statsmodels", "matplotlib")

GIT_SECONDS = 10


@dataclass(frozen=True)
class Machine:
    """A CPU model with its software versions.

    runs: the number of runs of which it computed at least a part.
    """

    cpu: str
    python: str
    numpy: str
    blas: str
    runs: int


def machines(segments_of_runs: Iterable[Sequence[dict[str, Any]]]) -> list[Machine]:
    """Return the machines that computed the given segments, in descending order of their runs.

    The names of BLAS libraries are sorted, because their order depends only on the order of loading.
    """
    counts = Counter(
        kind
        for segments in segments_of_runs
        for kind in {
            (part["cpu"], part["python"], part["numpy"], ", ".join(sorted(part["blas"].split(", "))))
            for part in segments
        }
    )
    return [Machine(*kind, count) for kind, count in counts.most_common()]


@dataclass(frozen=True)
class Source:
    """A dataset with its source files.

    train, test: numbers of examples. files: (name, sha256) of each source file. warnings: see ``datasets.warnings``.
    drawn: whether the test split was drawn, because the files have none.
    """

    dataset: str
    train: int
    test: int
    digest: str
    files: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()
    drawn: bool = False


def source(stored: StoredData) -> Source:
    """Return the source of an open dataset, ``<dataset>.h5``."""
    attrs = stored.file.attrs
    return Source(
        stored.path.stem,
        train=len(stored.file["train/y"]),
        test=len(stored.file["test/y"]),
        digest=str(attrs["data_digest"]),
        files=tuple(zip(map(str, attrs["source_files"]), map(str, attrs["source_sha256"]), strict=True)),
        warnings=tuple(map(str, attrs["warnings"])),
        drawn="rows" in stored.file["test"],
    )


def package_versions() -> dict[str, str]:
    """Return the installed versions of Python and of PACKAGES."""
    return {"Python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def git_revision(folder: Path) -> str:
    """Return the git revision of the checkout with this root as text, or the reason why it is not known."""
    try:
        root = _git(folder, "rev-parse", "--show-toplevel")
        revision = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return f"not known: git says {said.splitlines()[0]!r}"
    if Path(root).resolve() != folder.resolve():
        return "not known: the workflow is no git checkout of its own"
    return f"{revision}{', with changes that are not committed' if changed else ''}"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS)  # noqa: S603, no argument comes from a config
    return done.stdout.strip()
