"""List what of results/ no experiment file given needs, and remove it when told to.

``make stale FILES="a.yaml b.yaml"`` lists, ``make prune FILES="a.yaml b.yaml"`` lists, asks and removes.
To be run where Snakemake is run.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from handgrad.archive.stale import GROUPS, File, Inventory, remove, take_inventory
from handgrad.cli.command import as_command
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, size_text
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.experiment_file import read_experiment
from recover_workflow import refuse_while_at_work, refuse_while_locked


def main(folder: Path, files: Sequence[str], *, prune: bool, yes: bool) -> None:
    """List what none of these experiment files needs; remove it if that is wanted and confirmed.

    Raises HandgradError if an experiment file is wrong or, where files are to go, if a snakemake is at work
    or nobody can be asked.
    """
    if prune:
        refuse_in_use(folder)
    experiments = read_experiments(files)
    if (folder / "results").is_symlink() and not (folder / "results").exists():
        raise HandgradError("results: a link that leads nowhere; is the disk that it leads to mounted?")
    inventory = take_inventory(folder, experiments)
    print(f"Kept: {', '.join(map(told, experiments))}")
    print_inventory(inventory)
    if prune and inventory.files and confirmed(files, inventory.files, yes=yes):
        refuse_in_use(folder)  # somebody may have thought about it for long
        gone = list(remove(folder, inventory.files))
        print(f"results: {count_text(gone)} removed")


def refuse_in_use(folder: Path) -> None:
    """Raise HandgradError if a snakemake is at work in the folder, here or, by its lock, elsewhere."""
    refuse_while_at_work(folder)
    refuse_while_locked(folder)


def read_experiments(files: Sequence[str]) -> list[Experiment]:
    """The experiments of some files. Raises ConfigError with the mistakes of all of them."""
    experiments, mistakes = [], []
    for file in files:
        try:
            experiments.append(read_experiment(Path(file))[1])
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))
    return experiments


def told(experiment: Experiment) -> str:
    """An experiment in words: ``quick (12 runs)``."""
    return f"{experiment.name} ({counted(len(experiment.runs), 'run')})"


def print_inventory(inventory: Inventory) -> None:
    """What is stale, group by group, and what is not known."""
    for group, files in inventory.stale.items():
        print(f"\n{GROUPS[group]}: {count_text(files)}")
        if group != "logs":  # they are as many as all others together, and called like them
            for file in files:
                print(f"  {file.path}  {size_text(file.size)}")
    if inventory.unknown:
        print(f"\nnot known, or a link: left alone ({len(inventory.unknown)})")
        for path in inventory.unknown:
            print(f"  {path}")
    print(f"\nstale in all: {count_text(inventory.files)}" if inventory.files else "\nNothing is stale.")


def count_text(files: Sequence[File]) -> str:
    """How many files, and their size: ``12 files, 3.4 MB``."""
    return f"{counted(len(files), 'file')}, {size_text(sum(file.size for file in files))}"


def confirmed(names: Sequence[str], files: Sequence[File], *, yes: bool) -> bool:
    """Whether these files may go. Raises HandgradError if that is not said and nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise HandgradError(
            f"there is no terminal to ask on, so nothing was removed; to remove {count_text(files)}: "
            f'make prune FILES="{" ".join(names)}" YES=1'
        )
    print(f"Remove {count_text(files)}? What you want again is computed again. [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was removed.")
    return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What of results/ none of some experiment files needs.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="experiment files whose results are kept")
    parser.add_argument("--prune", action="store_true", help="remove it, after asking")
    parser.add_argument("--yes", action="store_true", help="with --prune: do not ask")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    name = "make prune" if arguments.prune else "make stale"
    if not arguments.files:
        print(
            f'{name}: name all experiment files whose results you keep: {name} FILES="config/config.yaml mine.yaml"',
            file=sys.stderr,
        )
        sys.exit(2)
    with as_command():
        main(Path.cwd(), arguments.files, prune=arguments.prune, yes=arguments.yes)
