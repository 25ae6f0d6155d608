"""Train one run from results/data/<dataset>.h5 and write results/runs/<dataset>/<run>.h5.

Training continues from a checkpoint if a usable one exists.
"""

from pathlib import Path

from handgrad.common.code_digests import code_digest as digest_of
from handgrad.common.logs import logger
from handgrad.common.progress_file import ProgressFile
from handgrad.common.rule_job import rule_job
from handgrad.common.signals import StopSignals
from handgrad.datasets.data import open_data
from handgrad.experiment.runs import Run
from handgrad.gradient_check.files import read_check
from handgrad.storage.checkpoint import Origin
from handgrad.storage.run_writer import write_run
from handgrad.storage.training_job import run_to_its_end
from handgrad.training.loop import scaling_of


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
    """Train the run and write its file.

    The digest of the check's code is not a param of this job, so a change of that code alone retrains nothing.

    Raises HandgradError if the gate did not pass with the current code and data.
    """
    with StopSignals() as stop, open_data(data, data_digest) as stored:
        digests = {"code_digest": digest_of("check_gate"), "data_digest": data_digest, "data_content": stored.content}
        read_check(gate, {"dataset": run.dataset, "activation": run.activation, **digests})
        trained, segments = run_to_its_end(
            Origin(run, code_digest, stored.content),
            stored.dataset,
            Path(checkpoints),
            interval=checkpoint_seconds,
            stop=stop,
            progress=progress or ProgressFile(None),
        )
        if trained.status == "diverged":
            logger.info("diverged in epoch %d", len(trained.state.history))
        content = write_run(
            out,
            trained,
            segments,
            **{**digests, "code_digest": code_digest},
            scaling=trained.scaling or scaling_of(run, stored.dataset()),
            spec=stored.spec,
            class_names=stored.class_names,
        )
        logger.info("content_sha256 %s", content)


if "snakemake" in globals():
    with rule_job("train_run", snakemake) as progress:
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
