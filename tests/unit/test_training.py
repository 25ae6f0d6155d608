"""Tests of an update, an evaluation and a complete run."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from factories import image_data, run_of
from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import Dataset, Split, split_rows
from handgrad.datasets.scaling import Scaling
from handgrad.experiment.runs import Run
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import Array, Weights, initial_weights, softmax
from handgrad.training import loop as training
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.loop import State, TrainingResult, ascend, batches_of, train
from handgrad.training.results import Epoch, Evaluation

LN2, LN3 = math.log(2), math.log(3)


def images(n: int = 23, test: int = 7) -> Dataset:
    """Return images with labels that can be learned: the class is the brightest third of the pixels."""
    data = image_data(n, test)
    for split in (data.train, data.test):
        split.y[:] = split.x.reshape(-1, 3, 2).sum(axis=2).argmax(axis=1)
    return data


DATA = images()
ROWS = np.arange(23)


def run(**changes: Any) -> Run:
    values = {"hidden_units": 4, "learning_rate": 0.05, "batch_size": 5, "epochs": 4, "seed": 3, "dtype": "float64"}
    return run_of(**{**values, **changes})


def trained(data: Dataset = DATA, **changes: Any) -> TrainingResult:
    return train(run(**changes), data, lambda *_: None)


def evaluate(W: Weights, split: Split, rows: Any = None, scaling: Scaling | None = None) -> Evaluation:
    batch_of = batches_of(in_step_order(W), scaling or Scaling(1 / 255), ACTIVATIONS["tanh"])
    return training.evaluate(batch_of, split, rows)


@pytest.fixture
def batches_seen(monkeypatch: pytest.MonkeyPatch) -> list[Array]:
    """Return a list that collects the inputs X of each update."""
    seen: list[Array] = []

    def record(batch: Batch, *rest: Any) -> tuple[float, float]:
        seen.append(batch.X * batch.X.dtype.type(batch.factor))
        return ascend(batch, *rest)

    monkeypatch.setattr(training, "ascend", record)
    return seen


def figures(epoch: Epoch) -> list[float]:
    """Return all figures of an epoch except its seconds."""
    return [value for name, value in vars(epoch).items() if name != "seconds"]


# --- updates ---


TORCH_H = {
    "softplus": lambda a: torch.logaddexp(a, torch.zeros((), dtype=a.dtype)),
    "tanh": torch.tanh,
    "cos": torch.cos,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "gelu": lambda a: torch.nn.functional.gelu(a, approximate="tanh"),
    "silu": torch.nn.functional.silu,
    "sin": torch.sin,
}


def torch_objective(W: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor, h: Any, l2: float) -> torch.Tensor:
    """Return E by its definition. x: inputs without the column of ones. y: labels."""
    W1, W2 = W
    hidden = h(W1[:, 0] + x @ W1[:, 1:].T)
    S = W2[:, 0] + hidden @ W2[:, 1:].T
    log_likelihood = S[torch.arange(len(y)), y] - torch.logsumexp(S, dim=1)
    return log_likelihood.sum() - l2 / 2 * ((W1**2).sum() + (W2**2).sum())


def torch_weights(this: Run, first: Weights, scaling: Scaling) -> list[Array]:
    """Return the weights after all updates of a run, with gradients, momentum and schedule by PyTorch."""
    x = torch.tensor(scaling.inputs(DATA.train.x, np.float64)[:, 1:])
    y = torch.tensor(DATA.train.y.astype(np.int64))
    W = [torch.tensor(w, requires_grad=True) for w in first]
    optimizer = torch.optim.SGD(W, lr=this.learning_rate, momentum=this.momentum)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for epoch in range(1, 5):
        order = generator(this.seed, Purpose.EPOCH_ORDER, epoch).permutation(23)
        for start in range(0, 23, 5):  # the last batch has 3 examples
            rows = torch.tensor(order[start : start + 5])
            E = torch_objective(W, x[rows], y[rows], TORCH_H[this.activation], this.l2)
            optimizer.zero_grad()
            (-E if this.batch_gradient == "sum" else -E / len(rows)).backward()
            optimizer.step()
            if this.schedule == "cosine":
                cosine.step()
    return [w.detach().numpy() for w in W]


SCALED = {"pixels": "standardize", "init": "scaled"}
RAW = {"pixels": "raw", "learning_rate": 5e-4}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(
    "changes",
    [
        {"batch_gradient": "sum"},
        {"batch_gradient": "mean", **RAW},
        {"batch_gradient": "mean", "schedule": "cosine", **SCALED},
        {"batch_gradient": "sum", "schedule": "cosine", "momentum": 0.9, "learning_rate": 0.02, **SCALED},
        {"batch_gradient": "mean", "schedule": "cosine", "momentum": 0.3, "learning_rate": 0.1, **SCALED},
        {"batch_gradient": "mean", "schedule": "constant", "momentum": 0.999, "learning_rate": 0.1, **SCALED},
        {"batch_gradient": "sum", "schedule": "constant", "momentum": 0.9, **RAW},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_twenty_updates_agree_with_pytorchs_own(name: str, changes: dict[str, Any]) -> None:
    this = run(activation=name, l2=0.1, **changes)
    scaling = Scaling.of(this.pixels, x=DATA.train.x, rows=ROWS, max_value=255)
    shape = {"inputs": 6, "hidden_units": 4, "classes": 3}
    first = initial_weights(this.init, ACTIVATIONS[name], **shape, seed=3, dtype="float64")
    state = train(this, DATA, lambda *_: None).state
    for ours, theirs, before in zip(state.W, torch_weights(this, first, scaling), first, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)
        assert abs(ours - before).max() > 1e-4  # the weights have changed
    assert (state.velocity is not None) == (this.momentum > 0)


# --- a run ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_run_is_the_same_bits_in_its_dtype_every_time(dtype: str, momentum: float, batches_seen: list[Array]) -> None:
    axes = {"dtype": dtype, "momentum": momentum, "pixels": "standardize"}
    first, again, other = (trained(**axes, seed=seed) for seed in (3, 3, 4))
    for a, b in zip(first.state.W, again.state.W, strict=True):
        np.testing.assert_array_equal(a, b)
    for epoch, same in zip(first.state.history, again.state.history, strict=True):
        np.testing.assert_array_equal(figures(epoch), figures(same))
    assert (first.state.W.W2 != other.state.W.W2).any()
    velocity = first.state.velocity
    arrays = [*first.state.W, first.test.Y, *batches_seen, *([velocity.W1, velocity.W2] if velocity else [])]
    assert {array.dtype.name for array in arrays} == {dtype}
    for single, double in zip(first.state.W, trained(**{**axes, "dtype": "float64"}).state.W, strict=True):
        np.testing.assert_allclose(single, double, rtol=0, atol=1e-4)


def test_every_epoch_passes_every_example_once_in_an_order_of_its_own(batches_seen: list[Array]) -> None:
    trained(epochs=3)
    assert [len(X) for X in batches_seen] == [5, 5, 5, 5, 3] * 3
    for epoch in (1, 2, 3):  # the order of an epoch does not depend on earlier epochs
        order = generator(3, Purpose.EPOCH_ORDER, epoch).permutation(23)
        X = np.concatenate(batches_seen[5 * epoch - 5 : 5 * epoch])
        np.testing.assert_array_equal(X, Scaling(1 / 255).inputs(DATA.train.x[order], np.float64))


def test_the_data_term_of_an_epoch_is_taken_as_its_batches_pass() -> None:
    # The published initial weights have W2 = 0 and equal biases, so all classes have the same probability.
    changes = [{"batch_size": 1}, {"batch_size": 5}, {"batch_size": 100}, {"validation_size": 6}, {"train_size": 9}]
    for changed in changes:
        still = trained(**changed, learning_rate=0.0).state.history[-1]
        assert still.data_term == pytest.approx(-LN3, rel=1e-13)
    # With one batch per epoch, the data term is that of the weights at the end of the previous epoch.
    first, second = trained(batch_size=23, epochs=2).state.history
    assert first.data_term == pytest.approx(-LN3, rel=1e-14)
    W = trained(batch_size=23, epochs=1).state.W
    P = probabilities(W, DATA.train)
    assert second.data_term == pytest.approx(np.log(P[ROWS, DATA.train.y]).mean(), rel=1e-13)


def probabilities(W: Weights, split: Split) -> Array:
    """Return Y of a tanh network by its definition."""
    X = np.insert(split.x / 255, 0, 1, axis=1)
    return softmax(np.insert(np.tanh(X @ W.W1.T), 0, 1, axis=1) @ W.W2.T)


def test_a_finished_run_holds_the_evaluation_of_its_last_weights() -> None:
    calls: list[tuple[int, Epoch]] = []
    result = train(run(l2=0.5), DATA, lambda number, epoch: calls.append((number, epoch)))
    W, last = result.state.W, result.state.history[-1]
    assert calls == list(enumerate(result.state.history, 1))
    assert len(calls) == 4
    assert all(epoch.seconds > 0 for _, epoch in calls)
    assert (result.status, result.train_examples, result.test_examples) == ("finished", 23, 7)
    assert result.test is not None
    assert (result.test.loss, result.test.faults) == (last.test_loss, last.test_faults)
    Y = probabilities(W, DATA.test)
    np.testing.assert_allclose(result.test.Y, Y, rtol=1e-13)
    assert result.test.loss == pytest.approx(-np.log(Y[np.arange(7), DATA.test.y]).mean(), rel=1e-13)
    assert result.test.predictions.tolist() == Y.argmax(axis=1).tolist()
    assert last.penalty == pytest.approx(0.25 * (np.sum(W.W1**2) + np.sum(W.W2**2)), rel=1e-14)
    assert (math.isnan(last.validation_loss), last.validation_faults) == (True, -1)


def test_a_run_learns_what_can_be_learnt() -> None:
    result = trained(images(n=300, test=200), epochs=60, hidden_units=10, dtype="float32")
    assert result.test is not None
    assert result.test.faults < 20  # of 200; chance is 133
    assert result.state.history[0].test_loss > result.test.loss > 0


# --- divergence ---


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_diverging_run_keeps_its_history_and_warns_of_nothing(name: str, dtype: str) -> None:
    # pytest turns warnings into errors. With this learning rate, the penalty multiplies the weights by -1e27.
    calls: list[int] = []
    this = run(activation=name, dtype=dtype, learning_rate=1e29, epochs=50, pixels="raw")
    result = train(this, DATA, lambda number, _: calls.append(number))
    assert result.status == "diverged"
    assert result.test is None
    assert 1 <= len(result.state.history) < 50
    assert calls == list(range(1, len(result.state.history) + 1))


@pytest.mark.parametrize("figure", ["weight", "data_term", "penalty", "test_loss", "validation_loss"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_figure_or_weight_that_is_not_finite_is_enough(
    figure: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate_epoch(state: State, *_: Any) -> tuple[Epoch, None]:
        epoch = Epoch(-1.0, 1.0, 1.0, 0, 1.0, 0, 0.1)
        if figure == "weight":
            state.W.W1[0, 0] = value
        else:
            epoch = replace(epoch, **{figure: value})
        state.end_epoch(epoch)
        return epoch, None

    monkeypatch.setattr(training, "evaluate_epoch", evaluate_epoch)
    result = trained()
    assert (result.status, len(result.state.history)) == ("diverged", 1)


# --- which examples ---


def test_validation_examples_are_evaluated_and_never_trained_on(batches_seen: list[Array]) -> None:
    result = trained(validation_size=6)
    seen = {tuple(row) for X in batches_seen for row in np.rint(X[:, 1:] * 255).astype(int)}
    train_rows, held_out = split_rows(23, train_size=None, validation_size=6)
    assert seen == {tuple(DATA.train.x[row].astype(int)) for row in train_rows}
    assert len(seen) == result.train_examples == 17
    assert not seen & {tuple(DATA.train.x[row].astype(int)) for row in held_out}
    expected = evaluate(result.state.W, Split(DATA.train.x[held_out], DATA.train.y[held_out]))
    last = result.state.history[-1]
    assert last.validation_loss == pytest.approx(expected.loss, rel=1e-14)
    assert last.validation_faults == expected.faults


@pytest.mark.parametrize("pixels", ["raw", "unit", "standardize"])
def test_what_the_validation_examples_hold_does_not_change_the_weights(pixels: str) -> None:
    _, held_out = split_rows(23, train_size=None, validation_size=6)
    x, y = DATA.train.x.copy(), DATA.train.y.copy()
    x[held_out], y[held_out] = 255 - x[held_out], (y[held_out] + 1) % 3
    axes = {"validation_size": 6, "pixels": pixels, "learning_rate": 1e-5 if pixels == "raw" else 0.05}
    a, b = (trained(data, **axes) for data in (DATA, replace(DATA, train=Split(x, y))))
    for w, same in zip(a.state.W, b.state.W, strict=True):
        np.testing.assert_array_equal(w, same)
    assert a.state.history[-1].validation_loss != b.state.history[-1].validation_loss


def test_train_size_trains_on_so_many_examples_the_same_for_every_seed(batches_seen: list[Array]) -> None:
    results = [trained(train_size=8, batch_size=8, epochs=1, seed=seed) for seed in (1, 2)]
    assert [result.train_examples for result in results] == [len(X) for X in batches_seen] == [8, 8]
    first, second = ({tuple(row) for row in X} for X in batches_seen)
    assert first == second
    assert len(first) == 8


# --- evaluation ---


@pytest.mark.parametrize("rows", [None, np.array([20, 3, 3, 7, 11])])
def test_an_evaluation_does_not_depend_on_its_blocks(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    W = trained().state.W
    whole = evaluate(W, DATA.train, rows)
    monkeypatch.setattr(training, "EVALUATION_BLOCK", 3)
    pieces = evaluate(W, DATA.train, rows)
    assert pieces.loss == pytest.approx(whole.loss, rel=1e-13)
    assert pieces.faults == whole.faults
    np.testing.assert_allclose(pieces.Y, whole.Y, rtol=1e-13)
    assert len(whole.Y) == (23 if rows is None else 5)


def test_a_prediction_is_the_largest_logit_where_probabilities_tie() -> None:
    # The logits are 0.001 and the next larger number. Their probabilities are equal in float32.
    W = Weights(np.zeros((1, 13), np.float32), np.zeros((2, 2), np.float32))
    small = np.float32(0.001)
    W.W2[:, 0] = small, np.nextafter(small, np.float32(1))
    split = Split(np.zeros((3, 12), np.uint8), np.array([1, 1, 0], np.uint8))
    result = evaluate(W, split, scaling=Scaling(1))
    assert (result.Y[:, 0] == result.Y[:, 1]).all()
    assert result.predictions.tolist() == [1, 1, 1]
    assert result.faults == 1
