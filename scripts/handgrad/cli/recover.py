"""``handgrad recover`` and ``handgrad clean-checkpoints``: tidying up."""

import shutil
from pathlib import Path

CHECKPOINTS = Path("results/checkpoints")


def recover() -> None:
    """Clean up after a snakemake that was killed.

    Ends the SLURM jobs and local processes that it left, unlocks the folder and removes unfinished files, so that the
    next snakemake completes the rest. Refuses while a snakemake is running here; to call it again is safe.

    \b
    Example:
      handgrad recover && snakemake --cores 8
    """
    from handgrad.monitor import recovery

    for line in recovery.recover(Path.cwd()):
        print(line, flush=True)


def clean_checkpoints() -> None:
    """Remove the checkpoints of all runs.

    Finished results stay. A run that was not finished, or gets more epochs, begins again.

    \b
    Example:
      handgrad clean-checkpoints
    """
    from handgrad.archive.stale import files_in
    from handgrad.common.formatting import size_text
    from handgrad.monitor.recovery import require_unlocked

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
