"""Compute class probabilities of new examples with a trained model."""

from dataclasses import dataclass

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.datasets.inputs import Array
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import forward, softmax
from handgrad.storage.run_reader import TrainedModel

BLOCK = 1000  # examples; limits the memory for inputs in floating point


@dataclass(frozen=True)
class Predictions:
    """labels: the class of the largest logit, integers (N,). probabilities: (N, K), in the dtype of the run."""

    labels: Array
    probabilities: Array


def predict(model: TrainedModel, x: Array) -> Predictions:
    """Return the predictions for stored inputs x, uint8 pixels or float32 features (N, D).

    Inputs are scaled as in training, and all numbers have the dtype of the run. Raises HandgradError if the numbers
    overflow, which happens for features far outside the range of the training data.
    """
    dtype, h = model.W.W1.dtype, ACTIVATIONS[model.run.activation].h
    labels, blocks = [np.empty(0, int)], [np.empty((0, len(model.W.W2)), dtype)]
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), BLOCK):
            S = forward(model.scaling.inputs(x[start : start + BLOCK], dtype), model.W, h).S
            if not np.isfinite(S).all():
                row = start + int(np.argmin(np.isfinite(S).all(axis=1)))
                raise HandgradError(f"row {row}: its inputs are too large for {dtype}, expected a range as in training")
            labels.append(S.argmax(axis=1))
            blocks.append(softmax(S))
    return Predictions(np.concatenate(labels), np.concatenate(blocks))
