"""The check that training computes the mathematics of ``model``, up to the rounding errors of each dtype.

``loop.train_epoch`` trains small networks on a few examples, for two epochs. Each epoch has a full batch and a smaller
last batch. The check computes each update again in float64, from the weights before it and ``model.gradients``.
``rounding`` bounds the difference. The cases are all combinations of dtype, batch_gradient, momentum and schedule, at
ordinary and at huge weights. Huge weights make pre-activations exceed the clamps and logits exceed the range of exp.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.inputs import Rows
from handgrad.experiment.runs import Run
from handgrad.gradient_check.activation_check import DTYPES, MAX_PRE_ACTIVATION, check_activation
from handgrad.gradient_check.problem import SIZES, Problem, sized_weights, small_problems
from handgrad.gradient_check.results import Comparison, compare, worst_of
from handgrad.gradient_check.rounding import ELEMENTWISE, gradient_errors, unit_roundoff
from handgrad.network.model import Weights, data_term, forward, gradients, softmax
from handgrad.training.batch import in_step_order
from handgrad.training.loop import BatchOf, State, batches_of, evaluate, train_epoch
from handgrad.training.momentum import Velocity
from handgrad.training.results import Epoch

#: factor of eta after a fraction t of all updates; (1 + cos pi t)/2 equals cos^2 (pi t/2)
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda part: math.cos(math.pi * part / 2) ** 2,
}
#: the training options that are combined, with their values
AXES: dict[str, tuple[Any, ...]] = {
    "dtype": DTYPES,
    "batch_gradient": ("sum", "mean"),
    "momentum": (0.0, 0.9),
    "schedule": tuple(SCHEDULES),
}
WAYS = [dict(zip(AXES, values, strict=True)) for values in product(*AXES.values())]
#: the cases of the check, written to the gate's file
COVERED = {
    **{axis: list(values) for axis, values in AXES.items()},
    "batches": ["full", "last"],
    "weights": {name: asdict(size) for name, size in SIZES.items()},
    "pre_activations": [-MAX_PRE_ACTIVATION, MAX_PRE_ACTIVATION],
}
EPOCHS = 3  # of a run; the check trains two of them
SEED = 32  # of a run; with 3, 4 or 5 examples, the first batch has different examples in each epoch
#: weak enough that w1_scale is not multiplied into W1; the strong penalty, 1/4 in each update, causes that
WEAK_L2 = 0.01
SMALL_SCALE = 2.0**-24  # of the velocity; so small that training must multiply it into the velocity


def check_training(data: Dataset, problem: Problem, seed: int) -> tuple[Comparison, ...]:
    """Compare the activation and the training loop with float64 values, in every dtype."""
    with np.errstate(all="ignore"):  # no warnings, because infinities and nans do not pass
        return worst_of(_comparisons(data, problem, seed))


def _comparisons(data: Dataset, problem: Problem, seed: int) -> Iterator[Comparison]:
    points = small_problems(data, problem, seed)
    yield from check_activation(problem.activation)
    # a network with all hidden units, because the sums of small networks have few terms
    full = problem._replace(W=sized_weights(problem, SIZES["ordinary"]))
    for way in WAYS:
        if (way["batch_gradient"], way["schedule"]) == ("mean", "cosine"):
            yield from train_way(full, way, "ordinary", epochs=1)
    for way, (name, point) in product(WAYS, points.items()):
        yield from train_way(point, way, name, epochs=2)


class Point(NamedTuple):
    """Weights W and velocity V in float64. size: sum of the absolute stored terms of each entry of V."""

    W: Weights
    V: Weights
    size: Weights

    @classmethod
    def of(cls, state: State) -> "Point":
        W1, W2 = (w.astype(np.float64) for w in state.W)
        it = state.velocity or Velocity.at_rest(Weights(W1, W2))
        Q, P, V2 = it.scale * it.W1.astype(np.float64), it.share * W1, it.W2.astype(np.float64)
        size = Weights(np.abs(Q) + np.abs(P), np.abs(V2))
        return cls(Weights(state.w1_scale * W1, W2), Weights(Q + P, V2), size)


@dataclass
class _Follower:
    """Compute each update again in float64 and compare.

    - point: name of the weights, ordinary or huge.
    - before: the point before the next update.
    - u: unit roundoff of the run's dtype.
    - order: rows in the order of the current epoch.
    - found: all comparisons so far.
    """

    problem: Problem
    run: Run
    point: str
    before: Point
    u: float
    order: Rows
    found: list[Comparison] = field(default_factory=list)
    updates: int = 0
    passed: int = 0
    data_term: float = 0.0

    def hold(self, what: str, numeric: Any, analytic: Any, limit: Any, fault: str = "update") -> None:
        """Compare numbers of the state after the last update, and store the result."""
        run = self.run
        way = f"{run.batch_gradient}, momentum {run.momentum:g}, {run.schedule}, {self.point} weights"
        found = compare(what, fault, analytic, numeric, scale=limit, dtype=run.dtype)
        self.found.append(replace(found, where=f"{found.where} after update {self.updates} ({way})"))

    def on_batch(self, state: State) -> None:
        """Compare the state after an update with the state computed from the point before it."""
        run, before, after = self.run, self.before, Point.of(state)
        rows = self.order[self.passed : self.passed + run.batch_size]
        total = EPOCHS * math.ceil(len(self.order) / run.batch_size)
        eta = run.learning_rate * SCHEDULES[run.schedule](self.updates / total)
        share = 1 / len(rows) if run.batch_gradient == "mean" else 1.0
        X, sizes, T = self.problem.examples(rows)
        value, G = gradients(before.W, X, T, self.problem.activation, run.l2)
        errors = gradient_errors(X, sizes, T, before.W, self.problem.activation, self.u)
        self.updates, self.passed = self.updates + 1, self.passed + len(rows)
        rounding = ELEMENTWISE * self.u
        for name, w, v, g, error in zip(Weights._fields, before.W, before.V, G, errors.gradient, strict=True):
            stored = run.momentum * getattr(before.size, name) + getattr(after.size, name)
            dV = share * error + rounding * (stored + share * (np.abs(g) + 2 * run.l2 * np.abs(w)))
            V = run.momentum * v + share * g
            moved = w + eta * V
            dW = eta * dV + rounding * (np.abs(w) + np.abs(moved))
            self.hold(name, getattr(after.W, name), moved, dW)
            if run.momentum:
                self.hold(f"V of {name}", getattr(after.V, name), V, dV)
        limit = errors.value + 4 * unit_roundoff("float64") * abs(state.data_term)
        self.hold("data term", state.data_term - self.data_term, value, limit)
        self.hold("examples passed", state.passed, self.passed, 0)
        # These numbers must stay in range; otherwise they would overflow in a long run.
        self.hold("w1_scale", state.w1_scale, 0.75, 0.26)
        if state.velocity:
            # the scale must exceed 2^-20 times w1_scale/shrunk, a ratio between 1/2 and 2
            self.hold("log2 scale", np.log2(state.velocity.scale), -10, 11.5)
        self.before, self.data_term = after, state.data_term

    def end_epoch(self, state: State) -> None:
        """Compare the state after ``materialize`` with the state before it."""
        before, after = self.before, Point.of(state)
        kinds = (("", after.W, before.W, before.W), ("V of ", after.V, before.V, before.size))
        for kind, *weights in kinds:
            for name, found, known, size in zip(Weights._fields, *weights, strict=True):
                self.hold(kind + name, found, known, ELEMENTWISE * self.u * np.abs(size))
        self.hold("w1_scale", state.w1_scale, 1, 0)
        self.before, self.passed, self.data_term = after, 0, 0.0

    def hold_evaluation(self, batch_of: BatchOf) -> None:
        """Compare training's evaluation of the trained weights with the model's evaluation."""
        it, W = self.problem, self.before.W
        n = len(it.rows)
        X, sizes, T = it.examples(it.rows)
        S = forward(X, W, it.activation.h).S
        errors = gradient_errors(X, sizes, T, W, it.activation, self.u)
        found = evaluate(batch_of, Split(it.split.x[it.rows], it.split.y[it.rows]), None)
        self.hold("loss", found.loss, -float(data_term(S, T)) / n, errors.value / n, "evaluation")
        self.hold("Y", found.Y, softmax(S), errors.Y, "evaluation")


def train_way(problem: Problem, way: dict[str, Any], point: str, *, epochs: int) -> list[Comparison]:
    """Train from the problem's weights and compare each update. way: training options, a value for each of AXES."""
    rows = problem.rows
    _, G = gradients(problem.W, problem.X, problem.T, problem.activation, 0.0)
    eta = _rate(problem, G)
    l2 = 0.25 / eta if way["schedule"] == "constant" else WEAK_L2
    run = run_of(way, eta, l2, hidden_units=len(problem.W.W1), batch_size=len(rows) // 2 + 1)
    state = started_state(problem.W, G, run)
    batch_of = batches_of(state.W, problem.scaling, problem.activation)
    follower = _Follower(problem, run, point, Point.of(state), unit_roundoff(run.dtype), rows)
    if state.velocity and run.batch_gradient == "sum":
        for name, v in zip(Weights._fields, follower.before.V, strict=True):
            follower.hold(f"V of {name}", v, np.zeros_like(v), np.zeros_like(v))
    for epoch in range(1, epochs + 1):
        follower.order = rows[generator(run.seed, Purpose.EPOCH_ORDER, epoch).permutation(len(rows))]
        train_epoch(state, run, problem.data, rows, batch_of, follower.on_batch)
        state.materialize()
        follower.end_epoch(state)
        state.end_epoch(Epoch(0, 0, 0, 0, 0, 0, 0))
    follower.hold("updates", follower.updates, epochs * math.ceil(len(rows) / run.batch_size), 0)
    follower.hold_evaluation(batch_of)
    return follower.found


def run_of(way: dict[str, Any], eta: float, l2: float, *, hidden_units: int, batch_size: int) -> Run:
    return Run(
        dataset="gate",
        activation="gate",
        hidden_units=hidden_units,
        learning_rate=eta * (batch_size if way["batch_gradient"] == "mean" else 1),
        batch_size=batch_size,
        epochs=EPOCHS,
        l2=l2,
        seed=SEED,
        **way,
    )


def _rate(problem: Problem, G: Weights) -> float:
    """Return a power of two, at most 1/8, such that an update changes pre-activations and logits by at most 1/4.

    At most 1/8, so that the numbers of ``momentum`` do not cancel by chance.
    """
    Z = forward(problem.X, problem.W, problem.activation.h).Z
    largest = max(float(np.abs(X @ g.T).max()) for X, g in ((problem.X, G.W1), (Z, G.W2)))
    return float(2.0 ** -np.ceil(np.log2(max(4 * largest, 8))))


def started_state(W: Weights, G: Weights, run: Run) -> State:
    """Return a state as in the middle of a run, where w1_scale is not 1.

    With ``batch_gradient: sum``, the velocity is 0. With ``mean``, it is the gradient with rows and columns reversed,
    which has the same size. In float32, its scale is so small that the first update materializes it. In float64, the
    scale is kept.
    """
    w1_scale = 0.75
    P = np.asfortranarray((W.W1 / w1_scale).astype(run.dtype))
    stored = in_step_order(Weights(P, W.W2.astype(run.dtype)))
    if not run.momentum:
        return State(stored, w1_scale=w1_scale)
    if run.batch_gradient == "sum":
        return State(stored, w1_scale=w1_scale, velocity=Velocity.at_rest(stored))
    scale = SMALL_SCALE if run.dtype == "float32" else 0.5
    share = -0.1 / run.learning_rate
    V1, V2 = (g[::-1, ::-1] / run.batch_size for g in G)
    Q = ((V1 - share * P.astype(np.float64)) / scale).astype(run.dtype)
    first = in_step_order(Weights(Q, V2.astype(run.dtype)))
    return State(stored, w1_scale=w1_scale, velocity=Velocity(first.W1, first.W2, scale, share))
