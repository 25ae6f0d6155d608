"""``handgrad check``: check an experiment file and print every mistake."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from handgrad.cli.options import print_json
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.config import Experiment, read_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.registry import data_digest
from handgrad.layout.memory import too_large
from handgrad.layout.paths import data_files


def check_file(file: Path, *, as_json: bool) -> int:
    """Check an experiment file and print its runs and warnings; return the exit status.

    as_json: print one JSON document, mistakes included. Raises ConfigError after a mistake if ``as_json`` is False.
    """
    try:
        own, experiment = read_experiment(file)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"file": str(file), "ok": False, "mistakes": error.mistakes})
        return 1
    runs = Counter(run.dataset for run in experiment.runs)
    warnings = list(_warnings(own, experiment))
    if as_json:
        print_json({"file": str(file), "ok": True, "name": experiment.name, "runs": runs, "warnings": warnings})
        return 0
    datasets = ", ".join(f"{dataset} {number}" for dataset, number in runs.items())
    print(f"{file}: ok: {counted(runs.total(), 'run')} in {experiment.name} (datasets: {datasets})")
    for warning in warnings:
        print(f"{file}: {warning} (warning)", file=sys.stderr)
    return 0


def _warnings(own: dict[str, Any], experiment: Experiment) -> Iterator[str]:
    if "experiments" in own and "name" not in own:
        yield f"name: missing, so the tables would overwrite those in results/{experiment.name}/; add a name"
    for path in map(Path, data_files(experiment)):
        if path.is_file():
            yield from _stored_warnings(path, data_digest(experiment.datasets[path.stem]))
    if line := too_large(experiment.runs, experiment.datasets):
        yield line


def _stored_warnings(path: Path, expected: str) -> Iterator[str]:
    """Yield the warnings that are stored in a dataset file."""
    from handgrad.datasets.data import open_data  # loads h5py, which takes as long as all other imports
    from handgrad.storage.provenance import source

    with suppress(HandgradError), open_data(path, expected) as stored:  # the job that reads the file reports damage
        yield from (f"{path.stem}: {warning}" for warning in source(stored).warnings)
