"""Find the results of an experiment that a user names, and read its runs, in this folder or in another one."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.sealed import open_sealed
from handgrad.common.system_errors import reading_result
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_files import read_config
from handgrad.layout.paths import CHECKSUMS, data_file, run_file, table
from handgrad.network.activations import Array
from handgrad.storage.run_reader import Summary, read_summary
from handgrad.tables.checksums import read_checksums, require_unchanged


@dataclass(frozen=True)
class StoredResults:
    """The results of an experiment. folder: the project folder that holds ``results/``. runs: in table order."""

    name: str
    folder: Path
    runs: tuple[Summary, ...]

    @property
    def datasets(self) -> list[str]:
        """The datasets, in the order of first use."""
        return list(dict.fromkeys(summary.run.dataset for summary in self.runs))

    def of(self, dataset: str) -> list[Summary]:
        """Return the runs of a dataset."""
        return [summary for summary in self.runs if summary.run.dataset == dataset]


def read_results(name: str) -> StoredResults:
    """Return the results of an experiment.

    name: its name in ``results/``, its experiment file, a folder ``.../results/<name>`` of any project, or the folder
    of an unpacked archive. Raises HandgradError if there are no results, or if a run file is missing, was changed, or
    was made after the table.
    """
    path = _table_of(name)
    folder = path.parents[3]
    rows = _rows(path)
    runs = []
    for dataset, run, content, file in rows:
        summary = read_summary(folder / file)
        if (summary.run.dataset, summary.run.name, summary.content_sha256) != (dataset, run, content):
            raise HandgradError(
                f"{path}: was made from a different version of {file}; run snakemake again for this experiment"
            )
        runs.append(summary)
    return StoredResults(path.parts[-3], folder, tuple(runs))


def _table_of(name: str) -> Path:
    """Return the path of the table of results. Its experiment and folder are parts of the path."""
    given, found = Path(name), Path(table("results", experiment=name))
    if "/" not in name and found.is_file():
        return found
    if given.name.endswith(".tar.gz"):
        raise HandgradError(f"{name}: an archive; unpack it (tar xzf {name}), and name the folder that it contains")
    if given.is_dir():
        return _table_in(given)
    if given.is_file():
        experiment = load_experiment(read_config([given]), files=False).name
        found = Path(table("results", experiment=experiment))
    elif "/" in name:
        raise HandgradError(f"{name}: no such file or folder")
    if not found.is_file():
        known = ", ".join(path.parts[1] for path in sorted(Path().glob(_any_table()))) or "none"
        raise HandgradError(f"{name}: no results, expected {found}; experiments with results here: {known}")
    return found


def _table_in(folder: Path) -> Path:
    """Return the path of the table of results in ``.../results/<name>`` or in the folder of an unpacked archive."""
    whole = folder.resolve()
    found = (
        [whole / "tables/results.csv"] if whole.parent.name == "results" else sorted(whole.glob(f"data/{_any_table()}"))
    )
    if len(found) != 1 or not found[0].is_file():
        raise HandgradError(
            f"{folder}: no results, expected a folder results/EXPERIMENT with tables/results.csv, or the folder of an "
            "unpacked archive"
        )
    return found[0]


def _any_table() -> str:
    return table("results", experiment="*")


def _rows(path: Path) -> list[tuple[str, str, str, str]]:
    """Return dataset, name, content_sha256 and file of each run in a table of results.

    Other columns are not needed, so that the table can be of any version. Raises HandgradError if the table was
    changed, is not a table of results, or names a file outside ``results/``.
    """
    with reading_result(path):
        data = path.read_bytes()
    if path.with_suffix(f".{CHECKSUMS}").is_file():  # an archive has none
        require_unchanged(path, data, read_checksums(path)[0])
    try:
        read = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
        runs = read[["dataset", "run", "content_sha256"]]
    except (ValueError, KeyError) as error:
        raise HandgradError(f"{path}: not a table of results ({' '.join(str(error).split())}); {REMEDY}") from error
    usual = [run_file(dataset, run) for dataset, run in zip(runs["dataset"], runs["run"], strict=True)]
    files = read["file"].tolist() if "file" in read else usual
    for file in files:  # the table may come from someone else
        if not file.startswith("results/") or ".." in PurePosixPath(file).parts:
            raise HandgradError(f"{path}: names the run file {file!r}, expected a path in results/; {REMEDY}")
    if not files:
        raise HandgradError(f"{path}: has no runs")
    return [(*row, file) for row, file in zip(runs.itertuples(index=False, name=None), files, strict=True)]


def test_labels(dataset: str, results: Iterable[StoredResults]) -> Array | None:
    """Return the labels of the test split, uint8 (N,), on which all runs of a dataset were evaluated.

    Returns None if the runs have different data, or if no project folder has these data.
    """
    found = list(results)
    contents = {str(summary.attributes["data_content"]) for one in found for summary in one.of(dataset)}
    for folder in dict.fromkeys([*(one.folder for one in found), Path()]):
        path = folder / data_file(dataset)
        if len(contents) == 1 and path.is_file():
            with open_sealed(path) as sealed:
                if str(sealed.file.attrs["content_sha256"]) in contents:
                    return np.asarray(sealed.file["test/y"][:])
    return None
