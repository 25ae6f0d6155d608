"""The checkpoints in a folder: how far each run is."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from handgrad.experiment.runs import Run
from handgrad.layout.paths import CHECKPOINTS
from handgrad.layout.resources import Facts, train_size
from handgrad.storage.checkpoint import SUFFIX, Header, Unusable, read_header


class Checkpoints:
    """The checkpoints in a folder. training: digest of the training code; checkpoints of other code are ignored."""

    def __init__(self, folder: Path, training: str) -> None:
        self._headers: dict[tuple[Any, ...], list[Header]] = {}
        for path in folder.glob(f"{CHECKPOINTS}/*/*{SUFFIX}"):
            with suppress(Unusable, OSError):
                header = read_header(path)
                if header.code == training:
                    self._headers.setdefault(_all_but_epochs(header.run), []).append(header)

    def passed(self, run: Run, facts: Facts) -> float:
        """Return the number of epochs in the furthest usable checkpoint of a run. facts: of its dataset."""
        found = [0.0]
        for header in self._headers.get(_all_but_epochs(run), []):
            if header.run == run or run.can_be_extended:
                epochs = header.epochs + header.passed / train_size(run, facts)
                found.append(run.epochs if header.ended and header.run == run else epochs)
        return max(epochs for epochs in found if epochs <= run.epochs)


def _all_but_epochs(run: Run) -> tuple[Any, ...]:
    return tuple(value for axis, value in vars(run).items() if axis != "epochs")
