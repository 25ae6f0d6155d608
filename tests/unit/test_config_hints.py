"""Hints on what to write instead: each of them is followed here, and must then mean what was meant."""

import re
from pathlib import Path
from typing import Any

import pytest

from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.experiment_file import read_experiment

MILLE = 0.001

#: an axis as a beginner writes it, and the values that are meant
AXES: list[tuple[str, str, list[Any]]] = [
    ("train_size", "60,000", [60000]),
    ("train_size", "60 000", [60000]),
    ("train_size", "60_000", [60000]),
    ("train_size", "'60000'", [60000]),
    ("train_size", "None", [None]),
    ("train_size", "all", [None]),
    ("hidden_units", "0100", [100]),
    ("hidden_units", "0x20", [32]),
    ("hidden_units", "0b11", [3]),
    ("hidden_units", "0o17", [15]),
    ("hidden_units", "100.0", [100]),
    ("hidden_units", "1e2", [100]),
    ("hidden_units", "50, 100", [50, 100]),
    ("hidden_units", "50 100", [50, 100]),
    ("hidden_units", "50; 100", [50, 100]),
    ("hidden_units", "[50 100]", [50, 100]),
    ("hidden_units", "[10, 50 100]", [10, 50, 100]),
    ("hidden_units", "{50, 100}", [50, 100]),
    ("hidden_units", "(50, 100)", [50, 100]),
    ("hidden_units", "\N{FULLWIDTH DIGIT FIVE}", [5]),
    ("seed", "[08]", [8]),
    ("seed", "'007'", [7]),
    ("seed", "0-4", [0, 1, 2, 3, 4]),
    ("seed", "0..2", [0, 1, 2]),
    ("seed", "range(3)", [0, 1, 2]),
    ("epochs", "1:30", [90]),
    ("learning_rate", "0.1, 0.01", [0.1, 0.01]),
    ("learning_rate", "[0.1 0.01]", [0.1, 0.01]),
    ("learning_rate", "0,5", [0.5]),
    ("learning_rate", "'0.01'", [0.01]),
    ("learning_rate", "10^-3", [MILLE]),
    ("learning_rate", "10**-3", [MILLE]),
    ("learning_rate", "1 e-3", [MILLE]),
    ("learning_rate", "1e\N{MINUS SIGN}3", [MILLE]),
    ("learning_rate", "1/8", [0.125]),
    ("momentum", "90%", [0.9]),
    ("activation", "tanh, cos", ["tanh", "cos"]),
    ("activation", "[tanh cos]", ["tanh", "cos"]),
    ("activation", "Tanh", ["tanh"]),
    ("dataset", "mnist digits", ["mnist", "digits"]),
    ("pixels", "raw, unit", ["raw", "unit"]),
]


def mistake(path: Path, text: str) -> str:
    """The one line with which an experiment file is refused."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_experiment(path)
    (line,) = caught.value.mistakes
    assert line.startswith(f"{path}: ")
    return line


def advice(line: str) -> str:
    """What a message says to write, the first of several."""
    found = re.search(
        r"(?:write|did you mean) (\[.*?\]|[^\s;?]+?(?:, [^\s;?]+?)*)(?:[;?]|,? (?:or|for|in|without)\b|$)",
        line,
    )
    assert found, line
    return found[1]


@pytest.mark.parametrize(("axis", "text", "meant"), [pytest.param(*case, id=f"{case[0]} {case[1]}") for case in AXES])
def test_a_hint_on_an_axis_is_right_when_it_is_followed(tmp_path: Path, axis: str, text: str, meant: list[Any]) -> None:
    config = "name: t\nexperiments:\n- batch_size: 2\n  {}: {}\n"
    line = mistake(tmp_path / "mine.yaml", config.format(axis, text))
    right = advice(line)
    if text.startswith("[") and not right.startswith("["):  # one value of a list
        wrong = text.strip("[]").split(", ")[-1]
        right = text.replace(wrong, right)
    (tmp_path / "mine.yaml").write_text(config.format(axis, right))
    _, experiment = read_experiment(tmp_path / "mine.yaml")
    assert [getattr(run, axis) for run in experiment.runs] == pytest.approx(meant)


#: other mistakes of beginners: the text, and what its line must name
OTHERS: dict[str, tuple[str, list[str]]] = {
    "an axis at the top": ("dataset: mnist\n", ["dataset", "belongs in an entry of experiments"]),
    "epsilon at the top": ("epsilon: 1.0e-5\n", ["epsilon", "belongs in gradient_check"]),
    "table at the top": ("table: a.csv\n", ["table", "belongs in published"]),
    "a name in an entry": ("experiments: [{name: x}]\n", ["experiments[0].name", "top of the file"]),
    "no for a key": ("no: 1\n", ["line 1", "'no'", "quotes"]),
    "a number for a key": ("datasets:\n  2026: {local_dir: x}\n", ["line 2", "'2026'", "quotes"]),
    "a date for a name": ("name: 2026-11-25\n", ["line 1", "'2026-11-25'", "quotes"]),
    "a home folder": ("datasets:\n  mnist:\n    local_dir: ~\n", ["line 3", "null"]),
    "yes for a value": ("experiments: [{pixels: yes}]\n", ["line 1", "'yes'", "quotes"]),
    "an alias of an axis": ("experiments: [{lr: 0.1}]\n", ["experiments[0].lr", "learning_rate"]),
    "a dash for an underscore": ("experiments: [{hidden-units: 5}]\n", ["hidden_units"]),
    "no dash before an entry": ("experiments:\n  dataset: mnist\n", ["experiments", "dash"]),
    "no blank after a colon": ("experiments: [dataset:mnist]\n", ["dataset: mnist"]),
    "a file without a blank": ("name:mine\n", ["blank after the colon"]),
    "a blank in a name": ("name: my runs\n", ["name", "my_runs"]),
    "an image's shape": ("datasets: {mnist: {image_shape: 28x28}}\n", ["image_shape", "[28, 28]"]),
    "names of classes": ("datasets: {mnist: {class_names: 'cat, dog'}}\n", ["class_names", "[cat, dog]"]),
    "one mirror": (
        "datasets: {mnist: {files: {train_images: {mirrors: 'http://a/b'}}}}\n",
        ["mirrors", "[http://a/b]"],
    ),
    "a number that is too large": ("experiments: [{l2: 1e400}]\n", ["1e400", "too large"]),
    "an empty experiments": ("experiments: {}\n", ["experiments", "empty"]),
    "an empty dataset": ("datasets: {mnist: {}}\n", ["datasets.mnist", "empty"]),
    "an empty published": ("published: {}\n", ["published", "empty"]),
    "a null check": ("gradient_check: null\n", ["gradient_check", "null"]),
    "a null experiments": ("experiments:\n", ["experiments", "null"]),
    "a file without its checksum": (
        "datasets: {mine: {format: cifar-binary, train: 200, test: 2, image_shape: [2, 2], "
        "class_names: [a, b], files: {archive: {name: a, size: 1, mirrors: ['http://a/b']}}}}\n",
        ["datasets.mine.files.archive", "lacks sha256"],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_mistake_of_a_beginner_names_what_helps(tmp_path: Path, name: str) -> None:
    text, named = OTHERS[name]
    line = mistake(tmp_path / "mine.yaml", text)
    assert all(part in line for part in named), line
    assert ("did you mean" in line) == (name in ("an alias of an axis", "a dash for an underscore"))


def test_keys_that_begin_with_x_hold_anchors_and_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("x-common: &c {hidden_units: 7, epochs: 1}\nx-empty: {}\nexperiments: [{<<: *c, seed: 1}]\n")
    (run,) = read_experiment(path)[1].runs
    assert (run.hidden_units, run.epochs, run.seed) == (7, 1, 1)
