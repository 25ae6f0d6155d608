"""The network, its objective and its gradients, in the notation of docs/explanation/derivation.md.

N examples, D inputs, M hidden units, K classes. A leading column of ones carries the bias::

    X   N x (D+1)   inputs, X[:, 0] = 1
    W1  M x (D+1)   hidden weights
    A   N x M       pre-activations, A = X W1'
    Z   N x (M+1)   hidden outputs, Z = [1, h(A)]
    W2  K x (M+1)   output weights
    S   N x K       logits, S = Z W2'
    Y   N x K       class probabilities, Y = softmax(S)
    T   N x K       one-hot targets

    E(W) = sum_n [ sum_k T_nk S_nk - logsumexp_k S_nk ] - (lambda/2) (|W1|^2 + |W2|^2)

Training maximises E. Every function takes arrays of one floating dtype and returns that dtype. The forward
pass also takes complex numbers, for the complex-step check. Nothing overflows while the difference of any two
logits is finite.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from handgrad.common.randomness import Purpose, generator
from handgrad.network.activations import Activation, Array


class Weights(NamedTuple):
    """W1, M x (D+1), and W2, K x (M+1). A gradient has the same type."""

    W1: Array
    W2: Array


class Forward(NamedTuple):
    """Results of the forward pass: A, N x M; Z, N x (M+1); S, N x K."""

    A: Array
    Z: Array
    S: Array


def forward(X: Array, W: Weights, h: Callable[[Array], Array]) -> Forward:
    """Return pre-activations A = X W1', hidden outputs Z = [1, h(A)] and logits S = Z W2'."""
    A = X @ W.W1.T
    Z = np.empty((A.shape[0], A.shape[1] + 1), A.dtype)
    Z[:, 0] = 1
    Z[:, 1:] = h(A)
    return Forward(A, Z, Z @ W.W2.T)


def logsumexp(S: Array) -> Array:
    """Return log sum_k e^S_nk, shape N. Each row first subtracts its largest logit (by real part)."""
    largest = S.real.max(axis=1)
    result: Array = largest + np.log(np.exp(S - largest[:, None]).sum(axis=1))
    return result


def softmax(S: Array) -> Array:
    """Return Y_nk = e^S_nk / sum_j e^S_nj, N x K."""
    Y: Array = np.exp(S - S.max(axis=1, keepdims=True))
    Y /= Y.sum(axis=1, keepdims=True)
    return Y


def data_term(S: Array, T: Array) -> Any:
    """Return sum_n [ sum_k T_nk S_nk - logsumexp_k S_nk ], the log-likelihood of the targets.

    The sum over examples is computed in double precision for every dtype of S.
    """
    per_example = (T * S).sum(axis=1) - logsumexp(S)
    return per_example.sum(dtype=np.result_type(S, np.float64))


def penalty(W: Weights, l2: float) -> Any:
    """Return ``(lambda/2) (|W1|^2 + |W2|^2)``, bias columns included."""
    return l2 / 2 * ((W.W1 * W.W1).sum() + (W.W2 * W.W2).sum())


def objective(W: Weights, X: Array, T: Array, h: Callable[[Array], Array], l2: float) -> Any:
    """Return E(W) = data term - penalty. The result is complex if X or W is complex."""
    return data_term(forward(X, W, h).S, T) - penalty(W, l2)


def gradients(W: Weights, X: Array, T: Array, activation: Activation, l2: float) -> tuple[float, Weights]:
    """Return the data term of E on these examples, and the gradients (dE/dW1, dE/dW2).

    dE/dW2 = (T - Y)' Z - lambda W2                                 K x (M+1)
    dE/dW1 = [ ((T - Y) W2[:, 1:]) * h'(A) ]' X - lambda W1         M x (D+1)
    """
    A, Z, S = forward(X, W, activation.h)
    residual = T - softmax(S)  # dE/dS, N x K
    G2 = residual.T @ Z  # S = Z W2'
    G2 -= l2 * W.W2
    delta = residual @ W.W2[:, 1:]  # Z[:, 1:] = h(A)
    delta *= activation.h_prime(A)
    G1 = delta.T @ X  # A = X W1'
    G1 -= l2 * W.W1
    return float(data_term(S, T)), Weights(G1, G2)


def initial_weights(
    init: str,
    activation: Activation,
    *,
    inputs: int,
    hidden_units: int,
    classes: int,
    seed: int,
    dtype: DTypeLike,
) -> Weights:
    """Return the weights before the first epoch, drawn in float64 and then cast to dtype.

    init: a key of ``INITS``.
    """
    rng = generator(seed, Purpose.INITIAL_WEIGHTS)
    W1, W2 = INITS[init](rng, activation, inputs, hidden_units, classes)
    return Weights(W1.astype(dtype), W2.astype(dtype))


def published_init(rng: np.random.Generator, _: Activation, inputs: int, hidden_units: int, classes: int) -> Weights:
    """Return W1 normal with standard deviation 1/sqrt(D+1), W1[:, 0] = 1; W2 = 0, W2[:, 0] = 1."""
    W1 = rng.standard_normal((hidden_units, inputs + 1)) / np.sqrt(inputs + 1)
    W1[:, 0] = 1
    W2 = np.zeros((classes, hidden_units + 1))
    W2[:, 0] = 1
    return Weights(W1, W2)


def scaled_init(
    rng: np.random.Generator, activation: Activation, inputs: int, hidden_units: int, classes: int
) -> Weights:
    """Return W1 normal with standard deviation spread/sqrt(D), W1[:, 0] = bias; W2 = 0.

    If the inputs have unit variance, the pre-activations have the activation's spread. If h is periodic, W1[:, 0]
    is uniform in [-pi, pi], as in random Fourier features (Rahimi and Recht, NIPS 2007).
    """
    W1 = rng.standard_normal((hidden_units, inputs + 1)) * (activation.spread / np.sqrt(inputs))
    W1[:, 0] = rng.uniform(-np.pi, np.pi, hidden_units) if activation.periodic else activation.bias
    return Weights(W1, np.zeros((classes, hidden_units + 1)))


Init = Callable[[np.random.Generator, Activation, int, int, int], Weights]

INITS: dict[str, Init] = {"published": published_init, "scaled": scaled_init}
