"""A job that trains a run: it requires the gate of the run, opens the dataset, trains, and writes a run file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handgrad.common.code_digests import code_digest as digest_of
from handgrad.common.logs import logger
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import StopSignals
from handgrad.datasets.data import StoredData, open_data
from handgrad.experiment.runs import Run
from handgrad.gradient_check.files import read_check
from handgrad.storage.checkpoint import Checkpoint, Origin
from handgrad.storage.run_writer import write_run
from handgrad.storage.training_job import run_until
from handgrad.training.loop import scaling_of


@dataclass(frozen=True, kw_only=True)
class RunJob:
    """What a job needs to train runs of a dataset.

    data: path of the dataset file. gates: path of the gate of each activation. checkpoints: folder. code_digest: of
    training. progress: of the job.

    The digest of the check's code is not a param of such a job, so a change of that code alone retrains nothing.
    """

    data: str
    gates: Mapping[str, str]
    checkpoints: str
    checkpoint_seconds: float
    code_digest: str
    data_digest: str
    progress: ProgressFile = field(default_factory=lambda: ProgressFile(None))

    @classmethod
    def from_snakemake(
        cls, snakemake: Any, gates: Mapping[str, str], code_digest: str, progress: ProgressFile
    ) -> "RunJob":
        """Return the job of a script. snakemake: the object of this name that Snakemake passes to scripts."""
        return cls(
            data=snakemake.input.data,
            gates=gates,
            checkpoints=snakemake.params.checkpoints,
            checkpoint_seconds=snakemake.params.checkpoint_seconds.value,
            code_digest=code_digest,
            data_digest=snakemake.params.data,
            progress=progress,
        )

    def write_run_file(self, run: Run, out: str) -> None:
        """Train a run for all its epochs and write its file. Raises HandgradError as ``trained_until`` does."""
        with self._trained(run, run.epochs) as (checkpoint, stored):
            ended = checkpoint.ended
            assert ended is not None, "a run with all its epochs has ended"
            if ended.status == "diverged":
                logger.info("diverged in epoch %d", len(ended.state.history))
            content = write_run(
                out,
                ended,
                checkpoint.segments,
                **self.digests(stored),
                scaling=ended.scaling or scaling_of(run, stored.dataset()),
                spec=stored.spec,
                class_names=stored.class_names,
            )
            logger.info("content_sha256 %s", content)

    def trained_until(self, run: Run, epochs: int) -> tuple[Checkpoint, dict[str, str]]:
        """Train a run until it has this number of epochs; return its checkpoint, and the digests of code and data.

        The checkpoint may be further, see ``run_until``. Raises HandgradError if the gate did not pass with the current
        code and data.
        """
        with self._trained(run, epochs) as (checkpoint, stored):
            return checkpoint, self.digests(stored)

    def digests(self, stored: StoredData) -> dict[str, str]:
        """Return the digests of code and data, as files of runs hold them."""
        return {"code_digest": self.code_digest, "data_digest": self.data_digest, "data_content": stored.content}

    @contextmanager
    def _trained(self, run: Run, epochs: int) -> Iterator[tuple[Checkpoint, StoredData]]:
        with StopSignals() as stop, open_data(self.data, self.data_digest) as stored:
            expected = {**self.digests(stored), "code_digest": digest_of("check_gate")}
            gate = self.gates[run.activation]
            read_check(gate, {"dataset": run.dataset, "activation": run.activation, **expected})
            checkpoint = run_until(
                epochs,
                Origin(run, self.code_digest, stored.content),
                stored.dataset,
                Path(self.checkpoints),
                interval=self.checkpoint_seconds,
                stop=stop,
                progress=self.progress,
            )
            yield checkpoint, stored
