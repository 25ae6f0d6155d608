"""What captions say of an experiment: the same in Snakemake's report and on the page.

Light on purpose: Snakemake parses the workflow again in every job.
"""

from typing import Any

from handgrad.experiment.config import Experiment
from handgrad.layout.paths import checked, dataset_names, run_files

#: what figures of the best run show at most, and the percentage of weights within the scale of their figure
MAX_MISTAKES, MAX_UNITS, WEIGHT_PERCENTILE = 24, 64, 99.5


def loss_divisors(experiment: Experiment) -> dict[str, float]:
    """Return what the published losses of the experiment's datasets were divided by."""
    divisors = experiment.published.loss_divisor if experiment.published and experiment.has_published else {}
    return {dataset: divisors[dataset] for dataset in sorted(dataset_names(experiment)) if dataset in divisors}


def caption_context(experiment: Experiment, dataset: str | None = None) -> dict[str, Any]:
    """Return what the captions of ``workflow/report`` take, for one dataset or for all."""
    return {
        "experiment": experiment.name,
        "dataset": dataset,
        "image_shape": experiment.datasets[dataset]["image_shape"] if dataset else None,
        "runs": len(run_files(experiment, dataset)),
        "checks": len(checked(experiment)),
        "loss_divisor": loss_divisors(experiment),
        "max_mistakes": MAX_MISTAKES,
        "max_units": MAX_UNITS,
        "weight_percentile": WEIGHT_PERCENTILE,
    }
