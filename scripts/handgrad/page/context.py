"""The facts of an experiment that captions and the page show. Snakemake's report and the page use the same captions.

This module imports little, because Snakemake parses the workflow again in every job.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import yaml

from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import without_places
from handgrad.layout.paths import dataset_names

#: maximum numbers in figures of the best run: mistakes; hidden units shown as images; otherwise hidden units and inputs
MAX_MISTAKES, MAX_UNITS, MAX_FEATURE_UNITS, MAX_INPUTS = 24, 64, 24, 30
WEIGHT_PERCENTILE = 99.5  # percentage of weights within the scale of their figure


def loss_divisors(experiment: Experiment) -> dict[str, float]:
    """Return, for each dataset of an experiment, the number by which the published losses were divided."""
    divisors = experiment.published.loss_divisor if experiment.published and experiment.has_published else {}
    return {dataset: divisors[dataset] for dataset in sorted(dataset_names(experiment)) if dataset in divisors}


def caption_context(experiment: Experiment, dataset: str | None = None) -> dict[str, Any]:
    """Return the values that captions in ``workflow/report`` use, for one dataset or for all."""
    return {
        "experiment": experiment.name,
        "dataset": dataset,
        "image_shape": experiment.datasets[dataset]["image_shape"] if dataset else None,
        "published": experiment.has_published_dataset,
        "halving": bool(experiment.halved),
        "loss_divisor": loss_divisors(experiment),
        "max_mistakes": MAX_MISTAKES,
        "max_units": MAX_UNITS,
        "max_feature_units": MAX_FEATURE_UNITS,
        "max_inputs": MAX_INPUTS,
        "weight_percentile": WEIGHT_PERCENTILE,
    }


def shown_config(experiment: Experiment) -> dict[str, Any]:
    """Return the part of the configuration on which results depend, with defaults, to show on the page.

    It has the registry entries of the datasets of the runs, without URLs and local folders of their files. If the
    published table has rows of these datasets, it is shown by its file name, without the folder on this machine.
    """
    datasets = {run.dataset: experiment.datasets[run.dataset] for run in experiment.all_runs}
    published = experiment.published if experiment.has_published_dataset else None
    divisors = published.loss_divisor if published else {}
    return {
        "name": experiment.name,
        "experiments": [block.as_config() for block in experiment.blocks],
        "gradient_check": vars(experiment.gradient_check),
        "published": {
            "table": published and PurePath(published.table).name,
            "loss_divisor": {name: divisor for name, divisor in divisors.items() if name in datasets},
        },
        "datasets": {name: without_places(facts) for name, facts in datasets.items()},
    }


def config_text(config: Mapping[str, Any]) -> str:
    """Return a configuration as YAML without anchors and aliases."""
    dumper = type("_Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    # None writes lists of plain values on one line
    return str(
        yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    )
