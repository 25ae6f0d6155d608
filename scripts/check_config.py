"""Say what is wrong with an experiment file, before anything runs: ``make check-config CONFIG=mine.yaml``.

It says what `snakemake --configfile` would say, and more of files that are not YAML, or not files.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from handgrad.cli.command import as_command
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.experiment_file import DEFAULT, read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.layout.memory import too_large
from handgrad.layout.paths import data_files


def main(file: Path, *, name_only: bool) -> int:
    """Print what the file describes; if it is wrong, each mistake as a line on stderr. Returns 0 or 1."""
    try:
        own, experiment = read_experiment(file)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    print(experiment.name if name_only else summary(file, experiment))
    if "experiments" in own and "name" not in own:
        print(
            f"{file}: name: not given, so its tables would replace those of results/{experiment.name}/ (a warning)",
            file=sys.stderr,
        )
    if name_only:
        return 0
    for warning in stored_warnings(experiment):
        print(f"{file}: {warning} (a warning)", file=sys.stderr)
    if line := too_large(experiment.runs, experiment.datasets):
        print(f"{file}: {line} (a warning)", file=sys.stderr)
    return 0


def stored_warnings(experiment: Experiment) -> Iterator[str]:
    """What is strange about those datasets of the experiment that are stored already."""
    for path in map(Path, data_files(experiment)):
        if path.is_file():
            from handgrad.datasets.data import open_data  # h5py takes as long as all the rest
            from handgrad.storage.provenance import source

            expected = data_digest(experiment.datasets[path.stem])
            # a damaged or outdated file is the matter of the job that reads it
            with suppress(HandgradError), open_data(path, expected) as stored:
                yield from (f"{path.stem}: {warning}" for warning in source(stored).warnings)


def summary(file: Path, experiment: Experiment) -> str:
    """``mine.yaml: ok: 72 runs in published (datasets: mnist 36, cifar10 36)``."""
    runs = Counter(run.dataset for run in experiment.runs)
    datasets = ", ".join(f"{dataset} {number}" for dataset, number in runs.items())
    plural = "" if len(experiment.runs) == 1 else "s"
    return f"{file}: ok: {len(experiment.runs)} run{plural} in {experiment.name} (datasets: {datasets})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Check an experiment file against config/ as Snakemake merges it.")
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT, help="default: %(default)s")
    parser.add_argument("--name", action="store_true", help="print the experiment's name and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    with as_command():
        sys.exit(main(arguments.file, name_only=arguments.name))
