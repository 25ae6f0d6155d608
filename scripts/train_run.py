"""Train one run: results/runs/<dataset>/<run>.h5 from results/data/<dataset>.h5."""

from threadpoolctl import threadpool_limits

from handgrad.data import read_data
from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.runfile import this_segment, write_run
from handgrad.runs import Run
from handgrad.training import Epoch, train


def main(*, dataset: str, name: str, data: str, out: str, code_digest: str, data_digest: str) -> None:
    require_code("train_run", code_digest)
    run = Run.from_name(dataset, name)
    images = read_data(data, data_digest)
    logger.info("%s %s: %d training examples", dataset, name, len(images.train.y))
    seconds = 0.0

    def log_epoch(number: int, epoch: Epoch) -> None:
        nonlocal seconds
        seconds += epoch.seconds
        left = seconds / number * (run.epochs - number)
        logger.info(
            "epoch %d of %d: data term %.4f, penalty %.4g, test loss %.4f, faults %d, %.2f s, %.0f s left",
            number,
            run.epochs,
            epoch.data_term,
            epoch.penalty,
            epoch.test_loss,
            epoch.test_faults,
            epoch.seconds,
            left,
        )

    with threadpool_limits(1):  # the same sums in the same order, whatever the machine has
        trained = train(run, images, log_epoch)
    if trained.status == "diverged":
        logger.info("diverged in epoch %d", len(trained.state.history))
    segment = this_segment(1, len(trained.state.history), seconds)
    content = write_run(out, trained, [segment], code_digest=code_digest, data_digest=data_digest)
    logger.info("content_sha256 %s", content)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(
            dataset=snakemake.wildcards.dataset,
            name=snakemake.wildcards.run,
            data=snakemake.input.data,
            out=snakemake.output[0],
            code_digest=snakemake.params.code,
            data_digest=snakemake.params.data,
        )
