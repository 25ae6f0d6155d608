"""The velocity V of the weights under momentum.

    V <- mu V + c g,  g = g_data - lambda W
    W <- W + eta V

Computed directly, these two lines would pass over W1 and V1 five times. The code stores two arrays P and Q and
three numbers instead:

    W1 = w1_scale P,  V1 = scale Q + share P

An update then adds g_data to Q and a multiple of Q to P. Everything else changes only the numbers:

    scale  <- mu scale                     V1 <- mu V1 - c lambda W1
    share  <- mu share - c lambda w1_scale
    Q      <- Q + (c/scale) g_data
    shrunk  = w1_scale + eta share            W1 <- W1 + eta V1 = shrunk P + eta scale Q
    P      <- P + (eta scale/shrunk) Q
    scale  <- scale w1_scale/shrunk           because share P has changed with P
    w1_scale  <- shrunk

Before a number leaves its range, all three are multiplied into the arrays: P = W1, Q = V1. V2 is small and is
stored directly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handgrad.network.activations import Array
from handgrad.network.model import Weights
from handgrad.training.blas import BLAS

#: y <- y + a x in place, for vectors
AXPY: dict[str, Callable[..., Array]] = {"float32": BLAS.saxpy, "float64": BLAS.daxpy}
SMALLEST_SCALE = 2.0**-20


@dataclass
class Velocity:
    """The velocities of both matrices, in the memory order of the weights (``batch.in_step_order``).

    - W1: the array Q, M x (D+1). The velocity of W1 is V1 = scale Q + share P.
    - W2: the velocity V2, K x (M+1).
    """

    W1: Array
    W2: Array
    scale: float = 1.0
    share: float = 0.0

    @classmethod
    def at_rest(cls, W: Weights) -> "Velocity":
        """Return a velocity of zeros for these weights."""
        return cls(np.zeros_like(W.W1), np.zeros_like(W.W2))

    def materialize(self, P: Array) -> None:
        """Compute V1 in place, so that scale = 1 and share = 0. P: the stored array of the weights W1, unchanged."""
        self.W1 *= self.scale
        if self.share:
            add_multiple(P, self.share, self.W1)
        self.scale, self.share = 1.0, 0.0

    def slow_down(self, P: Array, w1_scale: float, momentum: float, pull: float, eta: float) -> tuple[float, float]:
        """Update V1 <- momentum V1 - pull W1, where pull = c lambda. The caller adds the gradient of the data term.

        Return (w1_scale, shrunk): the scale of P before and after W1 <- W1 + eta V1. Both are 1 if the numbers had to
        be multiplied into the arrays.
        """
        scale, share = momentum * self.scale, momentum * self.share - pull * w1_scale
        shrunk = w1_scale + eta * share
        self.scale, self.share = scale, share
        if not (0.5 < shrunk <= 1 and scale > SMALLEST_SCALE):
            self.materialize(P)
            P *= w1_scale
            return 1.0, 1.0
        return w1_scale, shrunk


def add_multiple(x: Array, a: float, y: Array) -> None:
    """Update y <- y + a x in place, for contiguous matrices of the same memory order."""
    AXPY[y.dtype.name](x.ravel("K"), y.ravel("K"), a=a)
