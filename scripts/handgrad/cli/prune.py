"""``handgrad prune`` and ``handgrad clean-checkpoints``: remove what is not needed."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from handgrad.archive.stale import GROUPS, File, Inventory, files_in, remove, take_inventory
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, size_text
from handgrad.experiment.config import read_experiment
from handgrad.layout import paths
from handgrad.monitor.recovery import require_unlocked


def prune_results(files: Sequence[Path], *, yes: bool, dry_run: bool) -> None:
    """List what none of these experiment files needs; remove it if that is wanted and confirmed.

    Raises HandgradError if an experiment file is wrong or, where files are to be removed, if Snakemake is running or
    nobody can be asked.
    """
    folder = Path.cwd()
    if not dry_run:
        require_unlocked(folder)
    experiments = [read_experiment(file)[1] for file in files]
    if (folder / "results").is_symlink() and not (folder / "results").exists():
        raise HandgradError("results: a link that leads nowhere; is the disk that it leads to mounted?")
    inventory = take_inventory(folder, experiments)
    print("Kept:", ", ".join(f"{one.name} ({counted(len(one.runs), 'run')})" for one in experiments))
    _print_inventory(inventory)
    if not inventory.files or dry_run:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise HandgradError("there is no terminal to ask on, so nothing was removed; to remove it, add --yes")
        if not typer.confirm(f"Remove {_amount(inventory.files)}? What you want again is computed again."):
            print("Nothing was removed.")
            return
    require_unlocked(folder)  # a person may have taken a while to answer
    print(f"results: {_amount(list(remove(folder, inventory.files)))} removed")


def _print_inventory(inventory: Inventory) -> None:
    """Print what is stale, group by group, and what is not known."""
    for group, files in inventory.stale.items():
        print(f"\n{GROUPS[group]}: {_amount(files)}")
        if group != "logs":  # as many as all others together, and with the same names
            print(*(f"  {file.path}  {size_text(file.size)}" for file in files), sep="\n")
    if inventory.unknown:
        print(f"\nnot known, or a link: left alone ({len(inventory.unknown)})")
        print(*(f"  {path}" for path in inventory.unknown), sep="\n")
    print(f"\nstale in all: {_amount(inventory.files)}" if inventory.files else "\nNothing is stale.")


def _amount(files: Sequence[File]) -> str:
    """Return how many files, and their size: ``12 files, 3.4 MB``."""
    return f"{counted(len(files), 'file')}, {size_text(sum(file.size for file in files))}"


def remove_checkpoints() -> None:
    """Remove the checkpoints of all runs. Raises HandgradError if Snakemake is running."""
    require_unlocked(Path.cwd())
    folder = Path(paths.CHECKPOINTS)
    sizes = [path.lstat().st_size for path in files_in(folder)] if folder.is_dir() else []
    for path in folder.iterdir() if sizes else ():  # and not the folder itself, which may be a link to a larger disk
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(
        f"{folder}: {len(sizes)} files removed, {size_text(sum(sizes))} freed" if sizes else f"{folder}: no checkpoints"
    )
    print("Finished results are as they were; a run that was not finished, or gets more epochs, begins again.")
