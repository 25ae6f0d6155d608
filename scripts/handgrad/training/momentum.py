"""The velocity V of the weights, which momentum keeps from update to update.

    V <- mu V + c g,  g = g_data - lambda W
    W <- W + eta V

Written down so, an update would pass over W1 and V1 five times. Here it adds a product to one array and
that array to another. What is stored of the two are arrays P and Q and three numbers:

    W1 = w1_scale P,  V1 = scale Q + share P

Without data an update is then arithmetic on numbers, but for W1 <- W1 + eta V1:

    scale  <- mu scale                     V1 <- mu V1 - c lambda W1
    share  <- mu share - c lambda w1_scale
    Q      <- Q + (c/scale) g_data
    shrunk  = w1_scale + eta share            W1 <- W1 + eta V1 = shrunk P + eta scale Q
    P      <- P + (eta scale/shrunk) Q
    scale  <- scale w1_scale/shrunk           for P has changed: share P is now another
    w1_scale  <- shrunk

Before a number leaves its range all are multiplied in: P = W1, Q = V1. V2 is small and stored as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

from handgrad.network.activations import Array
from handgrad.network.model import Weights

#: y <- y + a x in place, for vectors
AXPY: dict[str, Callable[..., Array]] = {"float32": saxpy, "float64": daxpy}
SMALLEST_SCALE = 2.0**-20


@dataclass
class Velocity:
    """V of both matrices: V2 = W2, K x (M+1), and V1 = scale W1 + share P, M x (D+1).

    The matrices lie in memory as the weights do (``batch.in_step_order``).
    """

    W1: Array
    W2: Array
    scale: float = 1.0
    share: float = 0.0

    @classmethod
    def at_rest(cls, W: Weights) -> "Velocity":
        """V = 0, for these weights."""
        return cls(np.zeros_like(W.W1), np.zeros_like(W.W2))

    def materialize(self, P: Array) -> None:
        """Make W1 the velocity itself; P is what is stored of the weights W1, and stays."""
        self.W1 *= self.scale
        if self.share:
            add_multiple(P, self.share, self.W1)
        self.scale, self.share = 1.0, 0.0

    def slow_down(self, P: Array, w1_scale: float, momentum: float, pull: float, eta: float) -> tuple[float, float]:
        """V <- momentum V - pull W, both matrices W1; the data's part of the gradient has yet to be added.

        Returns w1_scale, and what it is after W1 <- W1 + eta V but for the array itself.
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
    """y <- y + a x for matrices that lie in memory alike, without a gap."""
    AXPY[y.dtype.name](x.ravel("K"), y.ravel("K"), a=a)
