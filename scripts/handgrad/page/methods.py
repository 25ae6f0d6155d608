"""What an experiment trains, in words, with the numbers of its config.

Light on purpose: Snakemake parses the workflow again in every job. The words are reStructuredText.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import yaml

from handgrad.common.formatting import counted
from handgrad.experiment.registry import without_places
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
    """Return a paragraph on the runs of one block that train on one dataset, whose registry entry is given."""
    distinct = {axis: list(dict.fromkeys(values)) for axis, values in block.items()}
    one = {axis: values[0] for axis, values in distinct.items() if len(values) == 1}
    sentences = [_lead(distinct, facts), _split(one, facts), _update(one)]
    if "pixels" in one:
        sentences.append(PIXELS_IN_WORDS[one["pixels"]].format(largest=facts["largest"]))
    if "init" in one:
        sentences.append(INITS_IN_WORDS[one["init"]])
    if "dtype" in one:
        sentences.append(f"Arithmetic is in {one['dtype']}.")
    return " ".join(filter(None, sentences))


def experiment_in_words(blocks: Iterable[Block], datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a paragraph for each block of an experiment file and each dataset that it names."""
    return [
        in_words({**block, "dataset": [dataset]}, datasets[dataset])
        for block in blocks
        for dataset in dict.fromkeys(block["dataset"])
    ]


def shown_config(experiment: "Experiment") -> str:
    """Return a configuration as YAML, with its defaults: what is shown of it, which is what results depend on.

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
        "datasets": {name: without_places(facts) for name, facts in datasets.items()},
    }
    # None: lists of plain values on one line
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def _lead(distinct: Block, facts: Mapping[str, Any]) -> str:
    """How many runs there are, on which data, and the values of all axes that vary."""
    shape = " x ".join(map(str, facts["image_shape"]))
    varied = {axis: distinct[axis] for axis in AXES_IN_WORDS if len(distinct[axis]) > 1}
    runs = counted(math.prod(map(len, varied.values())), "run")
    data = f"images of {shape} pixel values, {len(facts['class_names'])} classes"
    values = [f"{AXES_IN_WORDS[axis]} {', '.join(map(_text, found))}" for axis, found in varied.items()]
    combinations = f", all combinations of {'; '.join(values)}" if varied else ""
    return f"{runs} on ``{distinct['dataset'][0]}`` ({data}){combinations}."


def _split(one: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """What is trained on, for how long, and what is held out, as far as it is the same in all runs."""
    held, trained = one.get("validation_size"), facts["train"]
    if "train_size" in one and held is not None:
        trained = f"{one['train_size'] or facts['train'] - held:,} of {facts['train']:,}"
    words = [f"Each trains on {trained} training images"]
    if "epochs" in one:
        words.append(f"for {counted(one['epochs'], 'epoch')}")
    if "batch_size" in one:
        words.append(f"in batches of {one['batch_size']:,}")
    shown = ("activation", "hidden_units", "learning_rate", "l2", "seed")
    fixed = ", ".join(f"{AXES_IN_WORDS[axis]} = {_text(one[axis])}" for axis in shown if axis in one)
    sentence = f"{' '.join(words)}{fixed and f', with {fixed}'}, and is tested on {facts['test']:,} other images."
    if held:
        sentence += f" {held:,} training images are held out to choose by, the same ones for every seed."
    return sentence


def _update(one: Mapping[str, Any]) -> str:
    words = []
    if "batch_gradient" in one and "momentum" in one:
        words.append(STEPS_IN_WORDS[one["batch_gradient"], one["momentum"] > 0].format(momentum=_text(one["momentum"])))
    if "schedule" in one:
        words.append(SCHEDULES_IN_WORDS[one["schedule"]])
    return f"{'; '.join(words)}." if words else ""


def _text(value: Any) -> str:
    return "all" if value is None else canonical_text(value)
