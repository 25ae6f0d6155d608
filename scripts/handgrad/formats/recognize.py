"""Recognize the format of a folder or a file, and the label column of a table, by their names."""

import re
from collections.abc import Callable
from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.common.folders import is_ignored
from handgrad.formats.found import Entry
from handgrad.formats.table_files import read_table
from handgrad.formats.table_text import text_options

_IDX = re.compile(r".*(train|t10k|test).*(images|labels).*idx.*", re.IGNORECASE)
_NPY = re.compile(r"(?:(train|test)_?([xy])|([xy])_?(train|test))\.npy", re.IGNORECASE)
_TABLE = re.compile(r"(train|test)(?:ing)?\.(?:(?:csv|tsv)(?:\.gz)?|parquet)", re.IGNORECASE)
#: usual names of a label column
_LABELS = frozenset({"label", "labels", "class", "target", "y", "category", "species", "variety", "diagnosis"})
_SHOWN = 12  # columns in a message
#: ending of a file name -> format and role
_FILES = {
    **dict.fromkeys((".npz", ".h5", ".hdf5"), ("arrays", "data")),
    **dict.fromkeys((".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet"), ("table", "table")),
    ".zip": ("image-folder", "images"),
    **dict.fromkeys((".tar.gz", ".tgz"), ("cifar-binary", "archive")),
}


def recognize(path: Path) -> tuple[str, dict[str, Path]]:
    """Return the format of a file or folder, and the path of each role. Raises HandgradError if it is not known."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file() and not is_ignored(file.name)]
        for name, roles in (("idx", _idx_roles(files)), ("arrays", _npy_roles(files)), ("table", _table_roles(files))):
            if roles:
                return name, roles
        return "image-folder", {"images": path}
    for ending, (name, role) in sorted(_FILES.items(), key=lambda item: -len(item[0])):
        if path.name.lower().endswith(ending):
            return name, {role: path}
    kinds = ", ".join(_FILES)
    raise HandgradError(f"{path}: format not recognized, expected a folder, or a file that ends in one of {kinds}")


def recognize_label(path: Path, entry: Entry) -> str:
    """Return the name of the label column of a table. Raises HandgradError if no column has a usual name for labels."""
    names = read_table(path, text_options(path, entry)).names
    usual = [name for name in names if name.strip().lower() in _LABELS]
    if len(usual) == 1:
        return usual[0]
    shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    raise HandgradError(
        f"{path}: the label column is not clear, expected --label with a name, a number, first or last; found {shown}"
    )


def _idx_roles(files: list[Path]) -> dict[str, Path]:
    return _roles(files, _IDX, lambda m: f"{'train' if m[1].lower() == 'train' else 'test'}_{m[2].lower()}")


def _npy_roles(files: list[Path]) -> dict[str, Path]:
    return _roles(files, _NPY, lambda m: f"{m[1] or m[4]}_{m[2] or m[3]}".lower())


def _table_roles(files: list[Path]) -> dict[str, Path]:
    return _roles(files, _TABLE, lambda m: "table" if m[1].lower() == "train" else "test_table")


def _roles(files: list[Path], pattern: re.Pattern[str], role_of: Callable[[re.Match[str]], str]) -> dict[str, Path]:
    """Return the file of each role. Raises HandgradError if two files have one role."""
    roles: dict[str, Path] = {}
    for file in files:
        if not (match := pattern.fullmatch(file.name)):
            continue
        role = role_of(match)
        if role in roles:
            raise HandgradError(f"{file.parent}: {roles[role].name} and {file.name} are both {role}; move one of them")
        roles[role] = file
    return roles
