"""What an experiment trains, in words, with the numbers of its config; the sentences are in assets/runs.html."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handgrad.network.activations import ACTIVATIONS
from handgrad.page.templates import TEMPLATES

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

_PIXELS = {
    "raw": "Pixel values enter as they are, 0 to {largest}.",
    "unit": "Pixel values are divided by {largest}.",
    "standardize": (
        "Pixel values u = x/{largest} enter as (u - mean)/(std + 0.1), mean and standard deviation of each "
        "pixel from the training images alone."
    ),
}
#: an update, by the batch gradient and whether there is momentum
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
_SCHEDULES = {
    "constant": "η is the same in all updates.",
    "cosine": "η falls to 0 along half a cosine over all updates.",
}
_INITS = {
    "published": (
        "W1 begins normal with standard deviation 1/√(D+1), D pixel values, and its bias column with 1; W2 "
        "with 0, and its bias column with 1."
    ),
    "scaled": (
        "W1 begins normal with a standard deviation s/√D and a bias that suit the activation: "
        + "; ".join(
            f"s = {h.spread:g} and {'a phase, uniform in [-π, π],' if h.periodic else f'bias {h.bias:g}'} for {name}"
            for name, h in ACTIVATIONS.items()
        )
        + ". W2 begins with 0."
    ),
}
#: what a value of an axis means
VALUES_IN_WORDS = {"schedule": _SCHEDULES, "pixels": _PIXELS, "init": _INITS}


def experiment_in_words(blocks: Iterable[Block], datasets: Mapping[str, Mapping[str, Any]]) -> str:
    """Return an item of an HTML list for each block of an experiment file and each dataset that it names.

    datasets: their registry entries.
    """
    return "".join(
        _in_words(block, dataset, datasets[dataset]) for block in blocks for dataset in dict.fromkeys(block["dataset"])
    )


def _in_words(block: Block, dataset: str, facts: Mapping[str, Any]) -> str:
    distinct = {axis: list(dict.fromkeys(block[axis])) for axis in AXES_IN_WORDS}
    varied = {axis: values for axis, values in distinct.items() if len(values) > 1}
    return TEMPLATES.get_template("runs.html").render(
        dataset=dataset,
        facts=facts,
        runs=math.prod(map(len, varied.values())),
        varied=varied,
        one={axis: values[0] for axis, values in distinct.items() if axis not in varied},
        axes=AXES_IN_WORDS,
        steps=STEPS_IN_WORDS,
        words=VALUES_IN_WORDS,
    )
