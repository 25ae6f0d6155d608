"""The check that ``model.gradients`` is the gradient of ``model.objective``, in float64.

It has six parts for each block of weights, W1 and W2, at weights of ordinary size:

- complex step, every entry: Im E(W + i eps) / eps with eps = 1e-30. Nothing is subtracted, so it is exact up to
  rounding. The activation needs a complex form.
- central differences, every entry: (E(w + eps) - E(w - eps)) / (2 eps).
- random directions V: central differences of the plain objective along V, compared with <gradient, V>.
- sampled entries: central differences of the plain objective, compared with the values of the second part.
- training's step, every entry: the change of the weights in one update, divided by eta.
- training's step with momentum, every entry: the same, after subtracting the change that the velocity causes.

The first two parts use the shortcut of ``numeric_gradients``. The next two parts do not use it and therefore verify
it. The last two parts verify the code that trains. Then ``training_check`` runs the training loop in each dtype,
with each combination of training options, at weights of ordinary size and at huge weights.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import Dataset
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
from handgrad.gradient_check.results import Block, CheckReport, compare
from handgrad.gradient_check.settings import GATE, Settings
from handgrad.gradient_check.training_check import Point, check_training, run_of, started_state
from handgrad.network.activations import Array
from handgrad.network.model import Weights, forward, gradients
from handgrad.training.loop import batches_of, train_epoch

SAMPLED_ENTRIES = 50  # per block

#: Largest relative differences that pass, by part. Directions are relative to the 2-norm of the block's gradient, all
#: other parts to its largest entry. With correct code, complex step and training's steps reach 1e-15, and central
#: differences with GATE reach 1e-9. Samples differ from the shortcut only by rounding. A random direction reduces an
#: error e in a block of n entries to ``|e| / sqrt(n)``, so its limit is stricter: 1e-8 detects an error of 1e-5 of the
#: 2-norm in a W1 of 200 x 3073.
LIMITS = {
    "complex": 1e-10,
    "central": 1e-6,
    "directions": 1e-8,
    "samples": 1e-6,
    "step": 1e-10,
    "momentum": 1e-10,
}
#: central differences with a larger error than this cannot verify a gradient
COARSEST = 1e-3
#: upper bounds of the limits that ``limits_at`` returns
WIDEST = LIMITS | dict.fromkeys(("central", "directions", "samples"), COARSEST)
TINY = float(np.finfo(float).tiny)


def check(data: Dataset, activation: str, settings: Settings) -> CheckReport:
    """Check the gradient and the training code of an activation on a dataset.

    The limits for GATE are LIMITS. For other settings, ``limits_at`` widens them for the error of central differences.

    Raises HandgradError if settings other than GATE ask for more training examples than the dataset has.
    """
    problem = random_problem(data, activation, settings)
    report = check_gradients(problem, epsilon=settings.epsilon, seed=settings.seed, allow_for_epsilon=settings != GATE)
    return replace(report, training=check_training(data, problem, settings.seed))


def check_gradients(problem: Problem, *, epsilon: float, seed: int = 0, allow_for_epsilon: bool = False) -> CheckReport:
    """Check the gradient of a problem at its weights.

    - epsilon: step of the central differences.
    - seed: seed of the directions and the sampled entries.
    - allow_for_epsilon: True widens the limits for the error of central differences (``limits_at``).
    """
    X, T, W, activation, l2, *_ = problem
    _, analytic = gradients(W, X, T, activation, l2)
    numeric: dict[str, Weights] = {}
    seconds_complex = None
    if activation.complex_h is not None:
        numeric["complex"], seconds_complex = _timed(numeric_gradient, problem, complex_slope, activation.complex_h)
    numeric["central"], seconds_central = _timed(numeric_gradient, problem, central_slope(epsilon), activation.h)
    numeric |= {"step": step_gradient(problem, analytic, 0.0), "momentum": step_gradient(problem, analytic, 0.5)}
    rng = generator(seed, Purpose.CHECK_SAMPLES)
    blocks, plain_seconds = {}, 0.0
    for name, g in analytic._asdict().items():
        limits = limits_at(problem, name, g, epsilon) if allow_for_epsilon else LIMITS
        others = {part: getattr(weights, name) for part, weights in numeric.items()}
        blocks[name], seconds = check_block(problem, name, g, others, limits, epsilon, rng)
        plain_seconds += seconds
    sampled = sum(block.parts["samples"].count for block in blocks.values())
    return CheckReport(seconds_central, seconds_complex, plain_seconds / sampled, blocks)


def check_block(
    problem: Problem,
    name: str,
    g: Array,
    others: dict[str, Array],
    limits: dict[str, float],
    epsilon: float,
    rng: np.random.Generator,
) -> tuple[Block, float]:
    """Compare the gradient g of a block with other gradients of the block and with the plain objective.

    Return the comparisons, and the seconds that the sampled entries took without the shortcut.
    """
    largest = float(np.abs(g).max())
    parts = {part: compare(name, part, g, other, scale=largest, limit=limits[part]) for part, other in others.items()}
    parts["directions"] = compare(
        name,
        "directions",
        *direction_slopes(problem, name, g, rng),
        scale=np.linalg.norm(g),
        limit=limits["directions"],
        where=lambda _: "along a random direction",
    )
    central, entries = others["central"], _sample(g.shape, rng)
    plain, seconds = _timed(plain_slopes, problem, name, entries, epsilon)
    parts["samples"] = compare(
        name,
        "samples",
        central[tuple(entries.T)],
        plain,
        scale=np.abs(central).max(),
        limit=limits["samples"],
        where=lambda at: str(entries[at[0]].tolist()),
    )
    rows, columns = g.shape
    return Block((rows, columns), g.size, largest, parts), seconds


def limits_at(problem: Problem, block: str, gradient: Array, epsilon: float) -> dict[str, float]:
    """Return LIMITS, widened up to COARSEST for the error of central differences with this epsilon.

    Relative to the block's largest gradient g, the error has two parts::

        truncation   (eps x)^2, where x is the largest input of the block (X for W1, Z for W2). The third
                     derivative along an entry contains its input three times, the first derivative once.
        rounding     10 u s / (eps g), where u = 2^-53 and s is the size of the terms that E adds.

    For pixels between 0 and 255, truncation is 6.5e-6 with eps = 1e-5, so a correct gradient may exceed 1e-6. With
    eps = 1e-6, it is 6.5e-8. Rounding is far below 1e-6 unless eps or g is tiny. g is tiny if raw pixels saturate the
    hidden units. Samples use the same eps on both sides, so only rounding counts. Directions use their own step and
    are relative to the 2-norm of the gradient.
    """
    S = forward(problem.X, problem.W, problem.activation.h).S
    truncation = (epsilon * float(np.abs(block_inputs(problem, block)).max())) ** 2
    size = float(np.abs(S).max(axis=1).sum()) + abs(problem.objective(problem.W))
    rounding = 10 * 2.0**-53 * size / epsilon / max(float(np.abs(gradient).max()), TINY)
    step = direction_step(problem, block)
    along = 10 * 2.0**-53 * size / step / max(float(np.linalg.norm(gradient)), TINY)
    floors = {"central": max(truncation, rounding), "directions": along, "samples": rounding}
    return LIMITS | {part: min(max(LIMITS[part], floor), COARSEST) for part, floor in floors.items()}


def step_gradient(problem: Problem, analytic: Weights, momentum: float) -> Weights:
    """Return the gradient that training follows: the change of the weights in one update, divided by eta.

    The change that the velocity causes is subtracted. eta makes the changes at least as large as the weights, so that
    rounding of the sum hides no error. eta is a power of two, so that it causes no rounding. With momentum, eta is
    small enough that the update does not materialize the velocity. Materializing could hide an error.
    """
    n, l2 = len(problem.rows), problem.l2
    smallest = min((size for g in analytic if (size := float(np.abs(g).max())) > 0), default=1.0)
    eta = 2.0 ** -np.floor(np.log2(smallest))
    if momentum and l2:
        eta = min(eta, 2.0 ** np.floor(np.log2(1 / (8 * l2))))
    way = {"dtype": "float64", "batch_gradient": "mean", "momentum": momentum, "schedule": "constant"}
    run = run_of(way, eta, l2, hidden_units=len(problem.W.W1), batch_size=n)
    state = started_state(problem.W, analytic, run)
    before = Point.of(state)
    batch_of = batches_of(state.W, problem.scaling, problem.activation)
    train_epoch(state, run, problem.data, problem.rows, batch_of, lambda _: None)
    changes = zip(Point.of(state).W, before.W, before.V, strict=True)
    return Weights(*((after - first) / eta - n * momentum * v for after, first, v in changes))


def _timed(compute: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    result = compute(*arguments)
    return result, time.perf_counter() - began


def _sample(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return rows and columns, P x 2, of at most SAMPLED_ENTRIES distinct entries of a matrix."""
    size = shape[0] * shape[1]
    chosen = np.sort(rng.choice(size, min(size, SAMPLED_ENTRIES), replace=False))
    return np.stack(np.unravel_index(chosen, shape), axis=1)
