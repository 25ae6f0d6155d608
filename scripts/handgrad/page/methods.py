"""The text on the methods of an experiment, with the values of its config. Its template is assets/runs.html."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handgrad.experiment.blocks import Block, block_of
from handgrad.experiment.registry import value_bytes
from handgrad.experiment.runs import Run, canonical_text
from handgrad.experiment.searches import searches_of
from handgrad.network.activations import ACTIVATIONS
from handgrad.page.templates import TEMPLATES

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
    "train_size": "training examples",
    "validation_size": "validation examples",
}

_PIXELS = {
    "raw": "Inputs are pixel values from 0 to {largest}.",
    "unit": "Inputs are pixel values divided by {largest}.",
    "standardize": (
        "Inputs are (u - mean)/(std + 0.1), where u = x/{largest} for a pixel value x. "
        "Mean and standard deviation of each pixel are taken over the training examples."
    ),
}
_FEATURES = {
    "raw": "Inputs are the values of the data.",
    "unit": (
        "Inputs are (x - min)/(max - min). The minimum and maximum of each input are taken over the training examples; "
        "constant inputs are 0."
    ),
    "standardize": (
        "Inputs are standard scores (x - mean)/std. Mean and standard deviation of each input are taken over the "
        "training examples; constant inputs are 0."
    ),
}
#: the update rule, by batch_gradient and by whether momentum is above 0
STEPS_IN_WORDS = {
    ("sum", False): "An update is W ← W + η g, where g is the gradient of E over the batch.",
    ("mean", False): "An update is W ← W + (η/B) g, where g is the gradient of E over the batch of B examples.",
    ("sum", True): (
        "An update is V ← µ V + g, W ← W + η V, where µ = {momentum} and g is the gradient of E over the batch."
    ),
    ("mean", True): (
        "An update is V ← µ V + g/B, W ← W + η V, where µ = {momentum} and g is the gradient of E over the batch of B "
        "examples."
    ),
}
_SCHEDULES = {
    "constant": "η is constant.",
    "cosine": "From the first to the last update, η falls to 0 along half a cosine.",
}
_INITS = {
    "published": (
        "W1 is drawn from a normal distribution with standard deviation 1/√(D+1), where D is the number of inputs. "
        "W2 is initialised with 0, and both bias columns with 1."
    ),
    "scaled": (
        "W1 is drawn from a normal distribution with standard deviation s/√D, where D is the number of inputs. "
        "The scale s and the biases depend on the activation: {scales}. W2 is initialised with 0."
    ),
}
#: the meaning of each value of an axis, for pixels and for floating-point inputs
VALUES_IN_WORDS: Mapping[str, Mapping[str, str]] = {"schedule": _SCHEDULES, "pixels": _PIXELS, "init": _INITS}
FEATURES_IN_WORDS: Mapping[str, Mapping[str, str]] = {**VALUES_IN_WORDS, "pixels": _FEATURES}

#: the distributions of an axis, from {low} to {high}
DISTRIBUTIONS_IN_WORDS = {
    "log_uniform": "from {low} to {high} (drawn, uniform on a logarithmic scale)",
    "uniform": "from {low} to {high} (drawn, uniform)",
    "int_uniform": "from {low} to {high} (drawn, whole numbers)",
}
_SAMPLINGS = {"random": "at random", "sobol": "by a shifted Sobol sequence"}


def experiment_in_words(blocks: Iterable[Mapping[str, Any]], datasets: Mapping[str, Mapping[str, Any]]) -> str:
    """Return HTML: an item for each block of an experiment file and each of its datasets, and what all have in common.

    datasets: registry entries by name. Their train and test are numbers of examples.
    """
    parts = []
    entries = list(map(block_of, blocks))
    searches = {(search.block, search.dataset): search for search in searches_of(entries)}
    for number, block in enumerate(entries):
        runs: dict[str, list[Run]] = {}
        for run in block.table.runs:
            runs.setdefault(run.dataset, []).append(run)
        parts += [
            _part(block, some, datasets[dataset]) | {"search": searches.get((number, dataset))}
            for dataset, some in runs.items()
        ]
    common = [line for line in parts[0]["protocol"] if all(line in part["protocol"] for part in parts)]
    return TEMPLATES.get_template("runs.html").render(
        parts=parts,
        common=common,
        axes=AXES_IN_WORDS,
        distributions=DISTRIBUTIONS_IN_WORDS,
        samplings=_SAMPLINGS,
    )


def _part(block: Block, runs: Sequence[Run], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of the runs of a block on one dataset."""
    distinct = {axis: list(dict.fromkeys(getattr(run, axis) for run in runs)) for axis in AXES_IN_WORDS}
    drawn = {axis: next(iter(one.items())) for axis, one in block.drawn.items() if axis in AXES_IN_WORDS}
    varied = {axis: values for axis, values in distinct.items() if len(values) > 1 or axis in drawn}
    one = {axis: values[0] for axis, values in distinct.items() if axis not in varied}
    return {
        "dataset": runs[0].dataset,
        "facts": facts,
        "runs": len(runs),
        "block": block,
        "drawn": drawn,
        "varied": varied,
        "one": one,
        "protocol": _protocol(one, facts, distinct["activation"]),
    }


def _protocol(one: Mapping[str, Any], facts: Mapping[str, Any], activations: Iterable[str]) -> list[str]:
    """Return a sentence for each part of the training that does not vary. one: the axes with one value."""
    meanings = VALUES_IN_WORDS if value_bytes(facts) == 1 else FEATURES_IN_WORDS
    lines = []
    if one.get("validation_size"):
        held_out = f"{one['validation_size']:,} of the training examples are held out as the validation split"
        lines.append(f"{held_out}, the same examples for every seed.")
    if "batch_gradient" in one and "momentum" in one:
        step = STEPS_IN_WORDS[one["batch_gradient"], one["momentum"] > 0]
        lines.append(step.format(momentum=canonical_text(one["momentum"])))
    words = ((axis, of) for axis, of in meanings.items() if axis in one)
    scales = "; ".join(map(_scale, activations))
    lines += [of[one[axis]].format(largest=facts["largest"], scales=scales) for axis, of in words]
    return [*lines, *([f"Arithmetic is in {one['dtype']}."] if "dtype" in one else [])]


def _scale(name: str) -> str:
    h = ACTIVATIONS[name]
    biases = "uniform in [-π, π]" if h.periodic else f"of {h.bias:g}"
    return f"{name} has s = {h.spread:.3g} and biases {biases}"
