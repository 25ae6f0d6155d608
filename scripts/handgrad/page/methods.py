"""What an experiment trains, in words, with the numbers of its config.

Light on purpose: Snakemake parses the workflow again in every job. The words are reStructuredText.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import yaml

from handgrad.experiment.runs import canonical_text

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment

#: an entry of an experiment file's ``experiments``: every axis, with its values
Block = Mapping[str, Sequence[Any]]

AXES_IN_WORDS = {
    "activation": "activation",
    "hidden_units": "hidden units M",
    "learning_rate": "learning rate η",
    "batch_size": "batch size B",
    "epochs": "epochs",
    "l2": "λ",
    "seed": "seed",
    "pixels": "pixels",
    "batch_gradient": "batch gradient",
    "momentum": "momentum µ",
    "schedule": "schedule",
    "init": "initial weights",
    "dtype": "number format",
    "train_size": "training images",
    "validation_size": "images held out for validation",
}

PIXELS_IN_WORDS = {
    "raw": "Pixel values enter as they are, 0 to {largest}.",
    "unit": "Pixel values are divided by {largest}.",
    "standardize": (
        "Pixel values u = x/{largest} enter as (u - mean)/(std + 0.1), mean and standard deviation of each "
        "pixel from the training images alone."
    ),
}
STEPS_IN_WORDS = {
    ("sum", False): "An update is W + η g, g the gradient of E over the batch",
    ("mean", False): "An update is W + (η/B) g, g the gradient of E over the batch of B images",
    (
        "sum",
        True,
    ): "An update is V ← µ V + g, W ← W + η V, with µ = {momentum} and g the gradient of E over the batch",
    ("mean", True): (
        "An update is V ← µ V + g/B, W ← W + η V, with µ = {momentum} and g the gradient of E over the "
        "batch of B images"
    ),
}
SCHEDULES_IN_WORDS = {
    "constant": "η is the same in all updates",
    "cosine": "η falls to 0 along half a cosine over all updates",
}
INITS_IN_WORDS = {
    "published": (
        "W1 begins normal with standard deviation 1/√(D+1), D pixel values, and its bias column with 1; W2 "
        "with 0, and its bias column with 1."
    ),
    "scaled": (
        "W1 begins normal with a standard deviation and a bias that suit the activation: s/√D and b, with "
        "s = 1 and b = 0, but s = 4 and b = -2 for softplus; for cos s = 0.2 and a phase, uniform in "
        "[-π, π]. W2 begins with 0."
    ),
}


def in_words(block: Block, facts: Mapping[str, Any]) -> str:
    """A paragraph on the runs of one block that train on one dataset, whose registry entry is given."""
    sentences = [
        _lead(block, facts),
        _split(block, facts),
        *_alone(block, "pixels", lambda value: PIXELS_IN_WORDS[value].format(largest=facts["largest"])),
        *_update(block),
        *_alone(block, "init", lambda value: INITS_IN_WORDS[value]),
        *_alone(block, "dtype", "Arithmetic is in {}.".format),
    ]
    return " ".join(sentences)


def experiment_in_words(blocks: Iterable[Block], datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A paragraph for each block of an experiment file and each dataset that it names."""
    return [
        in_words({**block, "dataset": [dataset]}, datasets[dataset])
        for block in blocks
        for dataset in dict.fromkeys(block["dataset"])
    ]


def shown_config(experiment: "Experiment") -> str:
    """A configuration as YAML, with its defaults: what is shown of it, which is what results depend on.

    The registry has the datasets that are trained on, without the places that their files may come from. The
    published table is shown if it has rows of them, by its name alone, since its folder is this machine's.
    """
    datasets = {run.dataset: experiment.datasets[run.dataset] for run in experiment.runs}
    published = experiment.published if experiment.has_published_dataset else None
    divisors = published.loss_divisor if published else {}
    config = {
        "name": experiment.name,
        "experiments": [dict(block) for block in experiment.blocks],
        "gradient_check": vars(experiment.gradient_check),
        "published": {
            "table": published and PurePath(published.table).name,
            "loss_divisor": {name: divisor for name, divisor in divisors.items() if name in datasets},
        },
        "datasets": {name: _without_places(facts) for name, facts in datasets.items()},
    }
    # None: lists of plain values on one line
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def _without_places(facts: Mapping[str, Any]) -> dict[str, Any]:
    files = {
        role: {key: value for key, value in file.items() if key != "mirrors"} for role, file in facts["files"].items()
    }
    return {**{key: value for key, value in facts.items() if key != "local_dir"}, "files": files}


def _lead(block: Block, facts: Mapping[str, Any]) -> str:
    shape = " x ".join(map(str, facts["image_shape"]))
    classes = len(facts["class_names"])
    varied = [axis for axis in AXES_IN_WORDS if len(set(block[axis])) > 1]
    count = math.prod(len(set(block[axis])) for axis in varied)
    runs = f"{count:,} run{'' if count == 1 else 's'} on ``{block['dataset'][0]}``"
    data = f"images of {shape} pixel values, {classes} classes"
    if not varied:
        return f"{runs} ({data})."
    values = "; ".join(f"{AXES_IN_WORDS[axis]} {_list(block[axis])}" for axis in varied)
    return f"{runs} ({data}), all combinations of {values}."


def _split(block: Block, facts: Mapping[str, Any]) -> str:
    """What is trained on, for how long, and what is held out, as far as it is the same in all runs."""
    held = block["validation_size"]
    size, epochs, batch = block["train_size"], block["epochs"], block["batch_size"]
    first = ["Each trains"]
    if len(set(size)) == len(set(held)) == 1:
        count = size[0] or facts["train"] - held[0]
        which = "all" if count == facts["train"] else f"{count:,} of"
        first.append(f"on {which} {facts['train']:,} training images")
    else:
        first.append(f"on part of {facts['train']:,} training images")
    if len(set(epochs)) == 1:
        first.append(f"for {epochs[0]:,} epoch{'' if epochs[0] == 1 else 's'}")
    if len(set(batch)) == 1:
        first.append(f"in batches of {batch[0]:,}")
    fixed = [
        f"{AXES_IN_WORDS[axis]} = {canonical_text(block[axis][0])}"
        for axis in ("activation", "hidden_units", "learning_rate", "l2", "seed")
        if len(set(block[axis])) == 1
    ]
    with_these = f", with {', '.join(fixed)}" if fixed else ""
    tested = f"and is tested on {facts['test']:,} other images"
    told = f"{' '.join(first)}{with_these}, {tested}."
    if len(set(held)) == 1 and held[0]:
        told += f" {held[0]:,} training images are held out to choose by, the same ones for every seed."
    return told


def _update(block: Block) -> list[str]:
    forms, momenta, schedules = (set(block[axis]) for axis in ("batch_gradient", "momentum", "schedule"))
    told = []
    if len(forms) == len(momenta) == 1:
        (form,), (momentum,) = forms, momenta
        told.append(STEPS_IN_WORDS[form, momentum > 0].format(momentum=canonical_text(momentum)))
    if len(schedules) == 1:
        (schedule,) = schedules
        told.append(SCHEDULES_IN_WORDS[schedule])
    return [f"{'; '.join(told)}."] if told else []


def _alone(block: Block, axis: str, sentence: Any) -> list[str]:
    """A sentence on an axis that has one value in all runs; those that vary stand in the lead."""
    values = list(dict.fromkeys(block[axis]))
    return [sentence(values[0])] if len(values) == 1 else []


def _list(values: Sequence[Any]) -> str:
    texts = ["all" if value is None else canonical_text(value) for value in dict.fromkeys(values)]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
