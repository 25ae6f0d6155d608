"""``handgrad check``: what is wrong with an experiment file."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.cli.options import DEFAULT, AsJson, ExperimentFile, print_json
from handgrad.common.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment


def check(file: ExperimentFile = DEFAULT, as_json: AsJson = False) -> int:
    """Name every mistake in an experiment file.

    Nothing runs. The file is checked as Snakemake merges it, over config/config.yaml and config/datasets.yaml.

    \b
    Examples:
      handgrad check mine.yaml
      handgrad check mine.yaml --json
    """
    from handgrad.experiment.config_errors import ConfigError
    from handgrad.experiment.experiment_file import read_experiment

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
    else:
        print(_summary(file, experiment.name, runs))
        for warning in warnings:
            print(f"{file}: {warning} (a warning)", file=sys.stderr)
    return 0


def _summary(file: Path, name: str, runs: "Counter[str]") -> str:
    """Return ``mine.yaml: ok: 72 runs in published (datasets: mnist 36, cifar10 36)``."""
    from handgrad.common.formatting import counted

    datasets = ", ".join(f"{dataset} {number}" for dataset, number in runs.items())
    return f"{file}: ok: {counted(runs.total(), 'run')} in {name} (datasets: {datasets})"


def _warnings(own: dict[str, object], experiment: "Experiment") -> Iterator[str]:
    from handgrad.layout.memory import too_large

    if "experiments" in own and "name" not in own:
        yield f"name: not given, so its tables would replace those of results/{experiment.name}/"
    yield from _stored_warnings(experiment)
    if line := too_large(experiment.runs, experiment.datasets):
        yield line


def _stored_warnings(experiment: "Experiment") -> Iterator[str]:
    """Return what is strange about those datasets of the experiment that are stored already."""
    from handgrad.experiment.registry import data_digest
    from handgrad.layout.paths import data_files

    for path in map(Path, data_files(experiment)):
        if path.is_file():
            from handgrad.datasets.data import open_data  # loads h5py, which takes as long as all the rest
            from handgrad.storage.provenance import source

            expected = data_digest(experiment.datasets[path.stem])
            # a damaged or outdated file concerns the job that reads it
            with suppress(HandgradError), open_data(path, expected) as stored:
                yield from (f"{path.stem}: {warning}" for warning in source(stored).warnings)
