"""Mini-batch gradient ascent on E(W), epoch by epoch."""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import Dataset, Split, split_rows
from handgrad.datasets.inputs import Rows
from handgrad.datasets.scaling import Scaling
from handgrad.experiment.runs import Run
from handgrad.network.activations import ACTIVATIONS, Activation
from handgrad.network.model import Weights, initial_weights, penalty
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.momentum import Velocity
from handgrad.training.results import Epoch, Evaluation

OnEpoch = Callable[[int, Epoch], None]
OnBatch = Callable[["State"], None]
#: returns the batch of N examples; equal N give the same object
BatchOf = Callable[[int], Batch]

EVALUATION_BLOCK = 500  # examples; a block of CIFAR-10 inputs in float32 is 6 MB


@dataclass
class State:
    """Everything that is needed to continue a run, also in another process.

    - W: the weights; W1 must be multiplied by w1_scale (see ``batch``).
    - history: the finished epochs.
    - passed: number of examples that the current epoch has processed.
    - data_term: sum of the data terms of these examples.
    - seconds: time that the current epoch has taken so far.
    - velocity: velocity of the weights; None without momentum.
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
        """Number of finished epochs, and of processed examples in the current epoch."""
        return len(self.history), self.passed

    @property
    def all_seconds(self) -> float:
        """Seconds that the run has taken so far."""
        return sum(epoch.seconds for epoch in self.history) + self.seconds

    def lay_out(self) -> None:
        """Convert all matrices to the memory order that a batch needs."""
        self.W = in_step_order(self.W)
        if self.velocity:
            self.velocity.W1, self.velocity.W2 = in_step_order(Weights(self.velocity.W1, self.velocity.W2))

    def materialize(self) -> None:
        """Multiply the stored scales into W and the velocity. Between two epochs, the arrays hold the true values."""
        if self.velocity:
            self.velocity.materialize(self.W.W1)
        self.W.W1[...] *= self.w1_scale
        self.w1_scale = 1.0

    def end_epoch(self, epoch: Epoch) -> None:
        """Add the current epoch to the history and begin the next one."""
        self.history.append(epoch)
        self.passed, self.data_term, self.seconds = 0, 0.0, 0.0


@dataclass(frozen=True)
class TrainingResult:
    """A run that has ended or was stopped.

    - status: ``finished`` or ``diverged``; ``stopped`` if there are more epochs to train.
    - test: evaluation of the final weights on the test set; None if the run did not finish.
    - scaling: of the inputs; None if the result was read from a checkpoint.
    """

    run: Run
    status: str
    state: State
    test: Evaluation | None
    train_examples: int
    test_examples: int
    scaling: Scaling | None = None


def batches_of(W: Weights, scaling: Scaling, activation: Activation) -> BatchOf:
    """Return a function that returns the batch of N examples for these weights. It creates each size once."""
    return functools.cache(functools.partial(Batch, W, scaling, activation))


def scheduled(schedule: str, passed: float) -> float:
    """Return the factor of eta for an update. passed: fraction of all updates that came before it, 0 to 1."""
    return (1 + math.cos(math.pi * passed)) / 2 if schedule == "cosine" else 1.0


def ascend(batch: Batch, w1_scale: float, run: Run, rate: float, velocity: Velocity | None) -> tuple[float, float]:
    """Update the weights in place on a batch of B examples.

    Without momentum, W <- W + eta c g. With momentum, V <- momentum V + c g, then W <- W + eta V. Here c is 1 for
    ``batch_gradient: sum`` and 1/B for ``mean``. rate: factor of eta from the schedule.

    Return the data term of E before the update, and the new w1_scale.
    """
    eta, examples = run.learning_rate * rate, 1 if run.batch_gradient == "sum" else len(batch.X)
    batch.forward(w1_scale)
    data_term = batch.softmax()
    if velocity is None:
        return data_term, batch.ascend(w1_scale, eta / examples, run.l2)
    return data_term, batch.ascend_with_momentum(velocity, run.momentum, 1 / examples, w1_scale, eta, run.l2)


def evaluate(batch_of: BatchOf, split: Split, rows: Rows | None) -> Evaluation:
    """Evaluate the weights on some rows of a split, in blocks of examples. rows: None means all rows."""
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
        blocks.append(batch.S.T.copy())  # softmax has replaced S by Y
    y = split.y if rows is None else split.y[rows]
    return Evaluation(-log_likelihood / n, int((predictions != y).sum()), predictions, np.concatenate(blocks))


def train_epoch(state: State, run: Run, data: Dataset, rows: Rows, batch_of: BatchOf, on_batch: OnBatch) -> None:
    """Train on the remaining batches of the current epoch. The order depends on seed and epoch only."""
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
    state: State, run: Run, data: Dataset, examples: int, held_out: Rows, batch_of: BatchOf
) -> tuple[Epoch, Evaluation]:
    """Materialize and evaluate the weights, and add the epoch to the history.

    examples: number of training examples. held_out: rows of the validation split.
    """
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


def first_state(run: Run, data: Dataset) -> State:
    """Return the state before the first epoch."""
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


def rows_of(run: Run, data: Dataset) -> tuple[Rows, Rows]:
    """Return the row numbers of the training and the validation examples of a run."""
    return split_rows(len(data.train.y), train_size=run.train_size, validation_size=run.validation_size)


def scaling_of(run: Run, data: Dataset) -> Scaling:
    """Return the scaling of a run's inputs. Its statistics are computed from the run's training examples only."""
    return Scaling.of(run.pixels, x=data.train.x, rows=rows_of(run, data)[0], max_value=data.spec.max_value)


def train(
    run: Run,
    data: Dataset,
    on_epoch: OnEpoch,
    *,
    on_batch: OnBatch = lambda _: None,
    state: State | None = None,
    until: int | None = None,
) -> TrainingResult:
    """Train one run to its last epoch, or to the epoch in which it diverges.

    A run diverges when the objective or a weight is not finite. This is tested once an epoch.

    - on_epoch: called after each epoch with its number (from 1) and its measurements.
    - on_batch: called after each update with the state. Training later changes this state. An exception that
      on_batch raises ends the training.
    - state: the state to continue from; None starts from the initial weights. It must come from ``on_batch`` of this
      run. With ``schedule: constant``, it may also come from a run that differs only in ``epochs``, including the final
      state of a shorter run. It has at most ``until`` epochs.
    - until: the epoch after which the training stops; None for the last epoch. The state can be continued later.

    A continued run is reproducible bit for bit on the same CPU model, NumPy and BLAS. An epoch depends only on the
    state before it, the seed, its number and, with ``schedule: cosine``, the number of epochs.
    """
    rows, held_out = rows_of(run, data)
    scaling = scaling_of(run, data)
    state = state or first_state(run, data)
    state.lay_out()
    batch_of = batches_of(state.W, scaling, ACTIVATIONS[run.activation])
    last = run.epochs if until is None else until
    status, test = "finished" if last == run.epochs else "stopped", None
    # NumPy must not warn of infinities and nans: the test after each epoch finds them.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for number in range(len(state.history) + 1, last + 1):
            train_epoch(state, run, data, rows, batch_of, on_batch)
            epoch, test = evaluate_epoch(state, run, data, len(rows), held_out, batch_of)
            on_epoch(number, epoch)
            if not (epoch.finite and all(np.isfinite(weights).all() for weights in state.W)):
                status = "diverged"
                break
    if status != "finished":
        test = None
    elif test is None:  # the state is that of a longer run after these epochs
        test = evaluate(batch_of, data.test, None)
    return TrainingResult(run, status, state, test, len(rows), len(data.test.y), scaling)
