"""Whether ``model.gradients`` is the slope of ``model.objective``, in float64, entry by entry.

Each block of weights, W1 and W2, is checked in six ways at weights of ordinary size:

- complex step, every entry: Im E(W + i eps) / eps with eps = 1e-30. Nothing is subtracted, so it is exact
  to rounding. Only for activations that have a complex form.
- central differences, every entry: (E(w + eps) - E(w - eps)) / (2 eps).
- random directions: central differences of the untouched objective along them, against <gradient, V>.
- sampled entries: central differences of the untouched objective, against the second part's values.
- training's step, every entry: by how much an update of ``batch`` moves the weights, over eta.
- training's step with momentum, every entry: what such an update adds to a velocity and to the weights.

The first two take the shortcut of ``numeric_gradients``; the next two know nothing of it and check it. The
last two hold the code that trains to the gradient that the others prove. ``training_check`` then has training
itself run, in every dtype and way to train, at weights of ordinary size and at huge ones.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import ImageData
from handgrad.gradient_check.numeric_gradients import (
    block_inputs,
    central_slope,
    complex_slope,
    direction_slopes,
    direction_step,
    numeric_gradient,
    plain_slopes,
)
from handgrad.gradient_check.problem import Problem, random_problem
from handgrad.gradient_check.results import PARTS, BlockReport, CheckReport, compare
from handgrad.gradient_check.settings import GATE, Settings
from handgrad.gradient_check.training_check import check_training
from handgrad.network.activations import Array
from handgrad.network.model import Weights, forward, gradients
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.momentum import Velocity

SAMPLED_ENTRIES = 50  # a block


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


def check(data: ImageData, activation: str, settings: Settings) -> CheckReport:
    """Check an activation on a dataset, and what training executes with it there.

    GATE is held to LIMITS as they are; other settings to what central differences can do there. Raises
    HandgradError if the dataset has fewer training examples than other settings ask for.
    """
    problem = random_problem(data, activation, settings)
    report = check_gradients(problem, epsilon=settings.epsilon, seed=settings.seed, allow_for_epsilon=settings != GATE)
    return replace(report, training=check_training(data, problem, settings.seed))


def check_gradients(problem: Problem, *, epsilon: float, seed: int = 0, allow_for_epsilon: bool = False) -> CheckReport:
    """Check the gradient of a problem at its weights.

    epsilon: the step of central differences. seed picks directions and sampled entries. allow_for_epsilon
    widens the limits of central differences to what they can do with these inputs; see ``limits_at``.
    """
    X, T, W, activation, l2, *_ = problem
    _, analytic = gradients(W, X, T, activation, l2)
    by_part: dict[str, Weights] = {}
    seconds_complex = None
    if activation.complex_h is not None:
        by_part["complex"], seconds_complex = _timed(numeric_gradient, problem, complex_slope, activation.complex_h)
    by_part["central"], seconds_central = _timed(numeric_gradient, problem, central_slope(epsilon), activation.h)
    by_part["step"] = step_gradient(problem, analytic)
    by_part["momentum"] = momentum_gradient(problem, analytic)
    rng = generator(seed, Purpose.CHECK_SAMPLES)
    blocks = {}
    for block, g in analytic._asdict().items():
        limits = limits_at(problem, block, g, epsilon) if allow_for_epsilon else LIMITS
        others = {part: getattr(weights, block) for part, weights in by_part.items()}
        blocks[block] = check_block(problem, block, g, others, limits, epsilon, rng)
    return CheckReport(blocks, seconds_central, seconds_complex)


def check_block(
    problem: Problem,
    block: str,
    g: Array,
    others: dict[str, Array],
    limits: Limits,
    epsilon: float,
    rng: np.random.Generator,
) -> BlockReport:
    """Compare one block of the gradient with others like it, and with the untouched objective."""
    largest = float(np.abs(g).max())
    parts = {part: compare(g, other, largest, getattr(limits, part)) for part, other in others.items()}
    directions = direction_slopes(problem, block, g, rng)
    parts["directions"] = compare(*directions, float(np.linalg.norm(g)), limits.directions)
    central, entries = others["central"], _sample(g.shape, rng)
    plain, seconds = _timed(plain_slopes, problem, block, entries, epsilon)
    parts["samples"] = compare(central[tuple(entries.T)], plain, float(np.abs(central).max()), limits.samples, entries)
    rows, columns = g.shape
    return BlockReport((rows, columns), largest, {part: parts[part] for part in PARTS if part in parts}, seconds)


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


def step_gradient(problem: Problem, analytic: Weights) -> Weights:
    """The gradient that training's own step follows: the change of the weights in one update, over eta.

    eta makes the changes as large as the weights or larger, so that rounding of their sum hides nothing; it
    is a power of two, so that it rounds nothing itself. Everything is as in training: pixels and labels are
    loaded, and W1 has decayed since it was last multiplied in.
    """
    eta = _large_step(analytic)
    w1_scale = 0.75
    W = in_step_order(Weights(problem.W.W1 / w1_scale, problem.W.W2.copy()))
    first = Weights(w1_scale * W.W1, problem.W.W2)
    W.W1[...] *= _forward(problem, W, w1_scale).ascend(w1_scale, eta, problem.l2)
    return Weights(*((after - before) / eta for after, before in zip(W, first, strict=True)))


def momentum_gradient(problem: Problem, analytic: Weights) -> Weights:
    """The gradient that a step with momentum follows: what it adds to a velocity V, by that and by W.

    V <- mu V + c g and W <- W + eta V: g is (V - mu V_before)/c and ((W - W_before)/eta - mu V_before)/c, and
    their mean is returned. V is the gradient turned round, which is as large. The numbers that ``momentum``
    keeps apart from the arrays are none that hides a mistake, and eta is small enough that they stay apart.
    """
    l2, mu, c, w1_scale, share = problem.l2, 0.5, 0.25, 0.75, -problem.l2
    eta = min(_large_step(analytic), 2.0 ** np.floor(np.log2(1 / (8 * l2))) if l2 else np.inf)
    first = in_step_order(Weights(*(g[::-1, ::-1].copy() for g in analytic)))
    W = in_step_order(Weights(problem.W.W1 / w1_scale, problem.W.W2.copy()))
    V = Velocity((first.W1 - share * W.W1) / 0.5, first.W2.copy(), 0.5, share)
    before = Weights(w1_scale * W.W1, W.W2.copy())
    w1_scale = _forward(problem, W, w1_scale).ascend_with_momentum(V, mu, c, w1_scale, eta, l2)
    V.materialize(W.W1)
    W.W1[...] *= w1_scale
    moved = [(w - w_before) / eta for w, w_before in zip(W, before, strict=True)]
    both = zip((V.W1, V.W2), moved, first, strict=True)
    return Weights(*(((one + other) / 2 - mu * v) / c for one, other, v in both))


def _large_step(analytic: Weights) -> float:
    """A power of two that times the gradient is about 1 or larger, in the block where that is smallest."""
    smallest = min((size for g in analytic if (size := float(np.abs(g).max())) > 0), default=1.0)
    return float(2.0 ** -np.floor(np.log2(smallest))) if np.isfinite(smallest) else 1.0


def _forward(problem: Problem, W: Weights, w1_scale: float) -> Batch:
    """A batch of all the problem's examples for these weights, as far as its probabilities."""
    batch = Batch(W, problem.scaling, problem.activation, len(problem.rows))
    batch.load(problem.split, problem.rows)
    batch.forward(w1_scale)
    batch.softmax()
    return batch


def _timed(compute: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    result = compute(*arguments)
    return result, time.perf_counter() - began


def _sample(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Distinct entries of a matrix, at most SAMPLED_ENTRIES of them: rows and columns, P x 2."""
    size = shape[0] * shape[1]
    chosen = np.sort(rng.choice(size, min(size, SAMPLED_ENTRIES), replace=False))
    return np.stack(np.unravel_index(chosen, shape), axis=1)
