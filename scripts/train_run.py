"""Train one run: results/runs/<dataset>/<run>.h5 from results/data/<dataset>.h5 and any checkpoint of it."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from handgrad.common import code_digests as digests
from handgrad.common.logs import job_log, logger
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import StopSignals
from handgrad.datasets.data import ImageData, StoredData, open_data
from handgrad.experiment.runs import Run
from handgrad.gradient_check.files import read_check
from handgrad.storage.checkpoint import Checkpoint, Origin, furthest_checkpoint
from handgrad.storage.checkpoint_writer import CheckpointWriter, position_text
from handgrad.storage.run_writer import other_machines, write_run
from handgrad.training.loop import Epoch, TrainingResult, train


def main(
    *,
    run: Run,
    data: str,
    gate: str,
    checkpoints: str,
    checkpoint_seconds: float,
    out: str,
    code_digest: str,
    data_digest: str,
    progress: ProgressFile | None = None,
) -> None:
    digests.require_code("train_run", code_digest)
    with StopSignals() as stop, open_data(data, data_digest) as stored:
        origin = Origin(run, code_digest, stored.content)
        require_gate(gate, run, stored, data_digest)
        start = furthest_checkpoint(Path(checkpoints), origin)
        trained = start and start.end_of(run)
        if start and trained:
            logger.info("finished before; written from the checkpoint of %s", start.run.name)
            segments = start.segments
        else:
            writer = CheckpointWriter(Path(checkpoints), origin, checkpoint_seconds, stop, start)
            trained = train_on(origin, stored.images(), writer, start, progress or ProgressFile(None))
            segments = writer.segments(trained.state)
        if trained.status == "diverged":
            logger.info("diverged in epoch %d", len(trained.state.history))
        content = write_run(
            out,
            trained,
            segments,
            code_digest=code_digest,
            data_digest=data_digest,
            data_content=stored.content,
        )
        logger.info("content_sha256 %s", content)


def require_gate(path: str, run: Run, stored: StoredData, data_digest: str) -> None:
    """Raise HandgradError if the gate has not passed for this run's code and data as they are now.

    The digest of the check's code is no param of this job: a change of that code alone trains nothing again.
    """
    expected = {
        "dataset": run.dataset,
        "activation": run.activation,
        "code_digest": digests.code_digest("check_gate"),
        "data_digest": data_digest,
        "data_content": stored.content,
    }
    read_check(path, expected)


def train_on(
    origin: Origin, images: ImageData, writer: CheckpointWriter, start: Checkpoint | None, progress: ProgressFile
) -> TrainingResult:
    """Train a run to its end, from a checkpoint or from the beginning, keeping checkpoints of its own."""
    run = origin.run
    logger.info("%s %s: %d training examples", run.dataset, run.name, len(images.train.y))
    if start:
        logger.info("resumes after %s of %s", position_text(start.state), start.run.name)
        for machine in other_machines(start.segments):
            logger.warning("resumes what %s began: the last bits may be others than on one machine", machine)
    resumed = len(start.state.history) + (start.state.passed > 0) if start else 0
    facts = {"epochs": run.epochs, "resumed": resumed, "examples": len(images.train.y)}
    progress.write("epoch", epoch=len(start.state.history) if start else 0, seconds=0.0, **facts)
    seconds = 0.0

    def log_epoch(number: int, epoch: Epoch) -> None:
        nonlocal seconds
        if number > resumed:  # an epoch that this process has computed whole
            seconds += epoch.seconds
        an_epoch = seconds / (number - resumed) if seconds else epoch.seconds
        progress.write("epoch", epoch=number, seconds=seconds, **facts)
        logger.info(
            "epoch %d of %d: data term %.4f, penalty %.4g, test loss %.4f, faults %d, %.2f s, %.0f s left",
            number,
            run.epochs,
            epoch.data_term,
            epoch.penalty,
            epoch.test_loss,
            epoch.test_faults,
            epoch.seconds,
            an_epoch * (run.epochs - number),
        )

    with threadpool_limits(1):  # the same sums in the same order, whatever the machine has
        trained = train(run, images, log_epoch, on_batch=writer.after_batch, state=start.state if start else None)
    writer.at_end(trained)
    logger.info("%d checkpoints written in %.3f s", writer.written, writer.seconds)
    return trained


if "snakemake" in globals():
    with job_log(snakemake.log[0]) as progress:
        main(
            run=Run(**snakemake.params.run),
            data=snakemake.input.data,
            gate=snakemake.input.gate,
            checkpoints=snakemake.params.checkpoints,
            checkpoint_seconds=snakemake.params.checkpoint_seconds.value,
            out=snakemake.output[0],
            code_digest=snakemake.params.code,
            data_digest=snakemake.params.data,
            progress=progress,
        )
