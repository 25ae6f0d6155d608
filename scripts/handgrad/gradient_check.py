"""Whether ``model.gradients`` is the slope of ``model.objective``, in float64, entry by entry.

Each block of weights, W1 and W2, is checked in six ways:

- complex step, every entry: Im E(W + i eps) / eps with eps = 1e-30. Nothing is subtracted, so it is exact
  to rounding. Only for activations that have a complex form.
- central differences, every entry: (E(w + eps) - E(w - eps)) / (2 eps).
- random directions: central differences of the untouched objective along them, against <gradient, V>.
- sampled entries: central differences of the untouched objective, against the second part's values.
- training's step, every entry: by how much an update of ``batch`` moves the weights, over eta.
- training's step with momentum, every entry: what such an update adds to a velocity and to the weights.

The first two take the shortcut of ``numeric_gradients``; the next two know nothing of it and check it. The
last two hold the code that trains to the gradient that the others prove.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.batch import Batch, in_step_order
from handgrad.data import ImageData, PixelScaling, one_hot
from handgrad.errors import HandgradError
from handgrad.model import Weights, forward, gradients
from handgrad.momentum import Velocity
from handgrad.numeric_gradients import (
    Problem,
    block_inputs,
    central_slope,
    complex_slope,
    direction_slopes,
    direction_step,
    numeric_gradient,
    plain_slopes,
)
from handgrad.randomness import Purpose, generator

Array = NDArray[Any]

SAMPLED_ENTRIES = 50  # a block


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the gradient is checked. epsilon: the step of the central differences."""

    hidden_units: int
    examples: int
    pixels: str
    epsilon: float
    l2: float = 0.01
    seed: int = 0


#: what must hold before anything is trained
GATE = Settings(hidden_units=200, examples=5, pixels="unit", epsilon=1e-5)


@dataclass(frozen=True)
class Limits:
    """The largest relative differences that pass.

    All are relative to the block's largest gradient, but directions to its 2-norm.
    Complex step and training's steps are good to 1e-15, central differences at GATE to 1e-9, and samples
    differ from the shortcut by rounding alone. A random direction sees an error e of a block of n entries as
    |e| / sqrt(n), so its limit is the stricter: 1e-8 shows a W1 of 200 x 3073 that is wrong by 1e-5 of its
    2-norm.
    """

    complex: float = 1e-10
    central: float = 1e-6
    directions: float = 1e-8
    samples: float = 1e-6
    step: float = 1e-10
    momentum: float = 1e-10


LIMITS = Limits()
#: central differences that cannot do better than this say nothing of a gradient
COARSEST = 1e-3
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Comparison:
    """Two ways to the same slopes, at the entry (or direction: worst_entry is None) where they differ most.

    reference is the analytic value (for sampled entries: the shortcut's), numeric what it is held against.
    """

    count: int
    max_abs_difference: float
    max_rel_difference: float
    limit: float
    worst_entry: tuple[int, int] | None
    reference: float
    numeric: float

    @property
    def passed(self) -> bool:
        """Whether the limit holds; nan never passes."""
        return self.max_rel_difference <= self.limit


@dataclass(frozen=True)
class BlockReport:
    """The check of W1 or W2. complex is None where the activation has no complex form."""

    shape: tuple[int, int]
    largest_gradient: float
    central: Comparison
    complex: Comparison | None
    directions: Comparison
    samples: Comparison
    step: Comparison
    momentum: Comparison

    @property
    def entries(self) -> int:
        """The number of weights in the block."""
        return self.shape[0] * self.shape[1]

    def parts(self) -> dict[str, Comparison]:
        """The parts that were made, the most telling first."""
        parts = {name: getattr(self, name) for name in PARTS}
        return {name: part for name, part in parts.items() if part is not None}


#: each part of a block's check, the most telling first: what it is called in tables and messages
PARTS = {
    "complex": "complex step",
    "central": "central differences",
    "directions": "random directions",
    "samples": "sampled entries",
    "step": "training's step",
    "momentum": "training's step with momentum",
}


@dataclass(frozen=True)
class CheckReport:
    """A whole check. Seconds are of both blocks; plain_seconds_an_entry: without the shortcut."""

    blocks: dict[str, BlockReport]
    seconds_central: float
    seconds_complex: float | None
    plain_seconds_an_entry: float

    def failures(self) -> list[tuple[str, str, Comparison]]:
        """(block, part, comparison) of all that did not pass, the most telling part first."""
        return [
            (name, part, block.parts()[part])
            for part in PARTS
            for name, block in self.blocks.items()
            if part in block.parts() and not block.parts()[part].passed
        ]

    @property
    def passed(self) -> bool:
        """Whether every part of every block is within its limit."""
        return not self.failures()


def check(data: ImageData, activation: str, settings: Settings) -> CheckReport:
    """Check an activation on a dataset. Raises HandgradError if it has too few training examples.

    GATE is held to LIMITS as they stand; other settings to what central differences can do there.
    """
    problem = random_problem(data, activation, settings)
    return check_gradients(
        problem, epsilon=settings.epsilon, seed=settings.seed, allow_for_epsilon=settings != GATE
    )


def random_problem(data: ImageData, activation: str, settings: Settings) -> Problem:
    """Random examples and random weights, the same for every activation.

    Examples are drawn from the training split without replacement. Weights are normal with standard
    deviation 1/sqrt(D+1) and 1/sqrt(M+1), bias columns too: with the W2 = 0 of a run's start, the data
    term would have no slope in W1 and a wrong dE/dW1 could pass.
    """
    split, n = data.train, len(data.train.y)
    if settings.examples > n:
        raise HandgradError(
            f"gradient check: {settings.examples} examples asked for, the training split has {n}; "
            "ask for fewer"
        )
    rng = generator(settings.seed, Purpose.CHECK_EXAMPLES)
    rows = np.sort(rng.choice(n, settings.examples, replace=False))
    scaling = PixelScaling.of(settings.pixels, x=split.x, rows=np.arange(n), largest=data.largest)
    return Problem(
        X=scaling.inputs(split.x[rows], np.float64),
        T=one_hot(split.y[rows], data.classes, np.float64),
        W=random_weights(data.inputs, settings.hidden_units, data.classes, settings.seed),
        activation=ACTIVATIONS[activation],
        l2=settings.l2,
        split=split,
        rows=rows,
        scaling=scaling,
    )


def random_weights(inputs: int, hidden_units: int, classes: int, seed: int) -> Weights:
    """Weights at which no part of the gradient vanishes, float64; see ``random_problem``."""
    rng = generator(seed, Purpose.CHECK_WEIGHTS)
    W1 = rng.standard_normal((hidden_units, inputs + 1)) / np.sqrt(inputs + 1)
    W2 = rng.standard_normal((classes, hidden_units + 1)) / np.sqrt(hidden_units + 1)
    return Weights(W1, W2)


def check_gradients(
    problem: Problem, *, epsilon: float, seed: int = 0, allow_for_epsilon: bool = False
) -> CheckReport:
    """Check the gradient of a problem at its weights.

    epsilon: the step of central differences. seed picks directions and sampled entries. allow_for_epsilon
    widens the limits of central differences to what they can do with these inputs; see ``limits_at``.
    """
    X, T, W, activation, l2, *_ = problem
    _, analytic = gradients(W, X, T, activation, l2)
    central, seconds_central = _timed(
        partial(numeric_gradient, problem, central_slope(epsilon), activation.h)
    )
    exact, seconds_complex = None, None
    if activation.complex_h is not None:
        exact, seconds_complex = _timed(
            partial(numeric_gradient, problem, complex_slope, activation.complex_h)
        )
    stepped, rolled = step_gradient(problem, analytic), momentum_gradient(problem, analytic)
    rng = generator(seed, Purpose.CHECK_SAMPLES)
    blocks, plain_seconds, plain_entries = {}, 0.0, 0
    for block in Weights._fields:
        g = getattr(analytic, block)
        limits = limits_at(problem, block, g, epsilon) if allow_for_epsilon else LIMITS
        directions = direction_slopes(problem, block, g, rng)
        entries = _sample(g.shape, rng)
        plain, seconds = _timed(partial(plain_slopes, problem, block, entries, epsilon))
        plain_seconds, plain_entries = plain_seconds + seconds, plain_entries + len(entries)
        numeric = getattr(central, block)
        largest = float(np.abs(g).max())
        blocks[block] = BlockReport(
            shape=_pair(g.shape),
            largest_gradient=largest,
            central=_compare(g, numeric, largest, limits.central),
            complex=exact and _compare(g, getattr(exact, block), largest, limits.complex),
            directions=_compare(*directions, float(np.linalg.norm(g)), limits.directions),
            samples=_compare(
                numeric[tuple(entries.T)], plain, float(np.abs(numeric).max()), limits.samples, entries
            ),
            step=_compare(g, getattr(stepped, block), largest, limits.step),
            momentum=_compare(g, getattr(rolled, block), largest, limits.momentum),
        )
    return CheckReport(blocks, seconds_central, seconds_complex, plain_seconds / plain_entries)


def step_gradient(problem: Problem, analytic: Weights) -> Weights:
    """The gradient that training's own step follows: the change of the weights in one update, over eta.

    eta makes the changes as large as the weights or larger, so that rounding of their sum hides nothing; it
    is a power of two, so that it rounds nothing itself. Everything is as in training: pixels and labels are
    loaded, and W1 has decayed since it was last multiplied in.
    """
    eta = _large_step(analytic)
    decay = 0.75
    W = in_step_order(Weights(problem.W.W1 / decay, problem.W.W2.copy()))
    first = Weights(decay * W.W1, problem.W.W2)
    W.W1[...] *= _forward(problem, W, decay).ascend(decay, eta, problem.l2)
    return Weights(*((after - before) / eta for after, before in zip(W, first, strict=True)))


def momentum_gradient(problem: Problem, analytic: Weights) -> Weights:
    """The gradient that a step with momentum follows: what it adds to a velocity V, by that and by W.

    V <- mu V + c g and W <- W + eta V: g is (V - mu V_before)/c and ((W - W_before)/eta - mu V_before)/c, and
    their mean is returned. V is the gradient turned round, which is as large. The numbers that ``momentum``
    keeps apart from the arrays are none that hides a mistake, and eta is small enough that they stay apart.
    """
    l2, mu, c, decay, share = problem.l2, 0.5, 0.25, 0.75, -problem.l2
    eta = min(_large_step(analytic), 2.0 ** np.floor(np.log2(1 / (8 * l2))) if l2 else np.inf)
    first = in_step_order(Weights(*(g[::-1, ::-1].copy() for g in analytic)))
    W = in_step_order(Weights(problem.W.W1 / decay, problem.W.W2.copy()))
    V = Velocity((first.W1 - share * W.W1) / 0.5, first.W2.copy(), 0.5, share)
    before = Weights(decay * W.W1, W.W2.copy())
    decay = _forward(problem, W, decay).ascend_with_momentum(V, mu, c, decay, eta, l2)
    V.multiply_in(W.W1)
    W.W1[...] *= decay
    moved = [(w - w_before) / eta for w, w_before in zip(W, before, strict=True)]
    both = zip((V.W1, V.W2), moved, first, strict=True)
    return Weights(*(((one + other) / 2 - mu * v) / c for one, other, v in both))


def _large_step(analytic: Weights) -> float:
    """A power of two that times the gradient is about 1 or larger, in the block where that is smallest."""
    smallest = min((size for g in analytic if (size := float(np.abs(g).max())) > 0), default=1.0)
    return float(2.0 ** -np.floor(np.log2(smallest))) if np.isfinite(smallest) else 1.0


def _forward(problem: Problem, W: Weights, decay: float) -> Batch:
    """A batch of all the problem's examples for these weights, as far as its probabilities."""
    batch = Batch(W, problem.scaling, problem.activation, len(problem.rows))
    batch.load(problem.split, problem.rows)
    batch.forward(decay)
    batch.softmax()
    return batch


def limits_at(problem: Problem, block: str, gradient: Array, epsilon: float) -> Limits:
    """LIMITS, widened for what central differences with this epsilon cannot do, up to COARSEST.

    Relative to the block's largest gradient g they are wrong by about

        truncation   (eps x)^2, x the largest input of the block (of X for W1, of Z for W2): the third
                     derivative along an entry has its input three times as a factor, the first once;
        rounding     10 u s / (eps g), u = 2^-53 and s the size of the numbers that E adds up.

    With pixels between 0 and 255 and eps = 1e-5 the first is 6.5e-6, so that a right gradient may miss 1e-6;
    with eps = 1e-6 it is 6.5e-8. The second is far below 1e-6 unless eps is tiny, or the gradient is because
    raw pixels saturate the hidden units. Samples are compared at equal eps, so only rounding parts them.
    Directions have a step of their own and are relative to the 2-norm of the gradient.
    """
    S = forward(problem.X, problem.W, problem.activation.h).S
    truncation = (epsilon * float(np.abs(block_inputs(problem, block)).max())) ** 2
    size = float(np.abs(S).max(axis=1).sum()) + abs(problem.objective(problem.W))
    rounding = 10 * 2.0**-53 * size / epsilon / max(float(np.abs(gradient).max()), TINY)
    step = direction_step(problem, block)
    along = 10 * 2.0**-53 * size / step / max(float(np.linalg.norm(gradient)), TINY)
    return replace(
        LIMITS,
        central=min(max(LIMITS.central, truncation, rounding), COARSEST),
        directions=min(max(LIMITS.directions, along), COARSEST),
        samples=min(max(LIMITS.samples, rounding), COARSEST),
    )


def _timed(compute: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = compute()
    return result, time.perf_counter() - began


def _sample(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Distinct entries of a matrix, at most SAMPLED_ENTRIES of them: rows and columns, P x 2."""
    size = shape[0] * shape[1]
    chosen = np.sort(rng.choice(size, min(size, SAMPLED_ENTRIES), replace=False))
    return np.stack(np.unravel_index(chosen, shape), axis=1)


def _compare(
    reference: Array, numeric: Array, scale: float, limit: float, entries: Array | None = None
) -> Comparison:
    """Compare slopes relative to scale: of a block, of some of its entries (P x 2), or along directions."""
    difference = np.abs(reference - numeric)
    worst = np.unravel_index(difference.argmax(), difference.shape)  # the first nan, if there is one
    largest = float(difference[worst])
    # A gradient that is 0 throughout has no relative error: then only 0 is right.
    relative = largest / scale if scale > 0 else largest * np.inf if largest else 0.0
    if entries is not None:
        worst_entry: tuple[int, int] | None = _pair(entries[worst[0]])
    else:
        worst_entry = _pair(worst) if difference.ndim == 2 else None
    return Comparison(
        count=difference.size,
        max_abs_difference=largest,
        max_rel_difference=relative,
        limit=limit,
        worst_entry=worst_entry,
        reference=float(reference[worst]),
        numeric=float(numeric[worst]),
    )


def _pair(entry: Any) -> tuple[int, int]:
    row, column = entry
    return int(row), int(column)
