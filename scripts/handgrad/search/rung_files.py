"""The JSON files of candidates that stop after a rung, see ``common.sealed_json``.

They hold no times and no hosts, so that equal results have equal bytes::

    run                    every axis of the run
    until                  the epochs of the rung
    status                 stopped, or diverged in one of these epochs
    validation_faults,     one value for each trained epoch; null if a loss is not finite
    validation_loss
    code_digest, data_digest, data_content     of training and of the data
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.sealed_json import parse_sealed_json, require_values, write_sealed_json
from handgrad.common.system_errors import reading_result
from handgrad.experiment.runs import Run
from handgrad.storage.checkpoint import Checkpoint
from handgrad.storage.run_reader import Summary, read_current


@dataclass(frozen=True)
class RungResult:
    """The validation figures of a run, one for each epoch until a rung. status: stopped, finished or diverged."""

    run: Run
    until: int
    status: str
    validation_faults: tuple[int, ...]
    validation_loss: tuple[float | None, ...]

    @property
    def diverged(self) -> bool:
        """Whether the run diverged in one of these epochs."""
        return self.status == "diverged"

    @property
    def mistake(self) -> str | None:
        """What is impossible in the result of a rung file, which may come from an archive of anyone, or None."""
        epochs, size = len(self.validation_faults), self.run.validation_size
        if self.status not in ("stopped", "diverged"):
            return f"status {self.status!r}"
        if epochs != len(self.validation_loss) or not (1 if self.diverged else self.until) <= epochs <= self.until:
            return f"{epochs} faults and {len(self.validation_loss)} losses in {self.until} epochs"
        if not all(type(faults) is int and 0 <= faults <= size for faults in self.validation_faults):
            return f"faults that are not whole numbers from 0 to {size}"
        finite = self.validation_loss[:-1] if self.diverged else self.validation_loss
        if not all(loss is not None and 0 <= loss < math.inf for loss in finite):
            return "a loss that is not a number from 0"
        return None


def rung_result(run: Run, until: int, checkpoint: Checkpoint) -> RungResult:
    """Return the result of a run at a rung. The checkpoint may be further than the rung."""
    history, ended = checkpoint.state.history, checkpoint.ended
    diverged = ended is not None and ended.status == "diverged" and len(history) <= until
    epochs = history[:until]
    losses = (epoch.validation_loss for epoch in epochs)
    return RungResult(
        run,
        until,
        "diverged" if diverged else "stopped",
        tuple(epoch.validation_faults for epoch in epochs),
        tuple(loss if math.isfinite(loss) else None for loss in losses),
    )


def write_rung_file(path: str | Path, result: RungResult, digests: Mapping[str, str]) -> None:
    """Write a result. digests: of code and data."""
    write_sealed_json(path, {**asdict(result), **digests})


def read_result(
    path: str | Path, until: int, *, dataset: str, code_digest: str, data_digest: str, data_content: str | None = None
) -> tuple[RungResult, str]:
    """Return the result in a rung file or in a run file, and its digest.

    The digest is the sha256 of a rung file, or the seal of a run file.

    until: the expected epochs of a rung file. data_content: the content_sha256 of the data; None skips this comparison.
    Raises HandgradError if the file was changed, or was made with different code or data.
    """
    if Path(path).suffix == ".h5":
        contents = None if data_content is None else {dataset: data_content}
        digests = {dataset: data_digest}
        summary = read_current(path, code_digest=code_digest, data_digests=digests, contents=contents)
        return result_of(summary), summary.seal
    with reading_result(path):
        data = Path(path).read_bytes()
    expected: dict[str, Any] = {"until": until, "code_digest": code_digest, "data_digest": data_digest}
    expected |= {} if data_content is None else {"data_content": data_content}
    result = parse_rung_file(data, path, expected)
    require_values(path, "result of a rung", {"dataset": result.run.dataset}, {"dataset": dataset})
    return result, hashlib.sha256(data).hexdigest()


def parse_rung_file(data: bytes, path: str | Path, expected: Mapping[str, Any]) -> RungResult:
    """Return the result in the content of a rung file. Raises HandgradError as ``read_result`` does."""
    content = parse_sealed_json(data, path, "a result of a rung")
    require_values(path, "result of a rung", content, expected)
    try:
        figures = (tuple(content[name]) for name in ("validation_faults", "validation_loss"))
        result = RungResult(Run(**content["run"]), content["until"], content["status"], *figures)
        wrong = result.mistake
    except (TypeError, LookupError) as error:
        wrong = str(error)
    if wrong:
        raise HandgradError(f"{path}: not a result of a rung ({wrong}); {REMEDY}")
    return result


def result_of(summary: Summary) -> RungResult:
    """Return the result of a run with all its epochs."""
    faults, losses = (summary.history[name].tolist() for name in ("validation_faults", "validation_loss"))
    finite = tuple(loss if math.isfinite(loss) else None for loss in losses)
    return RungResult(summary.run, summary.run.epochs, summary.status, tuple(faults), finite)
