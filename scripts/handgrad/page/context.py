"""What captions and the page say of an experiment; captions are the same in Snakemake's report and on the page.

Light on purpose: Snakemake parses the workflow again in every job.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import yaml

from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import without_places
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


def shown_config(experiment: Experiment) -> dict[str, Any]:
    """Return a configuration with its defaults: what is shown of it, which is what results depend on.

    The registry has the datasets that are trained on, without the places that their files may come from. The
    published table is shown if it has rows of them, by its name alone, since its folder is this machine's.
    """
    datasets = {run.dataset: experiment.datasets[run.dataset] for run in experiment.runs}
    published = experiment.published if experiment.has_published_dataset else None
    divisors = published.loss_divisor if published else {}
    return {
        "name": experiment.name,
        "experiments": [dict(block) for block in experiment.blocks],
        "gradient_check": vars(experiment.gradient_check),
        "published": {
            "table": published and PurePath(published.table).name,
            "loss_divisor": {name: divisor for name, divisor in divisors.items() if name in datasets},
        },
        "datasets": {name: without_places(facts) for name, facts in datasets.items()},
    }


def config_text(config: Mapping[str, Any]) -> str:
    """Return a configuration as YAML, equal parts written out each time."""
    dumper = type("_Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    # None: lists of plain values on one line
    return str(
        yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    )
