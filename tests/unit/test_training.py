"""What an update, an evaluation and a whole run promise."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import ImageData, PixelScaling, Split, split_rows
from handgrad.experiment.runs import Run
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import Array, Weights, initial_weights, softmax
from handgrad.training import loop as training
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.loop import Epoch, Evaluation, Trained, ascend, batches_of, train

LN2, LN3 = math.log(2), math.log(3)


def images(n: int = 23, test: int = 7, inputs: int = 12, classes: int = 3) -> ImageData:
    """Random images with labels that can be learnt: the brightest third of the pixels tells the class."""
    rng = np.random.default_rng(5)

    def split(n: int) -> Split:
        x = rng.integers(0, 256, (n, inputs), np.uint8)
        y = x.reshape(n, classes, -1).sum(axis=2).argmax(axis=1)
        return Split(x, y.astype(np.uint8))

    names = tuple(map(str, range(classes)))
    return ImageData(split(n), split(test), (3, 4), 255, names, {}, "digest")


DATA = images()
RUN = Run(
    dataset="some",
    activation="tanh",
    hidden_units=4,
    learning_rate=0.05,
    batch_size=5,
    epochs=4,
    l2=0.01,
    seed=3,
    dtype="float64",
)


def run(**changes: Any) -> Run:
    return dataclasses.replace(RUN, **changes)


def say_nothing(*_: Any) -> None:
    """No log is kept of epochs."""


def trained(data: ImageData = DATA, **changes: Any) -> Trained:
    return train(run(**changes), data, say_nothing)


def update(W: Weights, X: Array, T: Array, this: Run) -> tuple[float, Weights]:
    """The data term of E, and the weights after one update of a run on these inputs; W stays."""
    W = in_step_order(Weights(W.W1.copy(), W.W2.copy()))
    batch = Batch(W, PixelScaling(1.0), ACTIVATIONS[this.activation], len(X))
    batch.X[:], batch.T[:] = X, T.T
    value, decay = ascend(batch, 1.0, this, 1.0, None)
    return value, Weights(decay * W.W1, W.W2)


def evaluate(W: Weights, split: Split, rows: Any, scaling: PixelScaling, name: str) -> Evaluation:
    return training.evaluate(batches_of(in_step_order(W), scaling, ACTIVATIONS[name]), split, rows)


@pytest.fixture
def batches_seen(monkeypatch: pytest.MonkeyPatch) -> list[Array]:
    """The inputs of every update that is made."""
    seen: list[Array] = []

    def record(batch: Batch, *rest: Any) -> tuple[float, float]:
        seen.append(batch.X * batch.X.dtype.type(batch.factor))
        return ascend(batch, *rest)

    monkeypatch.setattr(training, "ascend", record)
    return seen


def figures(epoch: Epoch) -> list[float]:
    """All of an epoch but its seconds."""
    return [value for name, value in vars(epoch).items() if name != "seconds"]


# --- one update ---


@pytest.mark.parametrize(("batch_gradient", "eta"), [("sum", 0.3), ("mean", 0.15)])
def test_one_update_is_the_one_worked_by_hand(batch_gradient: str, eta: float) -> None:
    # D = 1, M = 1, K = 2, softplus, lambda = 0.1, and two examples, of the second and of the first class.
    X = np.array([[1, 2], [1, 2 * (1 - LN3)]])
    T = np.array([[0.0, 1], [1, 0]])
    W = Weights(np.array([[1, -0.5]]), np.array([[0.0, 1], [0, 0]]))
    # a = 1 - x/2 = 0 and ln 3;  h = ln(1 + e^a) = ln 2 and 2 ln 2;  h' = 1 - 1/(1 + e^a) = 1/2 and 3/4
    # s = (h, 0), so y = (2/3, 1/3) and (4/5, 1/5);  t - y = (-2/3, 2/3) and (1/5, -1/5)
    # dE/dW2, first row, without penalty: [-2/3 + 1/5, -2/3 ln 2 + 1/5 2 ln 2]; the second row is its negative
    data2 = np.array([[-7 / 15, -4 / 15 * LN2], [7 / 15, 4 / 15 * LN2]])
    # (t - y) W2[:, 1] h' = -2/3 1/2 = -1/3 and 1/5 3/4 = 3/20, times the inputs (1, x):
    data1 = np.array([[-1 / 3 + 3 / 20, -1 / 3 * 2 + 3 / 20 * 2 * (1 - LN3)]])
    expected1 = [[1, -0.5]] + eta * (data1 - 0.1 * np.array([[1, -0.5]]))
    expected2 = [[0, 1], [0, 0]] + eta * (data2 - 0.1 * np.array([[0, 1], [0, 0]]))

    this = run(activation="softplus", learning_rate=0.3, l2=0.1, batch_gradient=batch_gradient)
    value, after = update(W, X, T, this)

    assert value == pytest.approx(math.log(1 / 3 * 4 / 5), rel=1e-14)  # before the update
    np.testing.assert_allclose(after.W1, expected1, rtol=0, atol=1e-15)
    np.testing.assert_allclose(after.W2, expected2, rtol=0, atol=1e-15)


def test_the_numbers_of_that_update_are_these() -> None:
    W = Weights(np.array([[1, -0.5]]), np.array([[0.0, 1], [0, 0]]))
    X, T = np.array([[1, 2], [1, 2 * (1 - LN3)]]), np.array([[0.0, 1], [1, 0]])
    _, W = update(W, X, T, run(activation="softplus", learning_rate=0.3, l2=0.1))
    np.testing.assert_allclose(W.W1, [[0.915, -0.6938751]], rtol=0, atol=1e-7)
    np.testing.assert_allclose(W.W2, [[-0.14, 0.9145482], [0.14, 0.0554518]], rtol=0, atol=1e-7)


# --- against PyTorch ---

TORCH_H = {
    "softplus": lambda a: torch.logaddexp(a, torch.zeros((), dtype=a.dtype)),
    "tanh": torch.tanh,
    "cos": torch.cos,
}


def torch_objective(
    W1: torch.Tensor, W2: torch.Tensor, x: torch.Tensor, y: torch.Tensor, h: Any, l2: float
) -> torch.Tensor:
    """E from its definition; x has no column of ones, and y are labels."""
    hidden = h(W1[:, 0] + x @ W1[:, 1:].T)
    S = W2[:, 0] + hidden @ W2[:, 1:].T
    log_likelihood = S[torch.arange(len(y)), y] - torch.logsumexp(S, dim=1)
    return log_likelihood.sum() - l2 / 2 * ((W1**2).sum() + (W2**2).sum())


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("batch_gradient", ["sum", "mean"])
@pytest.mark.parametrize(("pixels", "largest", "eta"), [("unit", 255.0, 0.05), ("raw", 1.0, 5e-4)])
def test_twenty_updates_agree_with_pytorch(
    name: str, batch_gradient: str, pixels: str, largest: float, eta: float
) -> None:
    this = run(activation=name, batch_gradient=batch_gradient, pixels=pixels, learning_rate=eta, l2=0.1, epochs=4)
    x, y = torch.tensor(DATA.train.x / largest), torch.tensor(DATA.train.y.astype(np.int64))
    first = initial_weights(
        "published", ACTIVATIONS["tanh"], inputs=12, hidden_units=4, classes=3, seed=3, dtype="float64"
    )
    W = [torch.tensor(w, requires_grad=True) for w in first]
    updates = 0
    for epoch in range(1, 5):
        order = generator(3, Purpose.EPOCH_ORDER, epoch).permutation(23)
        for start in range(0, 23, 5):  # the last batch has 3 examples
            rows = torch.tensor(order[start : start + 5])
            E = torch_objective(*W, x[rows], y[rows], TORCH_H[name], 0.1)
            step = eta if batch_gradient == "sum" else eta / len(rows)
            for w, g in zip(W, torch.autograd.grad(E, W), strict=True):
                w.data += step * g
            updates += 1
    assert updates == 20

    ours = train(this, DATA, say_nothing).state.W
    for numpy_w, torch_w, before in zip(ours, W, first, strict=True):
        np.testing.assert_allclose(numpy_w, torch_w.detach().numpy(), rtol=0, atol=1e-10)
        assert abs(numpy_w - before).max() > 1e-4  # it went somewhere


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("batch_gradient", ["sum", "mean"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9, 0.999])
def test_twenty_updates_with_momentum_and_schedule_agree_with_pytorchs_own(
    name: str, batch_gradient: str, schedule: str, momentum: float
) -> None:
    eta = 0.02 if batch_gradient == "sum" else 0.1
    this = run(
        activation=name,
        batch_gradient=batch_gradient,
        schedule=schedule,
        momentum=momentum,
        learning_rate=eta,
        l2=0.1,
        pixels="standardize",
        init="scaled",
    )
    scaling = PixelScaling.of("standardize", x=DATA.train.x, rows=np.arange(23), max_value=255)
    x = torch.tensor(scaling.inputs(DATA.train.x, np.float64)[:, 1:])
    y = torch.tensor(DATA.train.y.astype(np.int64))
    first = initial_weights("scaled", ACTIVATIONS[name], inputs=12, hidden_units=4, classes=3, seed=3, dtype="float64")
    W = [torch.tensor(w, requires_grad=True) for w in first]
    optimizer = torch.optim.SGD(W, lr=eta, momentum=momentum)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for epoch in range(1, 5):
        order = generator(3, Purpose.EPOCH_ORDER, epoch).permutation(23)
        for start in range(0, 23, 5):
            rows = torch.tensor(order[start : start + 5])
            E = torch_objective(*W, x[rows], y[rows], TORCH_H[name], 0.1)
            optimizer.zero_grad()
            (-E if batch_gradient == "sum" else -E / len(rows)).backward()
            optimizer.step()
            if schedule == "cosine":
                cosine.step()

    ours = train(this, DATA, say_nothing).state.W
    for numpy_w, torch_w, before in zip(ours, W, first, strict=True):
        np.testing.assert_allclose(numpy_w, torch_w.detach().numpy(), rtol=0, atol=1e-10)
        assert abs(numpy_w - before).max() > 1e-2


def test_every_activation_has_its_counterpart_in_pytorch() -> None:
    assert TORCH_H.keys() == ACTIVATIONS.keys()


# --- a run ---


def test_the_same_run_twice_gives_identical_weights_and_history() -> None:
    first, again = trained(dtype="float32"), trained(dtype="float32")
    for a, b in zip(first.state.W, again.state.W, strict=True):
        np.testing.assert_array_equal(a, b)
    for epoch, same in zip(first.state.history, again.state.history, strict=True):
        np.testing.assert_array_equal(figures(epoch), figures(same))


def test_another_seed_gives_another_run() -> None:
    assert (trained().state.W.W2 != trained(seed=4).state.W.W2).any()


def test_the_cosine_schedule_goes_from_the_whole_rate_to_none_over_all_updates_of_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates: list[float] = []

    def record(batch: Batch, decay: float, run: Run, rate: float, velocity: Any) -> tuple[float, float]:
        rates.append(rate)
        return ascend(batch, decay, run, rate, velocity)

    monkeypatch.setattr(training, "ascend", record)
    trained(schedule="cosine")
    assert len(rates) == 20
    np.testing.assert_allclose(rates, (1 + np.cos(np.pi * np.arange(20) / 20)) / 2, rtol=1e-15)
    assert (rates[0], rates[10]) == (1, 0.5)
    rates.clear()
    trained()
    assert rates == 20 * [1.0]


@pytest.mark.parametrize(("momentum", "steps"), [(0.0, {"ascend"}), (0.9, {"ascend_with_momentum"})])
def test_only_a_run_with_momentum_has_a_velocity_and_takes_another_step(
    momentum: float, steps: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[str] = set()

    def seen(name: str) -> Any:
        right = getattr(Batch, name)
        return lambda *given: (taken.add(name), right(*given))[1]

    for name in ("ascend", "ascend_with_momentum"):
        monkeypatch.setattr(Batch, name, seen(name))
    result = trained(momentum=momentum)
    assert taken == steps
    assert (result.state.velocity is not None) == (momentum > 0)


def test_a_run_with_momentum_stays_in_its_dtype() -> None:
    for dtype in ("float32", "float64"):
        state = trained(dtype=dtype, momentum=0.9).state
        assert state.velocity is not None
        assert {w.dtype.name for w in (*state.W, state.velocity.W1, state.velocity.W2)} == {dtype}


def test_a_longer_run_begins_as_a_shorter_one_unless_its_schedule_knows_its_end() -> None:
    short, long = trained(schedule="cosine", epochs=2), trained(schedule="cosine", epochs=4)
    assert figures(short.state.history[0]) != figures(long.state.history[0])


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    short, long = trained(epochs=2), trained(epochs=4)
    for a, b in zip(short.state.history, long.state.history, strict=False):
        np.testing.assert_array_equal(figures(a), figures(b))


def test_the_order_of_any_epoch_can_be_made_again_without_those_before_it(batches_seen: list[Array]) -> None:
    trained(epochs=3)
    third = np.concatenate(batches_seen[10:])
    order = generator(3, Purpose.EPOCH_ORDER, 3).permutation(23)
    np.testing.assert_array_equal(third, PixelScaling(1 / 255).inputs(DATA.train.x[order], np.float64))


def test_every_epoch_passes_every_training_example_once_in_an_order_of_its_own(
    batches_seen: list[Array],
) -> None:
    trained(epochs=2)
    assert [len(X) for X in batches_seen] == [5, 5, 5, 5, 3] * 2
    first, second = (np.concatenate(batches_seen[i : i + 5]) for i in (0, 5))
    assert (first != second).any()
    everything = np.sort(DATA.train.x / 255, axis=0)
    for X in (first, second):
        np.testing.assert_allclose(np.sort(X[:, 1:], axis=0), everything, rtol=1e-15)


def test_mean_divides_a_smaller_last_batch_by_its_real_size(batches_seen: list[Array]) -> None:
    # 23 examples in batches of 20: the last has 3. From the weights before it, made by a run's first batch
    # alone, an update with `sum` and a third of the rate must lead where `mean` went.
    W = initial_weights("published", ACTIVATIONS["tanh"], inputs=12, hidden_units=4, classes=3, seed=3, dtype="float64")
    mean = run(batch_size=20, epochs=1, batch_gradient="mean")
    order = generator(3, Purpose.EPOCH_ORDER, 1).permutation(23)
    X, T = PixelScaling(1 / 255).inputs(DATA.train.x[order], np.float64), np.eye(3)[DATA.train.y[order]]
    _, W = update(W, X[:20], T[:20], mean)
    _, W = update(W, X[20:], T[20:], run(learning_rate=RUN.learning_rate / 3))
    result = train(mean, DATA, say_nothing).state.W
    assert [len(batch) for batch in batches_seen] == [20, 3]
    for a, b in zip(result, W, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)


def test_the_first_data_term_of_the_published_start_is_minus_log_K() -> None:
    # W2 = 0 but for equal biases, so every class has the same probability until the first update.
    first = trained(batch_size=23, epochs=1).state.history[0]
    assert first.data_term == pytest.approx(-LN3, rel=1e-14)


def test_the_data_term_of_an_epoch_is_taken_as_its_batches_pass() -> None:
    # With one batch an epoch, it is that of the weights which the epoch before left, worked out afresh.
    W = trained(batch_size=23, epochs=1).state.W
    second = trained(batch_size=23, epochs=2).state.history[1]
    X = np.insert(DATA.train.x / 255, 0, 1, axis=1)
    S = np.insert(np.tanh(X @ W.W1.T), 0, 1, axis=1) @ W.W2.T
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    log_likelihood = np.log(P[np.arange(23), DATA.train.y]).mean()
    assert second.data_term == pytest.approx(log_likelihood, rel=1e-13)


def test_the_data_term_is_a_mean_over_examples_however_they_are_batched() -> None:
    # With no learning every batch sees the first weights, whose data term is -log K an example.
    for batch_size in (1, 5, 23, 100):
        epoch = trained(batch_size=batch_size, learning_rate=0.0).state.history[-1]
        assert epoch.data_term == pytest.approx(-LN3, rel=1e-13)


def test_the_penalty_in_the_history_is_that_of_the_weights_at_the_end_of_the_epoch() -> None:
    result = trained(epochs=2, l2=0.5)
    W = result.state.W
    expected = 0.25 * (np.sum(W.W1**2) + np.sum(W.W2**2))
    assert result.state.history[-1].penalty == pytest.approx(expected, rel=1e-14)


def test_a_run_learns_what_can_be_learnt() -> None:
    data = images(n=300, test=200)
    result = trained(data, epochs=60, hidden_units=10, dtype="float32")
    assert result.test is not None
    assert result.test.faults < 20  # of 200; chance is 133
    assert result.state.history[0].test_loss > result.test.loss > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_stays_in_its_dtype(dtype: str, batches_seen: list[Array]) -> None:
    result = trained(dtype=dtype, pixels="standardize")
    assert result.test is not None
    arrays = [*result.state.W, result.test.Y, *batches_seen]
    assert {array.dtype.name for array in arrays} == {dtype}


def test_single_and_double_precision_tell_the_same_story() -> None:
    for a, b in zip(trained(dtype="float32").state.W, trained().state.W, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_every_epoch_is_told_with_its_number_as_it_ends() -> None:
    told: list[tuple[int, Epoch]] = []
    result = train(RUN, DATA, lambda number, epoch: told.append((number, epoch)))
    assert [number for number, _ in told] == [1, 2, 3, 4]
    assert [epoch for _, epoch in told] == result.state.history
    assert all(epoch.seconds > 0 for _, epoch in told)


def test_a_finished_run_holds_the_evaluation_of_its_last_weights() -> None:
    result = trained()
    scaling = PixelScaling(1 / 255)
    again = evaluate(result.state.W, DATA.test, None, scaling, "tanh")
    assert result.status == "finished"
    assert result.test is not None
    assert (result.test.loss, result.test.faults) == (again.loss, again.faults)
    last = result.state.history[-1]
    assert (last.test_loss, last.test_faults) == (again.loss, again.faults)
    assert (result.train_examples, result.test_examples) == (23, 7)


# --- divergence ---


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_diverging_run_ends_as_diverged_keeps_its_history_and_warns_of_nothing(name: str, dtype: str) -> None:
    # Every warning is an error in these tests. The rate makes the penalty multiply the weights by -1e27.
    told: list[int] = []
    this = run(activation=name, dtype=dtype, learning_rate=1e29, epochs=50, pixels="raw")
    result = train(this, DATA, lambda number, _: told.append(number))
    assert result.status == "diverged"
    assert result.test is None
    assert 1 <= len(result.state.history) < 50
    assert told == list(range(1, len(result.state.history) + 1))


def test_a_run_whose_weights_alone_are_not_finite_has_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(batch: Batch, *_: Any) -> tuple[float, float]:
        batch.W.W1[0, 0] = np.inf  # tanh of it is 1: every figure of the epoch stays finite but the penalty
        return 0.0, 1.0

    monkeypatch.setattr(training, "ascend", spoil)
    monkeypatch.setattr(training, "penalty", lambda *_: 0.0)
    result = trained()
    assert (result.status, len(result.state.history)) == ("diverged", 1)
    assert result.state.history[0].finite


def test_a_run_whose_data_term_alone_is_not_finite_has_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "ascend", lambda *_: (math.nan, 1.0))
    result = trained()
    assert (result.status, len(result.state.history)) == ("diverged", 1)
    assert all(np.isfinite(w).all() for w in result.state.W)


@pytest.mark.parametrize("figure", ["data_term", "penalty", "test_loss", "validation_loss"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_epoch_with_a_figure_that_is_not_finite_is_not_finite(figure: str, value: float) -> None:
    epoch = Epoch(-1.0, 1.0, 1.0, 0, 1.0, 0, 0.1)
    assert epoch.finite
    assert not dataclasses.replace(epoch, **{figure: value}).finite


def test_an_epoch_without_validation_is_finite_for_all_that() -> None:
    assert Epoch(-1.0, 1.0, 1.0, 0, math.nan, -1, 0.1).finite


# --- which examples ---


def test_validation_examples_are_never_trained_on(batches_seen: list[Array]) -> None:
    trained(validation_size=6)
    seen = {tuple(row) for X in batches_seen for row in np.rint(X[:, 1:] * 255).astype(int)}
    train_rows, validation_rows = split_rows(23, train_size=None, validation_size=6)
    assert seen == {tuple(DATA.train.x[row].astype(int)) for row in train_rows}
    assert len(seen) == 17
    assert not seen & {tuple(DATA.train.x[row].astype(int)) for row in validation_rows}


@pytest.mark.parametrize("pixels", ["raw", "unit", "standardize"])
def test_what_the_validation_examples_hold_does_not_change_the_weights(pixels: str) -> None:
    _, held_out = split_rows(23, train_size=None, validation_size=6)
    x, y = DATA.train.x.copy(), DATA.train.y.copy()
    x[held_out], y[held_out] = 255 - x[held_out], (y[held_out] + 1) % 3
    other = dataclasses.replace(DATA, train=Split(x, y))
    eta = 1e-5 if pixels == "raw" else 0.05
    a = trained(validation_size=6, pixels=pixels, learning_rate=eta)
    b = trained(other, validation_size=6, pixels=pixels, learning_rate=eta)
    for w, same in zip(a.state.W, b.state.W, strict=True):
        np.testing.assert_array_equal(w, same)
    assert a.state.history[-1].validation_loss != b.state.history[-1].validation_loss


def test_validation_figures_are_those_of_the_held_out_examples() -> None:
    result = trained(validation_size=6)
    _, held_out = split_rows(23, train_size=None, validation_size=6)
    split = Split(DATA.train.x[held_out], DATA.train.y[held_out])
    expected = evaluate(result.state.W, split, None, PixelScaling(1 / 255), "tanh")
    last = result.state.history[-1]
    assert last.validation_loss == pytest.approx(expected.loss, rel=1e-14)
    assert last.validation_faults == expected.faults


def test_without_validation_its_figures_are_nan_and_minus_one() -> None:
    for epoch in trained().state.history:
        assert math.isnan(epoch.validation_loss)
        assert epoch.validation_faults == -1


def test_train_size_trains_on_so_many_examples_the_same_for_every_seed(batches_seen: list[Array]) -> None:
    results = [trained(train_size=8, batch_size=8, epochs=1, seed=seed) for seed in (1, 2)]
    assert [result.train_examples for result in results] == [8, 8]
    assert [len(X) for X in batches_seen] == [8, 8]
    first, second = ({tuple(row) for row in X} for X in batches_seen)
    assert first == second
    assert len(first) == 8


# --- evaluation ---


def test_loss_and_faults_are_those_worked_by_hand() -> None:
    # No hidden unit counts (W2[:, 1] = 0): every example has the logits (ln 3, 0), so y = (3/4, 1/4).
    W = Weights(np.zeros((1, 2)), np.array([[LN3, 0], [0, 0]]))
    split = Split(np.array([[1], [2], [3]], np.uint8), np.array([0, 0, 1], np.uint8))
    result = evaluate(W, split, None, PixelScaling(1.0), "tanh")
    assert result.loss == pytest.approx(-(2 * math.log(3 / 4) + math.log(1 / 4)) / 3, rel=1e-14)
    assert result.faults == 1
    np.testing.assert_allclose(result.Y, [[3 / 4, 1 / 4]] * 3, rtol=1e-14)


@pytest.mark.parametrize("rows", [None, np.array([20, 3, 3, 7, 11])])
def test_an_evaluation_does_not_depend_on_its_blocks(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    W = trained().state.W
    arguments = (W, DATA.train, rows, PixelScaling(1 / 255), "tanh")
    whole = evaluate(*arguments)
    monkeypatch.setattr(training, "EVALUATION_BLOCK", 3)
    pieces = evaluate(*arguments)
    assert pieces.loss == pytest.approx(whole.loss, rel=1e-13)
    assert pieces.faults == whole.faults
    np.testing.assert_allclose(pieces.Y, whole.Y, rtol=1e-13)
    assert len(whole.Y) == (23 if rows is None else 5)


def test_predictions_are_those_that_the_faults_count_where_probabilities_round_to_the_same() -> None:
    # Logits 0.001 and the next number above it: their probabilities are the same number in float32.
    W = Weights(np.zeros((1, 13), np.float32), np.zeros((2, 2), np.float32))
    small = np.float32(0.001)
    W.W2[:, 0] = small, np.nextafter(small, np.float32(1))
    split = Split(np.zeros((3, 12), np.uint8), np.array([1, 1, 0], np.uint8))
    result = evaluate(W, split, None, PixelScaling(1), "tanh")
    assert (result.Y[:, 0] == result.Y[:, 1]).all()
    assert result.predictions.tolist() == [1, 1, 1]
    assert result.faults == 1


def test_the_probabilities_of_an_evaluation_are_the_softmax_of_the_logits() -> None:
    W = trained().state.W
    X = PixelScaling(1 / 255).inputs(DATA.test.x, np.float64)
    S = np.insert(np.tanh(X @ W.W1.T), 0, 1, axis=1) @ W.W2.T
    Y = evaluate(W, DATA.test, None, PixelScaling(1 / 255), "tanh").Y
    np.testing.assert_allclose(Y, softmax(S), rtol=1e-13)
