"""The measurements of an epoch, and the evaluation of a network on some examples."""

import math
from dataclasses import dataclass

from handgrad.datasets.inputs import Bytes
from handgrad.network.activations import Array


@dataclass(frozen=True)
class Epoch:
    """The measurements of one epoch.

    - data_term: mean log-likelihood of a training example, computed during the epoch, batch by batch.
    - penalty: (lambda/2)|W|^2 at the end of the epoch.
    - losses: mean negative log-likelihood of an example, without penalty.
    - faults: number of misclassified examples.
    - seconds: time of training and evaluation.

    Without a validation split, validation_loss is nan and validation_faults is -1.
    """

    data_term: float
    penalty: float
    test_loss: float
    test_faults: int
    validation_loss: float
    validation_faults: int
    seconds: float

    @property
    def finite(self) -> bool:
        """True if all measurements are finite. Those of validation count only if there is a validation split."""
        figures = [self.data_term, self.penalty, self.test_loss]
        return all(map(math.isfinite, figures)) and (self.validation_faults < 0 or math.isfinite(self.validation_loss))


@dataclass(frozen=True)
class Evaluation:
    """Loss, faults, predicted classes, uint8 (N,), and probabilities Y, N x K, of some examples.

    The prediction is the class of the largest logit, not of the largest probability. The probabilities of two close
    logits can round to the same number.
    """

    loss: float
    faults: int
    predictions: Bytes
    Y: Array
