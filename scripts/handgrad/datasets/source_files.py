"""Find the source files of a dataset, and verify them with the registry."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.common.folders import size_and_sha256
from handgrad.experiment.registry import EMBEDDED


def file_fault(path: Path, size: int, sha256: str) -> str | None:
    """Return what is wrong with a file or folder, or None if it has this size and sha256."""
    if not path.exists():
        return f"found no file, expected {size} bytes"
    found, digest = size_and_sha256(path)
    if found != size:
        return f"found {found} bytes, expected {size} bytes"
    return None if digest == sha256 else f"its sha256 is {digest}, expected {sha256}"


def source_files(entry: Mapping[str, Any], given: Mapping[str, Path], name: str) -> dict[str, Path]:
    """Return {role: path} of the files of a dataset, after verifying their size and sha256 with the registry entry.

    The files are in ``local_dir`` if the entry has one, or in an installed package if the format needs one. Otherwise
    they are the given downloads. Raises HandgradError, one line, if a file does not match the entry.
    """
    folder, package = entry.get("local_dir"), EMBEDDED.get(entry["format"])
    if folder is not None:
        given = {role: Path(folder) / entry["files"][role]["name"] for role in entry["files"]}
        remedy = f"put the right file there, or remove local_dir from datasets.{name}"
    elif package is not None:
        given = {role: _package_folder(*package) / file["name"] for role, file in entry["files"].items()}
        remedy = f"it is a part of the package {package[0]}: install the version that environment.yml names"
    else:
        remedy = "delete it, and run snakemake again"
    for role, path in given.items():
        if fault := file_fault(path, entry["files"][role]["size"], entry["files"][role]["sha256"]):
            raise HandgradError(f"{path}: {fault}; {remedy}")
    return dict(given)


def _package_folder(package: str, folder: str) -> Path:
    """Return a folder of a package, without importing the package, which may take a second."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise HandgradError(f"{folder}: its package {package} is not installed; install environment.yml")
    return Path(spec.origin).parent / folder
