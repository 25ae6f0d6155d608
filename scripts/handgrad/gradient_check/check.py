"""Whether ``model.gradients`` is the slope of ``model.objective``, in float64, entry by entry.

Each block of weights, W1 and W2, is checked in six ways at weights of ordinary size:

- complex step, every entry: Im E(W + i eps) / eps with eps = 1e-30. Nothing is subtracted, so it is exact
  to rounding. Only for activations that have a complex form.
- central differences, every entry: (E(w + eps) - E(w - eps)) / (2 eps).
- random directions: central differences of the untouched objective along them, against <gradient, V>.
- sampled entries: central differences of the untouched objective, against the second part's values.
- training's step, every entry: by how much an update moves the weights, over eta.
- training's step with momentum, every entry: the same beyond what the velocity moves them by.

The first two take the shortcut of ``numeric_gradients``; the next two know nothing of it and check it. The
last two hold the code that trains to the gradient that the others prove. ``training_check`` then has training
itself run, in every dtype and way to train, at weights of ordinary size and at huge ones.
"""

import time
from collections.abc import Callable
from dataclasses import replace
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
from handgrad.gradient_check.results import Block, CheckReport, compare
from handgrad.gradient_check.settings import GATE, Settings
from handgrad.gradient_check.training_check import Point, check_training, run_of, started_state
from handgrad.network.activations import Array
from handgrad.network.model import Weights, forward, gradients
from handgrad.training.loop import batches_of, train_epoch

SAMPLED_ENTRIES = 50  # a block

#: The largest relative differences that pass, by the names of PARTS. All are relative to the block's largest
#: gradient, but directions to its 2-norm. Complex step and training's steps are good to 1e-15, central differences at
#: GATE to 1e-9, and samples differ from the shortcut by rounding alone. A random direction sees an error e of a block
#: of n entries as |e| / sqrt(n), so its limit is the stricter: 1e-8 shows a W1 of 200 x 3073 that is wrong by 1e-5 of
#: its 2-norm.
LIMITS = {
    "complex": 1e-10,
    "central": 1e-6,
    "directions": 1e-8,
    "samples": 1e-6,
    "step": 1e-10,
    "momentum": 1e-10,
}
#: central differences that cannot do better than this say nothing of a gradient
COARSEST = 1e-3
#: the widest limits that ``limits_at`` gives
WIDEST = LIMITS | dict.fromkeys(("central", "directions", "samples"), COARSEST)
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
    """Compare a block of the gradient with others like it, and with the untouched objective.

    Returns also the seconds that sampled entries took, without the shortcut.
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
    floors = {"central": max(truncation, rounding), "directions": along, "samples": rounding}
    return LIMITS | {part: min(max(LIMITS[part], floor), COARSEST) for part, floor in floors.items()}


def step_gradient(problem: Problem, analytic: Weights, momentum: float) -> Weights:
    """The gradient that training's own step follows: the change of the weights in one update, over eta.

    What the velocity adds to the change is taken off. eta makes the changes as large as the weights or larger, so that
    rounding of their sum hides nothing; it is a power of two, so that it rounds nothing itself. With momentum it is
    small enough that the numbers of ``momentum`` stay apart from the arrays, so that none hides a mistake.
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
    """Distinct entries of a matrix, at most SAMPLED_ENTRIES of them: rows and columns, P x 2."""
    size = shape[0] * shape[1]
    chosen = np.sort(rng.choice(size, min(size, SAMPLED_ENTRIES), replace=False))
    return np.stack(np.unravel_index(chosen, shape), axis=1)
