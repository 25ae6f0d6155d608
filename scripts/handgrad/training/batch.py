"""A batch on its way through the network and back: what training and evaluation compute, and nothing twice.

The mathematics is that of ``model``, in the same letters, and every gradient check holds the two together.
What differs is where the numbers are:

- All arrays are made once and written again for each batch.
- The inputs are factor * X: pixels that one number divides enter the products as they are, and the products
  take the number in passing.
- Of W1, it is W1' that is contiguous in memory (W1 is in Fortran order): with images in rows, both large
  products are fastest so. S, T and Y are K x N, so that softmax, too, runs along memory.
- The penalty takes W1 to (1 - eta lambda) W1 at each update, which would be a pass over memory. So one number
  holds the product of these factors: W1 is ``w1_scale`` times the array, until it is multiplied in.
- Exponents are clamped before anything becomes denormal (``activations.exponent_limit``).
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg.blas import dgemm, sgemm

from handgrad.datasets.data import PixelScaling, Rows, Split
from handgrad.network.activations import Activation, Array, exponent_limit
from handgrad.network.model import Weights
from handgrad.training.momentum import Velocity, add_multiple

#: C <- alpha A B + beta C in place, where all are in Fortran order; NumPy has products, but none that add
GEMM: dict[str, Callable[..., Array]] = {"float32": sgemm, "float64": dgemm}


def in_step_order(W: Weights) -> Weights:
    """The same weights with W1' contiguous in memory, as a Batch needs them."""
    return Weights(np.asfortranarray(W.W1), np.ascontiguousarray(W.W2))


class Batch:
    """N examples and everything that the network makes of them; W changes in place.

    An array may be written over by what follows from it: S, K x N, becomes Y, and as W is updated T becomes
    T - Y, and A, N x M, becomes dE/dA.

    Raises ValueError if W is not as ``in_step_order`` gives it: an update would be lost in a copy.
    """

    def __init__(self, W: Weights, scaling: PixelScaling, activation: Activation, n: int) -> None:
        if not (W.W1.flags.f_contiguous and W.W2.flags.c_contiguous):
            raise ValueError("the weights lie otherwise in memory; call in_step_order")
        (M, inputs), K, dtype = W.W1.shape, len(W.W2), W.W1.dtype
        self.W, self.activation = W, activation
        self.factor, self.scaling = scaling.factor, scaling.astype(dtype)
        self.lowest = -exponent_limit(dtype)
        self.add_product = GEMM[dtype.name]
        self.classes = np.arange(K, dtype=np.uint8)[:, None]
        self.x = np.empty((n, inputs - 1), np.uint8)
        self.X = np.empty((n, inputs), dtype)
        self.X[:, 0] = 1 / scaling.factor
        self.T = np.empty((K, n), dtype)
        self.A = np.empty((n, M), dtype)
        self.Z = np.ones((n, M + 1), dtype)
        self.H_prime = np.empty((n, M), dtype)
        self.S = np.empty((K, n), dtype)
        self.TS = np.empty((K, n), dtype)

    def load(self, split: Split, rows: Rows | slice) -> None:
        """Take N examples of a split: X from their pixels, and T, K x N, from their labels."""
        # "clip" writes where it is told to; "raise" would write to a copy first
        x = split.x[rows] if isinstance(rows, slice) else split.x.take(rows, axis=0, out=self.x, mode="clip")
        self.scaling.write_unscaled(x, self.X[:, 1:])
        np.equal(self.classes, split.y[rows], out=self.T)

    def forward(self, w1_scale: float = 1.0) -> None:
        """A = X W1', Z = [1, h(A)], H_prime = h'(A), and the logits S = Z W2', here K x N."""
        W1, W2 = self.W
        np.matmul(self.X, W1.T, out=self.A)
        self.A *= w1_scale * self.factor
        self.activation.evaluate(self.A, self.Z[:, 1:], self.H_prime)
        np.matmul(W2, self.Z.T, out=self.S)

    def softmax(self) -> float:
        """Y = softmax(S), in the place of S. Returns the data term of E: sum_n [ S_n,y - logsumexp_k S_nk ].

        The sum over examples is taken in double precision.
        """
        S = self.S
        S -= np.maximum.reduce(S, axis=0)
        targets = np.add.reduce(np.multiply(self.T, S, out=self.TS), axis=0)
        np.maximum(S, self.lowest, out=S)
        np.exp(S, out=S)
        total = np.add.reduce(S, axis=0)
        S /= total
        targets -= np.log(total)
        return float(np.add.reduce(targets, dtype=np.float64))

    def ascend(self, w1_scale: float, eta: float, l2: float) -> float:
        """W <- W + eta g, once Y is there. Takes w1_scale before the update, returns that after it.

        dE/dW2 = (T - Y)' Z - lambda W2
        dE/dW1 = [ ((T - Y) W2[:, 1:]) * h'(A) ]' X - lambda W1
        """
        W1, W2 = self.W
        residual, delta = self._backward()
        shrink = 1 - eta * l2
        w1_scale *= shrink
        if not 0.5 < w1_scale <= 1:  # before the array grows without bound
            W1 *= w1_scale
            w1_scale = 1.0
        # W2 <- shrink W2 + eta residual Z, transposed;  W1 <- W1 + (eta/w1_scale) delta' (factor X)
        add = self.add_product
        add(eta, self.Z.T, residual.T, beta=shrink, c=W2.T, overwrite_c=True)
        add(eta * self.factor / w1_scale, delta.T, self.X.T, beta=1.0, c=W1, trans_b=True, overwrite_c=True)
        return w1_scale

    def ascend_with_momentum(
        self, V: Velocity, momentum: float, share: float, w1_scale: float, eta: float, l2: float
    ) -> float:
        """V <- momentum V + share g and W <- W + eta V, once Y is there; w1_scale as in ``ascend``.

        ``momentum`` says where the numbers are.
        """
        W1, W2 = self.W
        residual, delta = self._backward()
        add = self.add_product
        add(share, self.Z.T, residual.T, beta=momentum, c=V.W2.T, overwrite_c=True)
        add_multiple(W2, -share * l2, V.W2)
        add_multiple(V.W2, eta, W2)
        w1_scale, shrunk = V.slow_down(W1, w1_scale, momentum, share * l2, eta)
        alpha = share * self.factor / V.scale
        add(alpha, delta.T, self.X.T, beta=1.0, c=V.W1, trans_b=True, overwrite_c=True)
        add_multiple(V.W1, eta * V.scale / shrunk, W1)
        V.scale *= w1_scale / shrunk
        return shrunk

    def _backward(self) -> tuple[Array, Array]:
        """The residual dE/dS = T - Y, K x N, in the place of T, and delta = dE/dA, N x M, in that of A."""
        residual = np.subtract(self.T, self.S, out=self.T)
        delta = np.matmul(residual.T, self.W.W2[:, 1:], out=self.A)
        delta *= self.H_prime
        return residual, delta
