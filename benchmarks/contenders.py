"""The contenders of the speed comparison. Each one returns a function that trains on given batches.

All contenders except scikit-learn train the same network with the same update from the same weights. A test verifies
that their final weights are equal. Each contender prepares its data as its users do, before the measurement starts:
all except handgrad store the images as scaled floating-point numbers.
"""

import functools
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.experiment.runs import Run
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import Weights
from handgrad.training.batch import in_step_order
from handgrad.training.loop import ascend, batches_of
from problem import BATCH_SIZE, CLASSES, L2, LEARNING_RATE, Array, Cell, Images

#: trains on rows, batches x BATCH_SIZE, and returns the weights; scikit-learn and the bound return None
Train = Callable[[Array], Weights | None]
#: returns a Train for a cell; None if the contender does not support the cell or is not installed
Contender = Callable[[Cell, Images], Train | None]


def handgrad(cell: Cell, images: Images) -> Train:
    """Return training with handgrad, on images stored as bytes."""
    run = Run(
        dataset=cell.dataset,
        activation=cell.activation,
        hidden_units=cell.hidden_units,
        learning_rate=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        epochs=1,
        l2=L2,
        seed=0,
        batch_gradient=cell.data.batch_gradient,
        dtype=cell.dtype,
    )
    W = in_step_order(cell.first_weights())
    batch_of = batches_of(W, images.scaling, ACTIVATIONS[cell.activation])

    def train(order: Array) -> Weights:
        w1_scale = 1.0
        for rows in order:
            batch = batch_of(len(rows))
            batch.load(images.split, rows)
            _, w1_scale = ascend(batch, w1_scale, run, 1.0, None)
        W.W1[...] *= w1_scale
        return W

    return train


def pytorch(cell: Cell, images: Images) -> Train | None:
    """Return training with eager PyTorch: SGD with weight decay, batches indexed from one tensor, no data loader."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    x = torch.from_numpy(images.pixels(cell.dtype))
    y = torch.from_numpy(images.split.y.astype(np.int64))
    W1, b1, W2, b2 = (
        torch.tensor(np.ascontiguousarray(part), requires_grad=True)
        for w in cell.first_weights()
        for part in (w[:, 1:], w[:, 0])
    )
    h = {"softplus": torch.nn.functional.softplus, "tanh": torch.tanh, "cos": torch.cos}[cell.activation]
    optimizer = torch.optim.SGD([W1, b1, W2, b2], lr=cell.data.eta, weight_decay=L2)
    linear, cross_entropy = torch.nn.functional.linear, torch.nn.functional.cross_entropy

    def train(order: Array) -> Weights:
        # this setting of the thread must not affect other contenders
        torch.set_flush_denormal(cell.data.pixels == "raw")
        for rows in torch.from_numpy(order):
            logits = linear(h(linear(x[rows], W1, b1)), W2, b2)
            optimizer.zero_grad()
            cross_entropy(logits, y[rows], reduction="sum").backward()
            optimizer.step()
        torch.set_flush_denormal(False)
        return _weights(*(part.detach().numpy() for part in (W1, b1, W2, b2)))

    return train


def _weights(W1: Array, b1: Array, W2: Array, b2: Array) -> Weights:
    """Return weights with the biases as first columns. W1: M x D; W2: K x M."""
    return Weights(np.column_stack([b1, W1]), np.column_stack([b2, W2]))


def jax(cell: Cell, images: Images, *, bias_is_a_column: bool = False) -> Train | None:
    """Return training with JAX: one compiled function that scans over the batches.

    bias_is_a_column: True stores the hidden bias as a column of W1, with a column of ones in X, as handgrad does.
    """
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", cell.dtype == "float64")
    inputs = images.inputs if bias_is_a_column else images.pixels
    x, y = jnp.asarray(inputs(cell.dtype)), jnp.asarray(images.split.y.astype(np.int32))
    first = cell.first_weights()
    columns = [first.W1] if bias_is_a_column else [first.W1[:, 1:], first.W1[:, 0]]
    W = tuple(jnp.asarray(w.T) for w in (*columns, first.W2[:, 1:], first.W2[:, 0]))
    h = {"softplus": jax.nn.softplus, "tanh": jnp.tanh, "cos": jnp.cos}[cell.activation]
    eta = cell.data.eta

    def loss(W: Any, x: Any, y: Any) -> Any:
        *hidden, W2, b2 = W
        A = x @ hidden[0] if bias_is_a_column else x @ hidden[0] + hidden[1]
        logits = h(A) @ W2 + b2
        chosen = jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(logits, axis=1) - chosen).sum()

    gradient = jax.grad(loss)

    @jax.jit
    def epoch(W: Any, order: Any, x: Any, y: Any) -> Any:
        def step(W: Any, rows: Any) -> Any:
            g = gradient(W, x[rows], y[rows])
            return tuple(w - eta * (d + L2 * w) for w, d in zip(W, g, strict=True)), None

        return jax.lax.scan(step, W, order)[0]

    def train(order: Array) -> Weights:
        nonlocal W
        W = jax.block_until_ready(epoch(W, jnp.asarray(order), x, y))
        *hidden, W2, b2 = (np.asarray(w) for w in W)
        if bias_is_a_column:
            return Weights(hidden[0].T, np.column_stack([b2, W2.T]))
        return _weights(hidden[0].T, hidden[1], W2.T, b2)

    return train


def scikit_learn(cell: Cell, images: Images) -> Train | None:
    """Return training with scikit-learn's MLPClassifier. Of the three activations it supports only tanh.

    It chooses its own initial weights and its own order of rows, and its penalty excludes biases.
    """
    if cell.activation != "tanh":
        return None
    from sklearn.neural_network import MLPClassifier

    x, y = images.pixels(cell.dtype), images.split.y
    model = MLPClassifier(
        (cell.hidden_units,),
        activation="tanh",
        solver="sgd",
        alpha=L2,
        batch_size=BATCH_SIZE,
        learning_rate_init=cell.data.eta * BATCH_SIZE,
        momentum=0,
    )
    classes = np.arange(CLASSES)

    def train(order: Array) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(x[: order.size], y[: order.size], classes=classes)

    return train


#: h and h' in their usual form
PLAIN: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "softplus": (lambda A: np.logaddexp(A, 0), lambda A: 1 / (1 + np.exp(-A))),
    "tanh": (np.tanh, lambda A: 1 - np.tanh(A) ** 2),
    "cos": (np.cos, lambda A: -np.sin(A)),
}


def plain_numpy(cell: Cell, images: Images) -> Train:
    """Return training with plain NumPy: the formulas of the derivation, with new arrays in each step."""
    x, labels = images.inputs(cell.dtype), images.split.y
    h, h_prime = PLAIN[cell.activation]
    W1, W2 = cell.first_weights()
    one_hot, one = np.eye(CLASSES, dtype=cell.dtype), np.ones((BATCH_SIZE, 1), cell.dtype)
    eta = cell.data.eta

    def train(order: Array) -> Weights:
        nonlocal W1, W2
        for rows in order:
            X, T = x[rows], one_hot[labels[rows]]
            A = X @ W1.T
            Z = np.hstack([one, h(A)])
            S = Z @ W2.T
            largest = S.max(axis=1, keepdims=True)
            logsumexp = largest + np.log(np.exp(S - largest).sum(axis=1, keepdims=True))
            _ = (T * S).sum() - logsumexp.sum()  # the data term of E
            Y = np.exp(S - logsumexp)
            G2 = (T - Y).T @ Z - L2 * W2
            G1 = ((T - Y) @ W2[:, 1:] * h_prime(A)).T @ X - L2 * W1
            W1, W2 = W1 + eta * G1, W2 + eta * G2
        return Weights(W1, W2)

    return train


def products(cell: Cell, layout: tuple[bool, bool, bool]) -> Train:
    """Return the two large products of a step without any other work: A = X W1' and delta' X.

    layout: for each of X, W1 and A, True if it is stored transposed.
    """
    rng = np.random.default_rng(0)
    n, inputs, M = BATCH_SIZE, cell.data.inputs + 1, cell.hidden_units
    X, W1, A = (
        rng.random(shape[::-1]).astype(cell.dtype).T if transposed else rng.random(shape).astype(cell.dtype)
        for shape, transposed in zip(((n, inputs), (M, inputs), (n, M)), layout, strict=True)
    )
    delta, G1 = A.copy("K"), W1.copy("K")
    # if the output is stored transposed, compute the product of the transposed matrices
    forward = (W1, X.T, A.T) if layout[2] else (X, W1.T, A)
    backward = (X.T, delta, G1.T) if layout[1] else (delta.T, X, G1)

    def train(order: Array) -> None:
        for _ in order:
            np.matmul(forward[0], forward[1], out=forward[2])
            np.matmul(backward[0], backward[1], out=backward[2])

    return train


LAYOUTS = tuple(itertools.product((False, True), repeat=3))

CONTENDERS: dict[str, Contender] = {
    "handgrad": handgrad,
    "PyTorch": pytorch,
    "JAX": jax,
    "JAX, column of ones": functools.partial(jax, bias_is_a_column=True),
    "scikit-learn": scikit_learn,
    "plain NumPy": plain_numpy,
}
