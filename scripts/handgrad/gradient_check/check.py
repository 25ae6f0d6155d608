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
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import ImageData
from handgrad.gradient_check.numeric_gradients import (
    DIRECTION_STEP,
    Problem,
    block_inputs,
    central_slope,
    complex_slope,
    direction_slopes,
    direction_step,
    numeric_gradient,
    plain_slopes,
)
from handgrad.gradient_check.problem import GATE, Settings, random_problem
from handgrad.gradient_check.results import BlockReport, CheckReport, compare, pair
from handgrad.gradient_check.step_gradients import momentum_gradient, step_gradient
from handgrad.gradient_check.training_check import check_training
from handgrad.network.model import Weights, forward, gradients

Array = NDArray[Any]

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
    central, seconds_central = _timed(partial(numeric_gradient, problem, central_slope(epsilon), activation.h))
    exact, seconds_complex = None, None
    if activation.complex_h is not None:
        exact, seconds_complex = _timed(partial(numeric_gradient, problem, complex_slope, activation.complex_h))
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
            shape=pair(g.shape),
            largest_gradient=largest,
            central=compare(g, numeric, largest, limits.central),
            complex=exact and compare(g, getattr(exact, block), largest, limits.complex),
            directions=compare(*directions, float(np.linalg.norm(g)), limits.directions),
            samples=compare(numeric[tuple(entries.T)], plain, float(np.abs(numeric).max()), limits.samples, entries),
            step=compare(g, getattr(stepped, block), largest, limits.step),
            momentum=compare(g, getattr(rolled, block), largest, limits.momentum),
        )
    report = CheckReport(blocks, seconds_central, seconds_complex, plain_seconds / plain_entries)
    by_differences = any(part in ("central", "directions") for _, part, _ in report.failures())
    return replace(report, kink=by_differences and has_kink(problem, epsilon))


def has_kink(problem: Problem, epsilon: float) -> bool:
    """Whether h' jumps within a step of a pre-activation, so that differences across it are no slopes.

    The interval of each pre-activation is halved again and again, to the half in which h' changes more. Of a
    smooth h nothing is left of the change in the end.
    """
    h_prime, A = problem.activation.h_prime, problem.X @ problem.W.W1.T
    step = max(epsilon * float(np.abs(problem.X).max()), 6 * DIRECTION_STEP)  # V is normal: 6 sigma
    low, high = A - step, A + step
    for _ in range(24):
        middle = (low + high) / 2
        left = np.abs(h_prime(middle) - h_prime(low)) > np.abs(h_prime(high) - h_prime(middle))
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    change = np.abs(h_prime(high) - h_prime(low))
    return bool((change > 1e-3 * np.maximum(1, np.abs(h_prime(A)))).any())


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
