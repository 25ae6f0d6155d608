"""``handgrad prune`` and ``handgrad clean-checkpoints``: remove files that are not needed."""

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
    """List the files that no experiment needs, and remove them after confirmation.

    files: the experiment files to keep. yes: remove without asking. dry_run: only list. Raises HandgradError if an
    experiment file has mistakes, if Snakemake is running, or if there is no terminal for the confirmation.
    """
    folder = Path.cwd()
    if not dry_run:
        require_unlocked(folder)
    experiments = [read_experiment(file)[1] for file in files]
    if (folder / "results").is_symlink() and not (folder / "results").exists():
        raise HandgradError("results: a broken link; mount the disk of its target, or correct the link")
    inventory = take_inventory(folder, experiments)
    print("Kept:", ", ".join(f"{one.name} ({counted(len(one.all_runs), 'run')})" for one in experiments))
    _print_inventory(inventory)
    if not inventory.files or dry_run:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise HandgradError("no terminal for the confirmation, so nothing was removed; add --yes to remove")
        if not typer.confirm(f"Remove {_amount(inventory.files)}? Snakemake can compute them again."):
            print("Nothing was removed.")
            return
    require_unlocked(folder)  # Snakemake may have started during the prompt
    print(f"results: {_amount(list(remove(folder, inventory.files)))} removed")


def _print_inventory(inventory: Inventory) -> None:
    """Print the stale files by group, and the unknown files."""
    for group, files in inventory.stale.items():
        print(f"\n{GROUPS[group]}: {_amount(files)}")
        if group != "logs":  # logs have the names of the files above, so their list adds nothing
            print(*(f"  {file.path}  {size_text(file.size)}" for file in files), sep="\n")
    if inventory.unknown:
        print(f"\nunknown files and links, not removed ({len(inventory.unknown)})")
        print(*(f"  {path}" for path in inventory.unknown), sep="\n")
    print(f"\nstale in total: {_amount(inventory.files)}" if inventory.files else "\nNothing is stale.")


def _amount(files: Sequence[File]) -> str:
    """Return the number of files and their size: ``12 files, 3.4 MB``."""
    return f"{counted(len(files), 'file')}, {size_text(sum(file.size for file in files))}"


def remove_checkpoints() -> None:
    """Remove the checkpoints of all runs. Raises HandgradError if Snakemake is running."""
    require_unlocked(Path.cwd())
    folder = Path(paths.CHECKPOINTS)
    sizes = [path.lstat().st_size for path in files_in(folder)] if folder.is_dir() else []
    for path in folder.iterdir() if sizes else ():  # keep the folder: it may be a link to a larger disk
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(
        f"{folder}: {len(sizes)} files removed, {size_text(sum(sizes))} freed" if sizes else f"{folder}: no checkpoints"
    )
    print("Finished results stay. Unfinished runs, and finished runs that get more epochs, start again from epoch 1.")
