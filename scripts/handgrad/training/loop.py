"""Mini-batch gradient ascent on E(W), epoch by epoch."""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import Bytes, ImageData, PixelScaling, Rows, Split, split_rows
from handgrad.experiment.runs import Run
from handgrad.network.activations import ACTIVATIONS, Activation, Array
from handgrad.network.model import Weights, initial_weights, penalty
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.momentum import Velocity

OnEpoch = Callable[[int, "Epoch"], None]
OnBatch = Callable[["State"], None]
#: N -> a batch of N examples, the same one each time
BatchOf = Callable[[int], Batch]

EVALUATION_BLOCK = 500  # examples; a block of CIFAR-10 inputs in float32 is 6 MB


@dataclass(frozen=True)
class Epoch:
    """What is kept of one epoch.

    data_term: mean log-likelihood a training example, as its batches passed. penalty: (lambda/2)|W|^2 at
    the end of the epoch. Losses: mean negative log-likelihood an example, without penalty. Faults:
    misclassified examples. Validation figures are nan and -1 where nothing is held out.
    """

    data_term: float
    penalty: float
    test_loss: float
    test_faults: int
    validation_loss: float
    validation_faults: int
    seconds: float

    @property
    def finite(self) -> bool:
        """Whether every figure that exists is a finite number."""
        figures = [self.data_term, self.penalty, self.test_loss]
        return all(map(math.isfinite, figures)) and (self.validation_faults < 0 or math.isfinite(self.validation_loss))


@dataclass(frozen=True)
class Evaluation:
    """Loss and faults over some examples, their predicted classes, uint8 (N,), and probabilities Y, N x K.

    The prediction is the largest logit, not the largest probability: two logits can be so close that their
    probabilities round to the same number.
    """

    loss: float
    faults: int
    predictions: Bytes
    Y: Array


@dataclass
class State:
    """Where a run stands: all that is needed to go on with it, in another process or years later.

    history: the epochs that have passed. The rest is of the epoch that is running: what W1 is to be
    multiplied by (w1_scale, see ``batch``), the number of examples that have passed, the sum of their data terms,
    and the seconds that they took. velocity: of the weights, where the run has momentum.
    """

    W: Weights
    history: list[Epoch] = field(default_factory=list)
    w1_scale: float = 1.0
    passed: int = 0
    data_term: float = 0.0
    seconds: float = 0.0
    velocity: Velocity | None = None

    @property
    def position(self) -> tuple[int, int]:
        """Epochs, and examples of the running epoch, that have passed."""
        return len(self.history), self.passed

    @property
    def all_seconds(self) -> float:
        """What the run has taken so far."""
        return sum(epoch.seconds for epoch in self.history) + self.seconds

    def lay_out(self) -> None:
        """Put all matrices into the memory order that a batch needs."""
        self.W = in_step_order(self.W)
        if self.velocity:
            self.velocity.W1, self.velocity.W2 = in_step_order(Weights(self.velocity.W1, self.velocity.W2))

    def materialize(self) -> None:
        """Make W the weights themselves, as they are between two epochs, and the velocity that itself."""
        if self.velocity:
            self.velocity.materialize(self.W.W1)
        self.W.W1[...] *= self.w1_scale
        self.w1_scale = 1.0

    def end_epoch(self, epoch: Epoch) -> None:
        """Add the epoch that was running to the history; the next one begins."""
        self.history.append(epoch)
        self.passed, self.data_term, self.seconds = 0, 0.0, 0.0


@dataclass(frozen=True)
class TrainingResult:
    """A finished run. status: ``finished``, or ``diverged`` (then there is no evaluation)."""

    run: Run
    status: str
    state: State
    test: Evaluation | None
    train_examples: int
    test_examples: int


def batches_of(W: Weights, scaling: PixelScaling, activation: Activation) -> BatchOf:
    """Batches of any size for these weights; each size is made once."""
    return functools.cache(functools.partial(Batch, W, scaling, activation))


def scheduled(schedule: str, passed: float) -> float:
    """What eta is multiplied by in an update before which this part of all updates has passed."""
    return (1 + math.cos(math.pi * passed)) / 2 if schedule == "cosine" else 1.0


def ascend(batch: Batch, w1_scale: float, run: Run, rate: float, velocity: Velocity | None) -> tuple[float, float]:
    """One update on a batch of B examples, in place; returns the data term of E before it, and the new w1_scale.

    W <- W + eta c g with c = 1 where ``batch_gradient`` is ``sum``, 1/B where it is ``mean``; with momentum
    V <- momentum V + c g and W <- W + eta V. rate: what the schedule multiplies eta by.
    """
    eta, examples = run.learning_rate * rate, 1 if run.batch_gradient == "sum" else len(batch.X)
    batch.forward(w1_scale)
    data_term = batch.softmax()
    if velocity is None:
        return data_term, batch.ascend(w1_scale, eta / examples, run.l2)
    return data_term, batch.ascend_with_momentum(velocity, run.momentum, 1 / examples, w1_scale, eta, run.l2)


def evaluate(batch_of: BatchOf, split: Split, rows: Rows | None) -> Evaluation:
    """Loss, faults and probabilities over the rows of a split (None: all), in blocks of examples."""
    n = len(split.y) if rows is None else len(rows)
    predictions, blocks = np.empty(n, np.uint8), []
    log_likelihood = 0.0
    for start in range(0, n, EVALUATION_BLOCK):
        block = slice(start, min(start + EVALUATION_BLOCK, n))
        batch = batch_of(block.stop - block.start)
        batch.load(split, block if rows is None else rows[block])
        batch.forward()
        predictions[block] = batch.S.argmax(axis=0)
        log_likelihood += batch.softmax()
        blocks.append(batch.S.T.copy())  # by now Y
    y = split.y if rows is None else split.y[rows]
    return Evaluation(-log_likelihood / n, int((predictions != y).sum()), predictions, np.concatenate(blocks))


def train_epoch(state: State, run: Run, data: ImageData, rows: Rows, batch_of: BatchOf, on_batch: OnBatch) -> None:
    """Pass the training rows in the order of the running epoch, or those that are left of it."""
    began = time.perf_counter() - state.seconds
    order = rows[generator(run.seed, Purpose.EPOCH_ORDER, len(state.history) + 1).permutation(len(rows))]
    updates = math.ceil(len(rows) / run.batch_size)
    for start in range(state.passed, len(rows), run.batch_size):
        update = len(state.history) * updates + start // run.batch_size
        rate = scheduled(run.schedule, update / (updates * run.epochs))
        chosen = order[start : start + run.batch_size]
        batch = batch_of(len(chosen))
        batch.load(data.train, chosen)
        data_term, state.w1_scale = ascend(batch, state.w1_scale, run, rate, state.velocity)
        state.data_term += data_term
        state.passed += len(chosen)
        state.seconds = time.perf_counter() - began
        on_batch(state)


def evaluate_epoch(
    state: State, run: Run, data: ImageData, examples: int, held_out: Rows, batch_of: BatchOf
) -> tuple[Epoch, Evaluation]:
    """Materialize the weights, evaluate them, and add the epoch of so many training examples to the history."""
    began = time.perf_counter()
    state.materialize()
    test = evaluate(batch_of, data.test, None)
    validation = evaluate(batch_of, data.train, held_out) if len(held_out) else None
    epoch = Epoch(
        data_term=state.data_term / examples,
        penalty=float(penalty(state.W, run.l2)),
        test_loss=test.loss,
        test_faults=test.faults,
        validation_loss=validation.loss if validation else math.nan,
        validation_faults=validation.faults if validation else -1,
        seconds=state.seconds + time.perf_counter() - began,
    )
    state.end_epoch(epoch)
    return epoch, test


def first_state(run: Run, data: ImageData) -> State:
    """The state before the first epoch."""
    W = initial_weights(
        run.init,
        ACTIVATIONS[run.activation],
        inputs=data.inputs,
        hidden_units=run.hidden_units,
        classes=data.classes,
        seed=run.seed,
        dtype=run.dtype,
    )
    return State(W, velocity=Velocity.at_rest(W) if run.momentum else None)


def train(
    run: Run, data: ImageData, on_epoch: OnEpoch, *, on_batch: OnBatch = lambda _: None, state: State | None = None
) -> TrainingResult:
    """Train one run from its initial weights to its last epoch, or to the epoch in which it diverges.

    on_epoch is called with the number (from 1) and the figures of each epoch that has passed, on_batch with
    the state after each update, which changes when training goes on; what it raises ends the training. A run
    has diverged when the objective or a weight is not finite, tested once an epoch.

    state: where to go on, in place of the initial weights: a state that on_batch was called with in this run
    or, if it can be extended, in one equal to it in all but ``epochs``, or the last state of a shorter one.
    The result is the same to the last bit, since an epoch depends on the state before it, the seed, its
    number and, with a schedule, the number of epochs, and on nothing else.
    """
    rows, held_out = split_rows(len(data.train.y), train_size=run.train_size, validation_size=run.validation_size)
    scaling = PixelScaling.of(run.pixels, x=data.train.x, rows=rows, max_value=data.max_value)
    state = state or first_state(run, data)
    state.lay_out()
    batch_of = batches_of(state.W, scaling, ACTIVATIONS[run.activation])
    status, test = "finished", None
    # Infinities and nans are a result here, found once an epoch, and no reason for a warning.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for number in range(len(state.history) + 1, run.epochs + 1):
            train_epoch(state, run, data, rows, batch_of, on_batch)
            epoch, test = evaluate_epoch(state, run, data, len(rows), held_out, batch_of)
            on_epoch(number, epoch)
            if not (epoch.finite and all(np.isfinite(weights).all() for weights in state.W)):
                status, test = "diverged", None
                break
    return TrainingResult(run, status, state, test, len(rows), len(data.test.y))
