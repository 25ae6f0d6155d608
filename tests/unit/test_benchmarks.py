"""The speed comparison compares identical computations and reports the measured times."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contenders
import speed_report
import stored_speed
from handgrad.network.model import Weights
from problem import DATASETS, Cell, Images


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Images]:
    """Return small images with the preprocessing of each dataset."""
    images = {}
    for name, real in DATASETS.items():
        dataset = replace(real, examples=1000, inputs=12)
        monkeypatch.setitem(DATASETS, name, dataset)
        images[name] = Images(dataset)
    return images


def weights_of(name: str, cell: Cell, images: Images) -> Weights:
    """Return the weights after two calls, with three and two batches."""
    train = contenders.CONTENDERS[name](cell, images)
    assert train is not None
    order = images.order(np.random.default_rng(0), 5)
    train(order[:3])
    weights = train(order[3:])
    assert weights is not None
    return weights


@pytest.mark.slow  # JAX compiles each case
@pytest.mark.parametrize("name", sorted({*contenders.CONTENDERS} - {"plain NumPy", "scikit-learn"}))
@pytest.mark.parametrize(
    ("activation", "dataset"), [("softplus", "mnist"), ("tanh", "cifar10"), ("cos", "mnist")], ids=str
)
def test_all_contenders_arrive_at_the_same_weights(
    name: str, dataset: str, activation: str, small: dict[str, Images]
) -> None:
    cell = Cell(dataset, activation, 7, "float64")
    expected = weights_of("plain NumPy", cell, small[dataset])
    for ours, theirs in zip(weights_of(name, cell, small[dataset]), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    first = cell.first_weights()
    assert all((after != before).any() for after, before in zip(expected, first, strict=True))


def test_the_report_gives_seconds_ratios_and_geometric_means(tmp_path: Path) -> None:
    seconds = {"handgrad": [1.0, 2.0], "PyTorch": [2.0, 16.0], "JAX": [np.nan, np.nan], "scikit-learn": [3.0, np.nan]}
    cells = {"dataset": "MNIST", "dtype": "float32", "activation": ["tanh", "cos"], "M": 100}
    text = speed_report.write_report(tmp_path, pd.DataFrame({**cells, **seconds, "bound": [0.5, 1.62]}), "on what")
    assert "| MNIST | tanh | 100 | 1.000 | 2.000 (2.00) | not installed | 3.000 (3.00) | 0.500 (0.50) |" in text
    assert "| MNIST | cos | 100 | 2.000 | 16.000 (8.00) | not installed |  | 1.620 (0.81) |" in text
    assert "- PyTorch: 4.00 times handgrad (geometric mean), 2.00 to 8.00" in text
    assert "- the bound at M = 100: 0.64 of handgrad (geometric mean), 0.50 to 0.81" in text


def test_a_cell_is_slower_if_it_changed_by_more_than_noise(tmp_path: Path) -> None:
    cells = {"dataset": "MNIST", "dtype": "float32", "activation": ["tanh", "cos", "softplus"], "M": 100}
    stored = pd.DataFrame({**cells, "handgrad": 2.0, "bound": 1.0, "noise": [0.001, 0.03, 0.001]})
    busy = 3.0  # the machine is three times slower now, which is no fault of handgrad
    now = stored.assign(handgrad=[busy * 2.2, busy * 2.2, busy * 2.0], bound=busy)
    assert stored_speed.changes(now, stored)["slower"].tolist() == [True, False, False]
    stored_speed.store(stored, tmp_path / "cpu.csv")
    stored_speed.store(stored.head(1), tmp_path / "cpu.csv")
    assert "1 of 3 cells got slower" in stored_speed.comparison(now, tmp_path / "cpu.csv")
    assert "No table is stored" in stored_speed.comparison(now, tmp_path / "other.csv")
