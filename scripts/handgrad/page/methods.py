"""The text on the methods of an experiment, with the values of its config. Its template is assets/runs.html."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handgrad.network.activations import ACTIVATIONS
from handgrad.page.templates import TEMPLATES

#: an entry of ``experiments`` in an experiment file: the values of every axis
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
    "validation_size": "validation images",
}

_PIXELS = {
    "raw": "Inputs are pixel values from 0 to {largest}.",
    "unit": "Inputs are pixel values divided by {largest}.",
    "standardize": (
        "Inputs are (u - mean)/(std + 0.1) for pixel values u = x/{largest}. "
        "Mean and standard deviation of each pixel are taken over the training images."
    ),
}
#: the update rule, by batch_gradient and by whether momentum is above 0
STEPS_IN_WORDS = {
    ("sum", False): "An update is W + η g, where g is the gradient of E over the batch",
    ("mean", False): "An update is W + (η/B) g, where g is the gradient of E over the batch of B images",
    ("sum", True): (
        "An update is V ← µ V + g, W ← W + η V, where µ = {momentum} and g is the gradient of E over the batch"
    ),
    ("mean", True): (
        "An update is V ← µ V + g/B, W ← W + η V, where µ = {momentum} and g is the gradient of E over the batch of B "
        "images"
    ),
}
_SCHEDULES = {
    "constant": "η is constant.",
    "cosine": "η falls to 0 along half a cosine over all updates.",
}
_INITS = {
    "published": (
        "W1 is drawn from a normal distribution with standard deviation 1/√(D+1) for D inputs. "
        "W2 is initialised with 0, and both bias columns with 1."
    ),
    "scaled": (
        "W1 is drawn from a normal distribution with standard deviation s/√D for D inputs. Scales s and biases: "
        + "; ".join(
            f"s = {h.spread:g} and {'a bias uniform in [-π, π]' if h.periodic else f'bias {h.bias:g}'} for {name}"
            for name, h in ACTIVATIONS.items()
        )
        + ". W2 is initialised with 0."
    ),
}
#: the meaning of each value of an axis
VALUES_IN_WORDS = {"schedule": _SCHEDULES, "pixels": _PIXELS, "init": _INITS}


def experiment_in_words(blocks: Iterable[Block], datasets: Mapping[str, Mapping[str, Any]]) -> str:
    """Return an item of an HTML list for each block of an experiment file and each of its datasets.

    datasets: registry entries by name.
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
