"""Where results come from: machines, versions, data and code. Facts to be shown, which decide nothing."""

import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handgrad.datasets.data import StoredData

#: what tables, statistics and figures are made with
PACKAGES = ("snakemake", "h5py", "pandas", "scipy", "statsmodels", "matplotlib")

GIT_SECONDS = 10


@dataclass(frozen=True)
class Machine:
    """One kind of machine and software that computed parts of runs. runs: how many runs it had a part in."""

    cpu: str
    python: str
    numpy: str
    blas: str
    runs: int


def machines(segments_of_runs: Iterable[Sequence[dict[str, Any]]]) -> list[Machine]:
    """The machines and versions that computed some runs, whose segments are given, the most used first.

    A process names its BLAS libraries in the order in which it loaded them, which means nothing.
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
    """A dataset, its source files: (name, sha256), and what is strange about it, a sentence each."""

    dataset: str
    train: int
    test: int
    digest: str
    files: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()


def source(stored: StoredData) -> Source:
    """What an open dataset, ``<dataset>.h5``, was made from."""
    attrs = stored.file.attrs
    return Source(
        stored.path.stem,
        train=len(stored.file["train/y"]),
        test=len(stored.file["test/y"]),
        digest=str(attrs["data_digest"]),
        files=tuple(zip(map(str, attrs["source_files"]), map(str, attrs["source_sha256"]), strict=True)),
        warnings=tuple(map(str, attrs["warnings"])),
    )


def package_versions() -> dict[str, str]:
    """Python, and each of PACKAGES, as they are installed here."""
    return {"Python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def git_revision(folder: Path) -> str:
    """The git revision of the checkout whose root a folder is, in words; also why it is not known."""
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
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS)  # noqa: S603, nothing in it comes from a config
    return done.stdout.strip()
