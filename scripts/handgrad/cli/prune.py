"""``handgrad prune`` and ``handgrad clean-checkpoints``: remove what is not needed."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from handgrad.archive.stale import GROUPS, File, Inventory, files_in, remove, take_inventory
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, size_text
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.experiment_file import read_experiment
from handgrad.layout import paths
from handgrad.monitor.recovery import require_unlocked

CHECKPOINTS = Path(paths.CHECKPOINTS)


def prune_results(files: Sequence[Path], *, yes: bool, dry_run: bool) -> None:
    """List what none of these experiment files needs; remove it if that is wanted and confirmed.

    Raises HandgradError if an experiment file is wrong or, where files are to be removed, if Snakemake is running or
    nobody can be asked.
    """
    folder = Path.cwd()
    if not dry_run:
        require_unlocked(folder)
    experiments = _read_experiments(files)
    if (folder / "results").is_symlink() and not (folder / "results").exists():
        raise HandgradError("results: a link that leads nowhere; is the disk that it leads to mounted?")
    inventory = take_inventory(folder, experiments)
    print("Kept:", ", ".join(f"{one.name} ({counted(len(one.runs), 'run')})" for one in experiments))
    _print_inventory(inventory)
    if inventory.files and not dry_run and (yes or _confirm(inventory.files)):
        require_unlocked(folder)  # a person may have taken a while to answer
        print(f"results: {_amount(list(remove(folder, inventory.files)))} removed")


def _read_experiments(files: Sequence[Path]) -> list[Experiment]:
    """Return the experiments of some files. Raises ConfigError with the mistakes of all of them."""
    experiments, mistakes = [], dict[str, None]()
    for file in files:
        try:
            experiments.append(read_experiment(file)[1])
        except ConfigError as error:
            mistakes |= dict.fromkeys(error.mistakes)
    if mistakes:
        raise ConfigError(list(mistakes))
    return experiments


def _print_inventory(inventory: Inventory) -> None:
    """Print what is stale, group by group, and what is not known."""
    for group, files in inventory.stale.items():
        print(f"\n{GROUPS[group]}: {_amount(files)}")
        if group != "logs":  # as many as all others together, and with the same names
            for file in files:
                print(f"  {file.path}  {size_text(file.size)}")
    if inventory.unknown:
        print(f"\nnot known, or a link: left alone ({len(inventory.unknown)})")
        print(*(f"  {path}" for path in inventory.unknown), sep="\n")
    print(f"\nstale in all: {_amount(inventory.files)}" if inventory.files else "\nNothing is stale.")


def _amount(files: Sequence[File]) -> str:
    """Return how many files, and their size: ``12 files, 3.4 MB``."""
    return f"{counted(len(files), 'file')}, {size_text(sum(file.size for file in files))}"


def _confirm(files: Sequence[File]) -> bool:
    """Return whether a person wants to remove the files. Raises HandgradError if nobody can be asked."""
    if not sys.stdin.isatty():
        raise HandgradError("there is no terminal to ask on, so nothing was removed; to remove it, add --yes")
    print(f"Remove {_amount(files)}? What you want again is computed again. [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was removed.")
    return False


def remove_checkpoints() -> None:
    """Remove the checkpoints of all runs. Raises HandgradError if Snakemake is running."""
    require_unlocked(Path.cwd())
    sizes = [path.lstat().st_size for path in files_in(CHECKPOINTS)] if CHECKPOINTS.is_dir() else []
    if not sizes:
        print(f"{CHECKPOINTS}: no checkpoints")
        return
    for path in CHECKPOINTS.iterdir():  # and not the folder itself, which may be a link to a larger disk
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"{CHECKPOINTS}: {len(sizes)} files removed, {size_text(sum(sizes))} freed")
    print("Finished results are as they were; a run that was not finished, or gets more epochs, begins again.")
