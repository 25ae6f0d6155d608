"""Remove the checkpoints of all runs and say how much room that made: ``make clean-checkpoints``.

A run that is finished does not need its checkpoint. One that is not begins again; so does one that is to be
trained for more epochs. To be run where Snakemake is run.
"""

import shutil
from pathlib import Path

from handgrad.archive.stale import files_in
from handgrad.cli.command import as_command
from handgrad.common.formatting import size_text
from recover_workflow import refuse_while_at_work, refuse_while_locked

CHECKPOINTS = Path("results/checkpoints")


def main(folder: Path) -> None:
    """Remove a folder's checkpoints. Raises HandgradError if a main snakemake is at work there, or may be."""
    refuse_while_at_work(folder)
    refuse_while_locked(folder)
    checkpoints = folder / CHECKPOINTS
    sizes = [path.lstat().st_size for path in files_in(checkpoints)] if checkpoints.is_dir() else []
    if not sizes:
        print(f"{CHECKPOINTS}: no checkpoints")
        return
    for path in checkpoints.iterdir():  # and not the folder itself, which may be a link to a larger disk
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"{CHECKPOINTS}: {len(sizes)} files removed, {size_text(sum(sizes))} freed")
    print("Finished results are as they were; a run that was not finished, or gets more epochs, begins again.")


if __name__ == "__main__":
    with as_command():
        main(Path.cwd())
