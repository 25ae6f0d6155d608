"""The fast forward and backward pass of a batch, used by training and evaluation.

It computes the same numbers as ``model``, in the same letters. Every gradient check compares the two. Only the
storage differs:

- All arrays are allocated once and reused for each batch, except one in softplus.
- The inputs are factor * X. If one number scales all pixels, the array holds the raw pixels, and the products
  apply that number.
- Activations read and write contiguous arrays, and H is then copied into Z = [1, H]. A multiplication can take three
  times as long if it works on a part of the columns of Z.
- W1' is contiguous in memory (W1 is in Fortran order). Both large products are fastest in this order. S, T and Y
  are K x N, so that softmax also reads contiguous memory.
- The penalty multiplies W1 by (1 - eta lambda) in each update, which would be a pass over memory. The number
  ``w1_scale`` collects these factors instead: W1 is ``w1_scale`` times the stored array.
- Exponents are clamped before a number becomes denormal (``activations.exponent_limit``).
"""

from collections.abc import Callable

import numpy as np

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import Rows
from handgrad.datasets.scaling import Scaling
from handgrad.network.activations import Activation, Array, exponent_limit
from handgrad.network.model import Weights
from handgrad.training.blas import BLAS
from handgrad.training.momentum import Velocity, add_multiple

#: C <- alpha A B + beta C in place, all in Fortran order; NumPy has no product that adds to its output
GEMM: dict[str, Callable[..., Array]] = {"float32": BLAS.sgemm, "float64": BLAS.dgemm}


def in_step_order(W: Weights) -> Weights:
    """Return the same weights in the memory order that Batch needs: W1' and W2 contiguous."""
    return Weights(np.asfortranarray(W.W1), np.ascontiguousarray(W.W2))


class Batch:
    """N examples with all arrays of their forward and backward pass. An update changes W in place.

    Later results overwrite earlier ones. ``softmax`` replaces S, K x N, by Y. An update replaces T by T - Y, and
    A, N x M, by dE/dA.

    Raises ValueError if W is not in the order of ``in_step_order``, because an update would change only a copy.
    """

    def __init__(self, W: Weights, scaling: Scaling, activation: Activation, n: int) -> None:
        if not (W.W1.flags.f_contiguous and W.W2.flags.c_contiguous):
            raise ValueError(
                "W: found a different memory order, expected W1' and W2 contiguous; call in_step_order first"
            )
        (M, inputs), K, dtype = W.W1.shape, len(W.W2), W.W1.dtype
        self.W, self.activation = W, activation
        self.factor, self.scaling = scaling.factor, scaling.astype(dtype)
        self.lowest = -exponent_limit(dtype)
        self.add_product = GEMM[dtype.name]
        self.classes = np.arange(K, dtype=np.uint8)[:, None]
        self.x = np.empty((n, inputs - 1), scaling.stored)
        self.X = np.empty((n, inputs), dtype)
        self.X[:, 0] = 1 / scaling.factor
        self.T = np.empty((K, n), dtype)
        self.A = np.empty((n, M), dtype)
        self.H = np.empty((n, M), dtype)
        self.Z = np.ones((n, M + 1), dtype)
        self.H_prime = np.empty((n, M), dtype)
        self.S = np.empty((K, n), dtype)
        self.TS = np.empty((K, n), dtype)

    def load(self, split: Split, rows: Rows | slice) -> None:
        """Load N examples of a split: X from their inputs x, and T, K x N, from their labels."""
        # "clip" writes directly to ``out``; "raise" would allocate a copy first
        x = split.x[rows] if isinstance(rows, slice) else split.x.take(rows, axis=0, out=self.x, mode="clip")
        self.scaling.write_unscaled(x, self.X[:, 1:])
        np.equal(self.classes, split.y[rows], out=self.T)

    def forward(self, w1_scale: float = 1.0) -> None:
        """Compute A = X W1', Z = [1, h(A)], H_prime = h'(A) and the logits S = Z W2', stored as K x N."""
        W1, W2 = self.W
        np.matmul(self.X, W1.T, out=self.A)
        self.A *= w1_scale * self.factor
        self.activation.evaluate(self.A, self.H, self.H_prime)
        self.Z[:, 1:] = self.H
        np.matmul(W2, self.Z.T, out=self.S)

    def softmax(self) -> float:
        """Overwrite S with Y = softmax(S) and return the data term of E, sum_n [ S_n,y - logsumexp_k S_nk ].

        The sum over examples is computed in double precision.
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
        """Update W <- W + eta g and return the new w1_scale. Call ``softmax`` first.

        dE/dW2 = (T - Y)' Z - lambda W2
        dE/dW1 = [ ((T - Y) W2[:, 1:]) * h'(A) ]' X - lambda W1
        """
        W1, W2 = self.W
        residual, delta = self._backward()
        shrink = 1 - eta * l2
        w1_scale *= shrink
        if not 0.5 < w1_scale <= 1:  # otherwise the array would grow without bound
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
        """Update V <- momentum V + share g, then W <- W + eta V, and return the new w1_scale. Call ``softmax`` first.

        The module ``momentum`` describes how V is stored.
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
        """Overwrite T with the residual dE/dS = T - Y, K x N, and A with delta = dE/dA, N x M; return both."""
        residual = np.subtract(self.T, self.S, out=self.T)
        delta = np.matmul(residual.T, self.W.W2[:, 1:], out=self.A)
        delta *= self.H_prime
        return residual, delta
