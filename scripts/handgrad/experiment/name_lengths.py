"""Names of files that are longer than the file system allows, found before anything runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from handgrad.experiment.runs import NAMED_AXES, Run, canonical_text

#: characters that ``atomic.whole_file`` adds to a name while it writes: .<name>.xxxxxxxx.part
TEMPORARY = len("..") + 8 + len(".part")

Blocks = Sequence[Mapping[str, Sequence[Any]]]


def long_names(
    blocks: Blocks, check: str, datasets: Mapping[str, Mapping[str, Any]], folder: Path = Path()
) -> Iterator[str]:
    """The lines for files whose names would be too long for the file system of that folder.

    blocks: every axis with its values. check: the name of the gradient check's settings.
    """
    results, resources = _limit(folder / "results"), _limit(folder / "resources")
    for i, block in enumerate(blocks):
        run, dataset = _longest_run(block), max(block["dataset"], key=len)
        # a checkpoint while it is written; on SLURM, the folder of the job's log
        needed = max(len(f"{run}.checkpoint") + TEMPORARY, len(f"{dataset}_{run}"))
        if needed > results:
            what = f"the run {run}: {_too_long(needed, results, 'results/')}"
            yield f"experiments[{i}]: {what}; shorten its numbers by {needed - results} characters"
        name = f"{dataset}_{max(block['activation'], key=len)}_{check}.json"
        if (needed := len(name) + TEMPORARY) > results:
            what = f"its gradient check {_too_long(needed, results, 'results/')}"
            yield f"datasets.{dataset}: {what}; shorten its name by {needed - results} characters"
    for dataset in dict.fromkeys(name for block in blocks for name in block["dataset"]):
        for role, file in datasets[dataset]["files"].items():
            if (needed := len(file["name"]) + TEMPORARY) > min(results, resources):
                what = f"{_too_long(needed, min(results, resources), 'results/ and resources/')}"
                yield f"datasets.{dataset}.files.{role}.name: {what}; give the file a shorter name"


def _too_long(needed: int, limit: int, folder: str) -> str:
    return f"needs file names of {needed} bytes, and the file system of {folder} allows {limit}"


def _limit(folder: Path) -> int:
    """Bytes of the longest file name that a folder's file system allows; the folder may not exist yet."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return os.pathconf(existing, "PC_NAME_MAX")


def _longest_run(block: Mapping[str, Sequence[Any]]) -> str:
    """The longest name of the runs of a block, which is made of the longest text of each axis."""
    longest = {}
    for axis in NAMED_AXES:
        values = block[axis.name]
        named = [value for value in values if axis.default is MISSING or value != axis.default]
        longest[axis.name] = max(named or values, key=lambda value: len(canonical_text(value)))
    return Run(dataset=block["dataset"][0], **longest).name
