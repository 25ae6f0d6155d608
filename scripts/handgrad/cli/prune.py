"""``handgrad prune``: remove what of results/ no experiment needs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.common.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.archive.stale import File, Inventory
    from handgrad.experiment.config import Experiment


def prune(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="All experiments whose results you keep.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="List it, and remove nothing.")] = False,
) -> None:
    """Remove what of results/ no experiment needs.

    Lists it and asks first. Only what the workflow itself has written is removed; downloads stay.

    \b
    Examples:
      handgrad prune --dry-run config/config.yaml mine.yaml
      handgrad prune config/config.yaml mine.yaml
    """
    from handgrad.archive.stale import remove, take_inventory
    from handgrad.common.formatting import counted
    from handgrad.monitor.recovery import require_unlocked

    folder = Path.cwd()
    if not dry_run:
        require_unlocked(folder)
    experiments = read_experiments(files)
    if (folder / "results").is_symlink() and not (folder / "results").exists():
        raise HandgradError("results: a link that leads nowhere; is the disk that it leads to mounted?")
    inventory = take_inventory(folder, experiments)
    print("Kept:", ", ".join(f"{one.name} ({counted(len(one.runs), 'run')})" for one in experiments))
    _print_inventory(inventory)
    if inventory.files and not dry_run and (yes or _confirm(inventory.files)):
        require_unlocked(folder)  # a person may have taken a while to answer
        print(f"results: {_amount(list(remove(folder, inventory.files)))} removed")


def read_experiments(files: Sequence[Path]) -> "list[Experiment]":
    """Return the experiments of some files. Raises ConfigError with the mistakes of all of them."""
    from handgrad.experiment.config_errors import ConfigError
    from handgrad.experiment.experiment_file import read_experiment

    experiments, mistakes = [], dict[str, None]()
    for file in files:
        try:
            experiments.append(read_experiment(file)[1])
        except ConfigError as error:
            mistakes |= dict.fromkeys(error.mistakes)
    if mistakes:
        raise ConfigError(list(mistakes))
    return experiments


def _print_inventory(inventory: "Inventory") -> None:
    """Print what is stale, group by group, and what is not known."""
    from handgrad.archive.stale import GROUPS
    from handgrad.common.formatting import size_text

    for group, files in inventory.stale.items():
        print(f"\n{GROUPS[group]}: {_amount(files)}")
        if group != "logs":  # as many as all others together, and with the same names
            for file in files:
                print(f"  {file.path}  {size_text(file.size)}")
    if inventory.unknown:
        print(f"\nnot known, or a link: left alone ({len(inventory.unknown)})")
        print(*(f"  {path}" for path in inventory.unknown), sep="\n")
    print(f"\nstale in all: {_amount(inventory.files)}" if inventory.files else "\nNothing is stale.")


def _amount(files: "Sequence[File]") -> str:
    """Return how many files, and their size: ``12 files, 3.4 MB``."""
    from handgrad.common.formatting import counted, size_text

    return f"{counted(len(files), 'file')}, {size_text(sum(file.size for file in files))}"


def _confirm(files: "Sequence[File]") -> bool:
    """Return whether a person wants to remove the files. Raises HandgradError if nobody can be asked."""
    if not sys.stdin.isatty():
        raise HandgradError("there is no terminal to ask on, so nothing was removed; to remove it, add --yes")
    print(f"Remove {_amount(files)}? What you want again is computed again. [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was removed.")
    return False
