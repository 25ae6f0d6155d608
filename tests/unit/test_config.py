"""Configurations: what the shipped ones describe, and that every mistake gets its line."""

import copy
import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from handgrad.common.errors import HandgradError
from handgrad.experiment.config import CheckSettings, config_schema, load_experiment
from handgrad.experiment.config_checks import MOST_RUNS, RESERVED_NAMES
from handgrad.experiment.config_errors import ConfigError, key_path, show, unknown
from handgrad.experiment.config_files import merge, read_config_file, with_registry
from handgrad.experiment.experiment_file import read_config
from handgrad.experiment.published import COLUMNS, SPREAD, comparable, published_rows
from handgrad.experiment.registry import FORMAT_ROLES
from handgrad.experiment.runs import AXES, Run
from handgrad.network.activations import ACTIVATIONS

ROOT = Path(__file__).parents[2]
MNIST_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return read_config([])


def with_text(config: dict[str, Any], text: str) -> dict[str, Any]:
    return merge(config, yaml.safe_load(text))


def lines_of(config: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_experiment(config)
    assert str(caught.value).splitlines() == list(caught.value.mistakes)
    return caught.value.mistakes


# --- what the shipped files describe


def test_config_yaml_is_the_published_72_runs_in_the_published_order(shipped: dict[str, Any]) -> None:
    experiment = load_experiment(shipped)
    with (ROOT / "config/published_results.csv").open(newline="") as file:
        published = list(csv.DictReader(file))
    assert len(experiment.runs) == len(published) == 72
    for run, row in zip(experiment.runs, published, strict=True):
        for axis in ("dataset", "activation"):
            assert getattr(run, axis) == row[axis]
        for axis in ("hidden_units", "learning_rate", "batch_size", "epochs", "l2"):
            assert getattr(run, axis) == float(row[axis])
        assert (run.seed, run.init, run.dtype) == (0, "published", "float32")
        form = {"mnist": ("unit", "sum"), "cifar10": ("raw", "mean")}[run.dataset]
        assert (run.pixels, run.batch_gradient, run.train_size, run.validation_size) == (*form, None, 0)


def test_config_yaml_names_the_published_table_and_its_divisors(shipped: dict[str, Any]) -> None:
    experiment = load_experiment(shipped)
    assert experiment.name == "published"
    assert experiment.published is not None
    assert experiment.published.loss_divisor == {"mnist": 60000, "cifar10": 10000}
    assert experiment.has_published


def test_the_published_divisors_turn_the_published_losses_into_plausible_ones(
    shipped: dict[str, Any],
) -> None:
    # a mean loss an image, of a network that is right for 96 of 100 images, is between 0.05 and 0.2
    row = published_rows("config/published_results.csv")[0]
    divisor = shipped["published"]["loss_divisor"]["mnist"]
    assert 0.05 < row["loss"] * divisor / row["test_size"] < 0.2


def test_the_check_of_config_yaml_is_the_published_one(shipped: dict[str, Any]) -> None:
    check = load_experiment(shipped).gradient_check
    assert check == CheckSettings(hidden_units=200, examples=5, pixels="raw", epsilon=1e-5)
    assert check.name == "hu_200_n_5_raw_eps_1e-05"


def test_reproduction_yaml_is_config_yaml_with_five_seeds(shipped: dict[str, Any]) -> None:
    config = merge(shipped, read_config_file(ROOT / "config/reproduction.yaml"))
    assert config["name"] == "reproduction"
    runs = load_experiment(config).runs
    seeds = [experiment.pop("seed") for experiment in config["experiments"]]
    assert seeds == [[0, 1, 2, 3, 4]] * 2
    once = copy.deepcopy(shipped)
    assert [experiment.pop("seed") for experiment in once["experiments"]] == [0, 0]
    assert {**config, "name": "published"} == once
    assert [run for run in runs if run.seed == 0] == list(load_experiment(shipped).runs)
    assert len(runs) == 360


def test_improved_yaml_trains_the_published_networks_otherwise_and_chooses_on_images_held_out(
    shipped: dict[str, Any],
) -> None:
    experiment = load_experiment(merge(shipped, read_config_file("config/improved.yaml")))
    published = load_experiment(shipped)
    assert experiment.name == "improved"
    model = ("dataset", "activation", "hidden_units", "batch_size", "epochs")
    for axis in model:
        assert {getattr(run, axis) for run in experiment.runs} == {getattr(run, axis) for run in published.runs}
    assert len({replace(run, seed=0) for run in experiment.runs}) == len(published.runs)
    assert {run.validation_size for run in experiment.runs} == {2500}
    assert {(run.momentum, run.schedule, run.init) for run in experiment.runs} == {(0.9, "cosine", "scaled")}
    assert not experiment.has_published  # they trained on part of the images
    assert experiment.has_published_dataset


def test_quick_yaml_trains_three_activations_on_the_embedded_digits(shipped: dict[str, Any]) -> None:
    experiment = load_experiment(merge(shipped, read_config_file("config/quick.yaml")))
    assert experiment.name == "quick"
    assert 12 <= len(experiment.runs) <= 18
    assert {run.dataset for run in experiment.runs} == {"digits"}
    assert {run.activation for run in experiment.runs} == {"softplus", "tanh", "cos"}
    assert not experiment.has_published
    assert not experiment.has_published_dataset


# --- what a configuration means


def test_an_axis_that_is_left_out_has_its_default(shipped: dict[str, Any]) -> None:
    (run,) = load_experiment(with_text(shipped, "experiments: [{}]")).runs
    assert run.name == "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0"
    assert run.dataset == "mnist"


def test_other_spellings_of_a_number_are_the_same_run(shipped: dict[str, Any]) -> None:
    text = "experiments: [{learning_rate: [0.001, 1e-3, 1.0e-3, 1E-3, +10.e-4, .1e-2]}]"
    assert len(load_experiment(with_text(shipped, text)).runs) == 1
    text = "experiments: [{learning_rate: [1, 1.0, 1e0], l2: [0, 0.0, -0.0]}]"
    (run,) = load_experiment(with_text(shipped, text)).runs
    (negative_zero,) = load_experiment(with_text(shipped, "experiments: [{l2: -0.0, learning_rate: 1}]")).runs
    assert negative_zero.name == run.name
    assert "_lr_1_" in run.name
    assert "_l2_0_" in run.name
    assert isinstance(run.learning_rate, float)


def test_a_value_that_is_given_twice_is_one_run(shipped: dict[str, Any]) -> None:
    assert len(load_experiment(with_text(shipped, "experiments: [{seed: [1, 1]}, {seed: 1}]")).runs) == 1


def test_every_value_of_a_run_is_a_plain_python_value(shipped: dict[str, Any]) -> None:
    kinds = {axis.name: axis.type for axis in fields(Run)}
    for run in load_experiment(with_text(shipped, "experiments: [{l2: 1, train_size: [null, 200]}]")).runs:
        assert all(isinstance(getattr(run, axis), kinds[axis]) for axis in AXES)
        assert type(run.l2) is float


def test_the_configuration_that_was_given_stays_as_it_was(shipped: dict[str, Any]) -> None:
    config = with_text(shipped, "experiments: [{learning_rate: 1e-3}]")
    before = copy.deepcopy(config)
    load_experiment(config)
    assert config == before


def test_no_table_means_no_comparison(shipped: dict[str, Any]) -> None:
    experiment = load_experiment(with_text(shipped, "published: {table: null}"))
    assert experiment.published is None
    assert not experiment.has_published
    assert not experiment.has_published_dataset


def test_a_published_dataset_is_shared_by_whatever_trains_on_it(shipped: dict[str, Any]) -> None:
    for axes in ("hidden_units: 7, momentum: 0.9", "dataset: [digits, mnist], l2: 7"):
        experiment = load_experiment(with_text(shipped, f"experiments: [{{{axes}}}]"))
        assert experiment.has_published_dataset
        assert not experiment.has_published


@pytest.mark.parametrize("axes", ["seed: 5", "pixels: raw", "dtype: float64, batch_gradient: mean", "l2: [0.5, 1e-1]"])
def test_a_run_with_published_settings_has_a_published_row(shipped: dict[str, Any], axes: str) -> None:
    assert load_experiment(with_text(shipped, f"experiments: [{{{axes}}}]")).has_published


@pytest.mark.parametrize("axes", ["dataset: digits", "epochs: 21", "l2: 0.5", "learning_rate: 0.002"])
def test_a_run_with_other_settings_has_none(shipped: dict[str, Any], axes: str) -> None:
    assert not load_experiment(with_text(shipped, f"experiments: [{{{axes}}}]")).has_published


@pytest.mark.parametrize("axes", ["train_size: 1000", "validation_size: 100", "train_size: [100, 59999]"])
def test_a_run_on_part_of_the_training_images_has_none(shipped: dict[str, Any], axes: str) -> None:
    assert not load_experiment(with_text(shipped, f"experiments: [{{{axes}}}]")).has_published
    assert load_experiment(with_text(shipped, f"experiments: [{{{axes}}}, {{}}]")).has_published


@pytest.mark.parametrize("axes", ["momentum: 0.9", "schedule: cosine", "init: scaled"])
def test_a_run_with_another_update_rule_or_other_initial_weights_has_none(shipped: dict[str, Any], axes: str) -> None:
    assert not load_experiment(with_text(shipped, f"experiments: [{{{axes}}}]")).has_published
    assert load_experiment(with_text(shipped, f"experiments: [{{{axes}}}, {{}}]")).has_published


def put_mnist_files(config: dict[str, Any], folder: Path) -> None:
    """Files of the right names and sizes, which is all that the check of a config looks at."""
    for file in config["datasets"]["mnist"]["files"].values():
        with (folder / file["name"]).open("wb") as written:
            written.truncate(file["size"])


def test_a_file_of_another_size_in_local_dir_is_named_with_both_sizes(shipped: dict[str, Any], tmp_path: Path) -> None:
    put_mnist_files(shipped, tmp_path)
    path, size = tmp_path / MNIST_FILES[0], shipped["datasets"]["mnist"]["files"]["train_images"]["size"]
    path.write_bytes(b"12345")
    with pytest.raises(HandgradError) as caught:
        load_experiment(merge(shipped, {"datasets": {"mnist": {"local_dir": str(tmp_path)}}}))
    (line,) = str(caught.value).splitlines()
    assert all(text in line for text in ("datasets.mnist.local_dir", path.name, " 5 ", str(size)))


def test_a_folder_that_cannot_be_entered_is_named_in_one_line(
    shipped: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may enter every folder
    with pytest.raises(HandgradError) as caught:
        load_experiment(merge(shipped, {"datasets": {"mnist": {"local_dir": str(tmp_path)}}}))
    (line,) = str(caught.value).splitlines()
    assert "datasets.mnist.local_dir" in line
    assert "permission denied" in line


def test_local_dir_may_hold_the_files(shipped: dict[str, Any], tmp_path: Path) -> None:
    put_mnist_files(shipped, tmp_path)
    config = merge(shipped, {"datasets": {"mnist": {"local_dir": str(tmp_path)}}})
    assert load_experiment(config).datasets["mnist"]["local_dir"] == str(tmp_path)


def test_files_in_local_dir_need_no_mirror(shipped: dict[str, Any], tmp_path: Path) -> None:
    put_mnist_files(shipped, tmp_path)
    config = with_text(shipped, "datasets: {mnist: {files: {train_images: {mirrors: []}}}}")
    config["datasets"]["mnist"]["local_dir"] = str(tmp_path)
    assert load_experiment(config).datasets["mnist"]["files"]["train_images"]["mirrors"] == []


def test_the_folders_of_datasets_that_are_not_used_do_not_matter(shipped: dict[str, Any]) -> None:
    load_experiment(with_text(shipped, "datasets: {digits: {local_dir: /nowhere}}"))


def test_a_dataset_of_a_known_format_is_yaml_alone(shipped: dict[str, Any]) -> None:
    files = "\n".join(
        f"      {role}: {{name: {role}.gz, size: 5, sha256: {'ab' * 32}, mirrors: ['http://localhost/{role}']}}"
        for role in FORMAT_ROLES["idx"]
    )
    text = f"""
datasets:
  mine:
    format: idx
    train: 50
    test: 10
    image_shape: [4, 4]
    class_names: [cat, dog]
    files:
{files}
experiments:
  - dataset: mine
    batch_size: 50
"""
    experiment = load_experiment(with_text(shipped, text))
    assert experiment.runs[0].dataset == "mine"
    assert experiment.datasets["mine"]["largest"] == 255
    assert experiment.datasets["mine"]["local_dir"] is None


# --- mistakes: each has one line, with its key, the value, and what is allowed


def axes(text: str) -> str:
    return f"experiments: [{{}}, {{{text}}}]"


SIZE = "is not allowed; allowed: a whole number from 1 to 1000000"
MOMENTUM = "is not allowed; allowed: a number from 0 to below 1"
POSITIVE = "is not allowed; allowed: a number greater than 0"
EPSILON = "is not allowed; allowed: a number from 1e-9 to 0.01: below, rounding hides the slope, above, truncation"
NAME = (
    "is not allowed; allowed: a name of letters, digits, '.', '_' and '-' that begins with a letter or digit "
    "and has at most 64 characters"
)
RESERVED = (
    "is a folder that all experiments share; allowed: any other name than data, checks, runs, checkpoints, "
    "logs, benchmarks"
)
KEYS = "known: name, experiments, gradient_check, checkpoint_seconds, published, datasets"
ACTIVATION = "is not a known activation; "
ACTIVATIONS_KNOWN = f"known: {', '.join(sorted(ACTIVATIONS))}"
DATASETS = "known: cifar10, digits, fashion_mnist, mnist"
MAPPING = "is not allowed; allowed: a mapping (keys with values)"
LIST = "is not allowed; allowed: a list of at least one value"
FOLDER = "is not allowed; allowed: the path of a folder, without {, } and a <word>, or null"
TABLE = "is not allowed; allowed: the path of a CSV file, without {, } and a <word>, or null"
FILE_NAME = "is not allowed; allowed: a file's name without folders, of letters, digits, '.', '_', '+' and '-'"
QUOTES = "text that YAML reads as something else needs quotes"
BIG = ", ".join(map(str, range(1, 400)))

FIRST_OF_QUICK = (ROOT / "config/quick.yaml").read_text().splitlines()[0][:100]

MISTAKES: dict[str, tuple[str, str]] = {
    # unknown keys
    "unknown key": ("foo: 1", f"foo: unknown key; {KEYS}"),
    "misspelt key": ("experimnets: []", f"experimnets: unknown key; did you mean experiments? {KEYS}"),
    "misspelt axis": (
        axes("learning_rat: 1"),
        "experiments[1].learning_rat: unknown key; did you mean learning_rate? known: dataset, activation, "
        "hidden_units, learning_rate, batch_size, epochs, l2, seed, pixels, batch_gradient, momentum, "
        "schedule, init, dtype, train_size, validation_size",
    ),
    "misspelt check key": (
        "gradient_check: {hiden_units: 5}",
        "gradient_check.hiden_units: unknown key; did you mean hidden_units? known: hidden_units, "
        "examples, pixels, epsilon",
    ),
    "misspelt dataset key": (
        "datasets: {mnist: {localdir: x}}",
        "datasets.mnist.localdir: unknown key; did you mean local_dir? known: format, train, test, "
        "image_shape, largest, class_names, local_dir, files",
    ),
    "misspelt file key": (
        "datasets: {mnist: {files: {train_images: {miror: x}}}}",
        "datasets.mnist.files.train_images.miror: unknown key; did you mean mirrors? known: name, size, "
        "sha256, mirrors",
    ),
    "a key with a blank": ("my key: 1", f"'my key': unknown key; {KEYS}"),
    "a key with a line break": ('"a\\nb": 1', f"'a\\nb': unknown key; {KEYS}"),
    "a number for a key": ("5: 1", f"5: unknown key; {KEYS}"),
    # values that must be known
    "dataset": (
        axes("dataset: [mnist, mnits]"),
        f"experiments[1].dataset: 'mnits' is not a known dataset; did you mean mnist? {DATASETS}",
    ),
    "activation": (
        axes("activation: step"),
        f"experiments[1].activation: 'step' {ACTIVATION}{ACTIVATIONS_KNOWN}",
    ),
    "activation misspelt": (
        axes("activation: tahn"),
        f"experiments[1].activation: 'tahn' {ACTIVATION}did you mean tanh? {ACTIVATIONS_KNOWN}",
    ),
    "activation in capitals": (
        axes("activation: [TANH]"),
        f"experiments[1].activation: 'TANH' {ACTIVATION}did you mean tanh? {ACTIVATIONS_KNOWN}",
    ),
    "init": (
        axes("init: zeros"),
        "experiments[1].init: 'zeros' is not a known init; known: published, scaled",
    ),
    "pixels": (
        axes("pixels: uint"),
        "experiments[1].pixels: 'uint' is not allowed; did you mean unit? known: raw, unit, standardize",
    ),
    "dtype": (
        axes("dtype: [float32, float16]"),
        "experiments[1].dtype[1]: 'float16' is not allowed; did you mean float64? known: float32, float64",
    ),
    "momentum of 1": (axes("momentum: [0, 0.9, 1]"), f"experiments[1].momentum[2]: 1 {MOMENTUM}"),
    "negative momentum": (axes("momentum: -0.5"), f"experiments[1].momentum: -0.5 {MOMENTUM}"),
    "schedule": (
        axes("schedule: cosin"),
        "experiments[1].schedule: 'cosin' is not allowed; did you mean cosine? known: constant, cosine",
    ),
    "batch_gradient": (
        axes("batch_gradient: avg"),
        "experiments[1].batch_gradient: 'avg' is not allowed; known: sum, mean",
    ),
    "format": (
        "datasets: {mnist: {format: ixd}}",
        "datasets.mnist.format: 'ixd' is not a known format; did you mean idx? known: cifar-binary, idx, "
        "sklearn-digits",
    ),
    # numbers
    "negative size": (axes("hidden_units: -5"), f"experiments[1].hidden_units: -5 {SIZE}"),
    "zero size": (axes("batch_size: 0"), f"experiments[1].batch_size: 0 {SIZE}"),
    "fractional size": (axes("epochs: 1.5"), f"experiments[1].epochs: 1.5 {SIZE}"),
    "whole float": (axes("hidden_units: 100.0"), f"experiments[1].hidden_units: 100.0 {SIZE}; write 100"),
    "size with exponent": (axes("epochs: 1e2"), f"experiments[1].epochs: 100.0 {SIZE}; write 100"),
    "size in quotes": (
        axes('hidden_units: "100"'),
        f"experiments[1].hidden_units: '100' {SIZE}; write 100, without quotes",
    ),
    "text for a size": (axes("epochs: many"), f"experiments[1].epochs: 'many' {SIZE}"),
    "bool for a size": (axes("hidden_units: true"), f"experiments[1].hidden_units: true {SIZE}"),
    "bool for a number": (axes("learning_rate: yes"), f"experiments[1].learning_rate: true {POSITIVE}"),
    "huge size": (axes("hidden_units: 5000000"), f"experiments[1].hidden_units: 5000000 {SIZE}"),
    "one of a list": (axes("epochs: [5, -5, 6]"), f"experiments[1].epochs[1]: -5 {SIZE}"),
    "zero rate": (axes("learning_rate: 0"), f"experiments[1].learning_rate: 0 {POSITIVE}"),
    "negative rate": (axes("learning_rate: -1e-3"), f"experiments[1].learning_rate: -0.001 {POSITIVE}"),
    "rate in quotes": (
        axes('learning_rate: "0.01"'),
        f"experiments[1].learning_rate: '0.01' {POSITIVE}; write 0.01, without quotes",
    ),
    "decimal comma": (
        "experiments:\n- {}\n- learning_rate: 0,5",
        f"experiments[1].learning_rate: '0,5' {POSITIVE}; write 0.5",
    ),
    "not a number": (axes("learning_rate: .nan"), f"experiments[1].learning_rate: .nan {POSITIVE}"),
    "infinity": (axes("learning_rate: [.inf]"), f"experiments[1].learning_rate[0]: .inf {POSITIVE}"),
    "too large a number": (
        axes("learning_rate: 1e999"),
        f"experiments[1].learning_rate: '1e999' {POSITIVE}; it is too large for a number of the computer",
    ),
    "endless digits": (
        axes(f"learning_rate: 1{'0' * 400}"),
        f"experiments[1].learning_rate: 1{'0' * 79}... {POSITIVE}",
    ),
    "negative penalty": (
        axes("l2: -1"),
        "experiments[1].l2: -1 is not allowed; allowed: a number of at least 0",
    ),
    "nan penalty": (
        axes("l2: .nan"),
        "experiments[1].l2: .nan is not allowed; allowed: a number of at least 0",
    ),
    "negative seed": (
        axes("seed: -1"),
        "experiments[1].seed: -1 is not allowed; allowed: a whole number from 0 to 4294967295",
    ),
    "null rate": (axes("learning_rate:"), f"experiments[1].learning_rate: null {POSITIVE}"),
    "null activation": (
        axes("activation: null"),
        "experiments[1].activation: null is not allowed; allowed: the name of an activation",
    ),
    "a name that YAML reads as a truth": (
        axes("activation: no"),
        f"experiments[1].activation: false is not allowed; allowed: the name of an activation; {QUOTES}",
    ),
    # lists
    "empty list": (axes("hidden_units: []"), f"experiments[1].hidden_units: an empty list {LIST}"),
    "nested list": (axes("hidden_units: [[1, 2]]"), f"experiments[1].hidden_units[0]: [1, 2] {SIZE}"),
    "mapping for a value": (axes("hidden_units: {a: 1}"), f"experiments[1].hidden_units: a mapping {SIZE}"),
    "no experiments": ("experiments: []", f"experiments: an empty list {LIST}"),
    "null experiments": ("experiments:", f"experiments: null {LIST}"),
    "one experiment, no list": (
        "experiments: {dataset: mnist}",
        f"experiments: a mapping {LIST}; begin each entry with a dash (- )",
    ),
    "text for an experiment": ("experiments: [mnist]", f"experiments[0]: 'mnist' {MAPPING}"),
    "more runs than anyone means": (
        axes(f"seed: [{BIG}], epochs: [{BIG}]"),
        f"experiments[1]: spans {399 * 399} runs; allowed: at most {MOST_RUNS}",
    ),
    # sizes that do not fit
    "batch larger than the training set": (
        axes("dataset: digits, batch_size: [100, 1438]"),
        "experiments[1].batch_size: 1438 is larger than the training set of digits, 1437 images; allowed: 1 to 1437",
    ),
    "batch larger than what is left": (
        axes("train_size: 50, validation_size: 10, batch_size: [50, 51]"),
        "experiments[1].batch_size: 51 is larger than the training set of mnist, 50 images after "
        "train_size 50 and validation_size 10; allowed: 1 to 50",
    ),
    "batch larger than what validation leaves": (
        axes("dataset: digits, validation_size: 1400"),
        "experiments[1].batch_size: 100 is larger than the training set of digits, 37 images after "
        "train_size null and validation_size 1400; allowed: 1 to 37",
    ),
    "validation leaves nothing": (
        axes("validation_size: 60000"),
        "experiments[1].validation_size: 60000 leaves nothing to train on of the 60000 training images of "
        "mnist; allowed: at most 59999",
    ),
    "train_size too large": (
        axes("train_size: [null, 60001]"),
        "experiments[1].train_size: 60001 is more than mnist has: 60000 training images; allowed: 1 to 60000, or null",
    ),
    "train_size and validation_size too large": (
        axes("train_size: 50000, validation_size: 20000"),
        "experiments[1].train_size: 50000 is more than mnist has: 60000 training images beside "
        "validation_size 20000; allowed: 1 to 40000, or null",
    ),
    "zero train_size": (
        axes("train_size: 0"),
        "experiments[1].train_size: 0 is not allowed; allowed: a whole number of at least 1 or null",
    ),
    "check with more images than there are": (
        "gradient_check: {examples: 50001}",
        "gradient_check.examples: 50001 is more than the 50000 training images of cifar10; allowed: 1 to 50000",
    ),
    "check without a step": ("gradient_check: {epsilon: 0}", f"gradient_check.epsilon: 0 {EPSILON}"),
    "check with a step that overflows": (
        "gradient_check: {epsilon: 1.0e+300}",
        f"gradient_check.epsilon: 1e+300 {EPSILON}",
    ),
    "check with a step that rounding hides": (
        "gradient_check: {epsilon: 1.0e-13}",
        f"gradient_check.epsilon: 1e-13 {EPSILON}",
    ),
    "check with a step that is too large for raw pixels": (
        "gradient_check: {epsilon: 0.01, pixels: raw}",
        "gradient_check.epsilon: 0.01 is too large a step for inputs of up to 255 (gradient_check.pixels: "
        "raw); allowed: 1e-9 to 0.0001; truncation hides the slope beyond",
    ),
    "check with two pixels": (
        "gradient_check: {pixels: [raw, unit]}",
        "gradient_check.pixels: ['raw', 'unit'] is not allowed; allowed: one of raw, unit, standardize",
    ),
    "null check": ("gradient_check:", f"gradient_check: null {MAPPING}"),
    # names
    "path in the name": ("name: ../x", f"name: '../x' {NAME}"),
    "slash in the name": ("name: a/b", f"name: 'a/b' {NAME}"),
    "shell character in the name": ("name: a;b", f"name: 'a;b' {NAME}"),
    "blank in the name": ("name: a b", f"name: 'a b' {NAME}; write a_b"),
    "variable in the name": ("name: $HOME", f"name: '$HOME' {NAME}"),
    "line break in the name": ('name: "ab\\n"', f"name: 'ab\\n' {NAME}"),
    "dots for a name": ("name: ..", f"name: '..' {NAME}"),
    "option for a name": ("name: -rf", f"name: '-rf' {NAME}"),
    "empty name": ('name: ""', f"name: '' {NAME}"),
    "endless name": (f"name: {'a' * 65}", f"name: '{'a' * 65}' {NAME}"),
    "number for a name": ("name: 2026", f"name: 2026 {NAME}; {QUOTES}"),
    "null name": ("name:", f"name: null {NAME}"),
    "reserved name": ("name: data", f"name: 'data' {RESERVED}"),
    "reserved name in capitals": ("name: Logs", f"name: 'Logs' {RESERVED}"),
    # the published table
    "table that is not there": (
        "published: {table: nowhere.csv}",
        "published.table: 'nowhere.csv' cannot be read (No such file or directory); expected a CSV file, or null",
    ),
    "table that is a folder": (
        "published: {table: config}",
        "published.table: 'config' cannot be read (a folder, not a file); expected a CSV file, or null",
    ),
    "table that is none": (
        "published: {table: config/quick.yaml}",
        f"published.table: 'config/quick.yaml' begins with {FIRST_OF_QUICK!r}; expected the columns "
        "dataset,activation,hidden_units,learning_rate,batch_size,epochs,l2,precision_percent,faults,"
        "test_size,loss",
    ),
    "table whose path is none": (
        'published: {table: "a\\0b"}',
        "published.table: 'a\\x00b' cannot be read (embedded null byte); expected a CSV file, or null",
    ),
    "line break in the table's path": (
        'published: {table: "a\\nb"}',
        "published.table: 'a\\nb' cannot be read (No such file or directory); expected a CSV file, or null",
    ),
    "braces in the table's path": (
        'published: {table: "/data/{x}.csv"}',
        f"published.table: '/data/{{x}}.csv' {TABLE}",
    ),
    "number for a table": ("published: {table: 5}", f"published.table: 5 {TABLE}; {QUOTES}"),
    "empty table": ('published: {table: ""}', f"published.table: '' {TABLE}"),
    "null published": (
        "published:",
        f"published: null {MAPPING}; `table: null` in it leaves the comparison out",
    ),
    "zero divisor": ("published: {loss_divisor: {mnist: 0}}", f"published.loss_divisor.mnist: 0 {POSITIVE}"),
    "divisor of an unknown dataset": (
        "published: {loss_divisor: {mnits: 5}}",
        f"published.loss_divisor: 'mnits' is not a known dataset; did you mean mnist? {DATASETS}",
    ),
    # the registry
    "misspelt dataset to change": (
        "datasets: {mnits: {local_dir: /tmp}}",
        "datasets.mnits: lacks format, train, test, image_shape, class_names, files; did you mean mnist?",
    ),
    "null dataset": ("datasets: {digits: null}", f"datasets.digits: null {MAPPING}"),
    "local_dir is no folder": (
        "datasets: {mnist: {local_dir: /nowhere/at all}}",
        "datasets.mnist.local_dir: '/nowhere/at all' is not a folder on this machine; give that of the "
        "dataset's files, or null",
    ),
    "local_dir from home": (
        "datasets: {mnist: {local_dir: ~/mnist}}",
        "datasets.mnist.local_dir: '~/mnist' is not a folder on this machine; give that of the dataset's "
        "files, or null; write the whole path, ~ is not expanded",
    ),
    "local_dir without the file": (
        "datasets: {cifar10: {local_dir: config}}",
        "datasets.cifar10.local_dir: 'config' has no file 'cifar-10-binary.tar.gz'; put it there, or write null",
    ),
    "empty local_dir": ('datasets: {mnist: {local_dir: ""}}', f"datasets.mnist.local_dir: '' {FOLDER}"),
    "braces in local_dir": (
        'datasets: {mnist: {local_dir: "/data/{mnist}"}}',
        f"datasets.mnist.local_dir: '/data/{{mnist}}' {FOLDER}",
    ),
    "a brace in local_dir": (
        'datasets: {mnist: {local_dir: "/data/}"}}',
        f"datasets.mnist.local_dir: '/data/}}' {FOLDER}",
    ),
    "braces in the local_dir of a dataset that is not used": (
        'datasets: {digits: {local_dir: "{x}"}}',
        f"datasets.digits.local_dir: '{{x}}' {FOLDER}",
    ),
    "a word that Snakemake would replace in local_dir": (
        "datasets: {mnist: {local_dir: /data/<results>}}",
        f"datasets.mnist.local_dir: '/data/<results>' {FOLDER}",
    ),
    "fractional count": (
        "datasets: {fashion_mnist: {train: 1.5}}",
        "datasets.fashion_mnist.train: 1.5 is not allowed; allowed: a whole number from 1 to 100000000",
    ),
    "flat image": (
        "datasets: {mnist: {image_shape: [784]}}",
        "datasets.mnist.image_shape: [784] is not allowed; allowed: a list of two or three sizes, such as [28, 28]",
    ),
    "largest": (
        "datasets: {mnist: {largest: 256}}",
        "datasets.mnist.largest: 256 is not allowed; allowed: a whole number from 1 to 255",
    ),
    "class names twice": (
        "datasets: {mnist: {class_names: [a, b, a]}}",
        "datasets.mnist.class_names: ['a', 'b', 'a'] is not allowed; allowed: a list of 2 to 256 different names",
    ),
    "a line break in a class name": (
        'datasets: {mnist: {class_names: [a, "b\\n"]}}',
        "datasets.mnist.class_names[1]: 'b\\n' is not allowed; allowed: a name on one line",
    ),
    "number for a class name": (
        "datasets: {mnist: {class_names: [0, b]}}",
        f"datasets.mnist.class_names[0]: 0 is not allowed; allowed: a name on one line; {QUOTES}",
    ),
    "unknown role": (
        "datasets: {digits: {files: {tabel: "
        "{name: a, size: 1, sha256: 09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22}}}}",
        "datasets.digits.files: 'tabel' is not a known role of the format sklearn-digits; did you mean "
        "table? known: table",
    ),
    "mirror by ftp": (
        "datasets: {mnist: {files: {train_images: {mirrors: [ftp://a/b]}}}}",
        "datasets.mnist.files.train_images.mirrors[0]: 'ftp://a/b' is not allowed; allowed: an address that "
        "begins with http:// or https://",
    ),
    "no mirror": (
        "datasets: {mnist: {files: {train_images: {mirrors: []}}}}",
        "datasets.mnist.files.train_images.mirrors: an empty list; give an address, or datasets.mnist.local_dir",
    ),
    "one mirror, no list": (
        "datasets: {mnist: {files: {train_images: {mirrors: http://a/b}}}}",
        "datasets.mnist.files.train_images.mirrors: 'http://a/b' is not allowed; allowed: a list of "
        "addresses; write [http://a/b]",
    ),
    "bad checksum": (
        "datasets: {mnist: {files: {train_images: {sha256: ABC}}}}",
        "datasets.mnist.files.train_images.sha256: 'ABC' is not allowed; allowed: a SHA-256 checksum of 64 "
        "digits 0-9 and a-f",
    ),
    "path for a file's name": (
        "datasets: {mnist: {files: {train_images: {name: a/b}}}}",
        f"datasets.mnist.files.train_images.name: 'a/b' {FILE_NAME}",
    ),
    "braces in a file's name": (
        'datasets: {mnist: {files: {train_images: {name: "{x}.gz"}}}}',
        f"datasets.mnist.files.train_images.name: '{{x}}.gz' {FILE_NAME}",
    ),
    "size of a file": (
        "datasets: {mnist: {files: {train_images: {size: 0}}}}",
        "datasets.mnist.files.train_images.size: 0 is not allowed; allowed: a whole number of at least 1",
    ),
    "no registry": ("datasets: []", f"datasets: an empty list {MAPPING}"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_one_line_with_its_key_its_value_and_what_is_allowed(shipped: dict[str, Any], name: str) -> None:
    config, line = MISTAKES[name]
    assert lines_of(with_text(shipped, config)) == (line,)


def test_a_format_must_have_the_roles_that_it_reads_and_no_other(shipped: dict[str, Any]) -> None:
    assert lines_of(with_text(shipped, "datasets: {digits: {format: idx, local_dir: /tmp}}")) == (
        "datasets.digits.files: 'table' is not a known role of the format idx; known: test_images, "
        "test_labels, train_images, train_labels",
        "datasets.digits.files: lacks train_images, train_labels, test_images, test_labels, which the format idx reads",
    )


def test_every_file_that_local_dir_lacks_is_named(shipped: dict[str, Any], tmp_path: Path) -> None:
    put_mnist_files(shipped, tmp_path)
    for i in (0, 2, 3):
        (tmp_path / MNIST_FILES[i]).unlink()
    config = merge(shipped, {"datasets": {"mnist": {"local_dir": str(tmp_path)}}})
    assert lines_of(config) == tuple(
        f"datasets.mnist.local_dir: '{tmp_path}' has no file '{MNIST_FILES[i]}'; put it there, or write null"
        for i in (0, 2, 3)
    )


def test_every_mistake_is_named_not_the_first_alone(shipped: dict[str, Any]) -> None:
    text = """
name: a/b
oops: 1
experiments:
  - {dataset: nowhere, hidden_units: 0, learning_rate: [0.1, -1, x]}
  - {dataset: digits, batch_size: 5000, activation: step}
gradient_check: {epsilon: no}
published: {table: nowhere.csv}
"""
    keys = [line.split(": ")[0] for line in lines_of(with_text(shipped, text))]
    assert sorted(keys) == [
        "experiments[0].dataset",
        "experiments[0].hidden_units",
        "experiments[0].learning_rate[1]",
        "experiments[0].learning_rate[2]",
        "experiments[1].activation",
        "experiments[1].batch_size",
        "gradient_check.epsilon",
        "name",
        "oops",
        "published.table",
    ]


@pytest.mark.parametrize("name", RESERVED_NAMES)
def test_no_experiment_takes_a_folder_that_all_share(shipped: dict[str, Any], name: str) -> None:
    assert lines_of(with_text(shipped, f"name: {name}")) == (f"name: {name!r} {RESERVED}",)


@pytest.mark.parametrize("name", ["my/data", "my data", "-rf", "..", "a;b", "x\n"])
def test_a_dataset_has_a_plain_name_too(shipped: dict[str, Any], name: str) -> None:
    entry = shipped["datasets"]["digits"]
    lines = lines_of(merge(shipped, {"datasets": {name: entry}}))
    assert lines == (f"datasets: the key {name!r} {NAME}",)


def test_a_dataset_of_the_table_and_the_experiment_needs_its_divisor(shipped: dict[str, Any]) -> None:
    config = copy.deepcopy(shipped)
    del config["published"]["loss_divisor"]["mnist"]
    assert lines_of(config) == (
        "published.loss_divisor.mnist: missing; expected a number greater than 0, since "
        "'config/published_results.csv' has rows of mnist",
    )
    load_experiment(with_text(config, "experiments: [{dataset: digits}]"))


def test_something_else_than_keys_is_a_mistake_too() -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment([1])  # type: ignore[arg-type]
    assert caught.value.mistakes == (f"the configuration: [1] {MAPPING}",)


def test_an_empty_configuration_has_the_defaults_and_lacks_a_dataset() -> None:
    with pytest.raises(ConfigError, match=r"^experiments\[0\]\.dataset: 'mnist' is not a known dataset; known: none$"):
        load_experiment({})


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(leaf, inner, max_size=2))


@given(st.data())
def test_nothing_that_yaml_can_say_ends_in_anything_but_lines(shipped: dict[str, Any], data: st.DataObject) -> None:
    config: Any = copy.deepcopy(shipped)
    *parents, last = data.draw(st.sampled_from(list(_places(config))))
    holder = config
    for key in parents:
        holder = holder[key]
    holder[last] = data.draw(anything)
    for line in _mistakes(config):
        assert line.isprintable()
        assert ": " in line


def _mistakes(config: dict[str, Any]) -> tuple[str, ...]:
    try:
        load_experiment(config)
    except ConfigError as error:
        return error.mistakes
    return ()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


def test_the_nearest_name_is_found_whatever_its_capitals() -> None:
    line = unknown("shapes", "dataset", ["digits", "Shapes"])
    assert line == "'shapes' is not a known dataset; did you mean Shapes? known: Shapes, digits"


def test_a_name_that_would_break_the_line_stands_in_quotes_wherever_it_stands(
    shipped: dict[str, Any],
) -> None:
    line = unknown("a", "dataset", ["a\nb", "ok"])
    assert line == "'a' is not a known dataset; known: 'a\\nb', ok"
    entry = {**shipped["datasets"]["digits"], "train": 2}
    config = merge(shipped, {"datasets": {"a\nb": entry}, "experiments": [{"dataset": "a\nb"}]})
    assert lines_of(config) == (
        f"datasets: the key 'a\\nb' {NAME}",
        "experiments[0].batch_size: 100 is larger than the training set of 'a\\nb', 2 images; allowed: 1 to 2",
        "gradient_check.examples: 5 is more than the 2 training images of 'a\\nb'; allowed: 1 to 2",
    )


def test_what_an_incomplete_entry_lacks_is_said_once_beside_any_other_name(shipped: dict[str, Any]) -> None:
    lines = lines_of(with_text(shipped, "datasets: {2026: {}, digist: {train: 5}}"))
    essence = "datasets.digist: lacks format, test, image_shape, class_names, files; did you mean digits?"
    assert lines.count(essence) == 1
    assert len(lines) == 3


def test_a_long_value_is_cut_short() -> None:
    assert len(show("x" * 1000)) < 100
    assert len(show(list(range(1000)))) < 100


def test_a_key_path_reads_like_the_file() -> None:
    assert key_path(["experiments", 1, "learning_rate"]) == "experiments[1].learning_rate"
    assert key_path([]) == "the configuration"


# --- the schema


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner, name in schema.get("required", ())
        yield from _properties(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _properties(schema[key], f"{path}.{key}")


def test_every_key_of_the_schema_has_a_description_and_a_default() -> None:
    properties = list(_properties(config_schema()))
    assert len(properties) > 35
    for path, inner, required in properties:
        assert len(inner["description"]) > 10, path
        assert "default" in inner, path
        assert required == inner["description"].startswith("Required. "), path


def test_every_default_of_the_schema_is_allowed_by_it() -> None:
    Draft202012Validator.check_schema(config_schema())
    for path, inner, required in _properties(config_schema()):
        assert required or Draft202012Validator(inner).is_valid(inner["default"]), path


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from _objects(inner)


def test_no_mapping_of_the_schema_takes_unknown_keys() -> None:
    objects = list(_objects(config_schema()))
    assert len(objects) >= 7
    # either closed, or a mapping from free names to values of one kind
    assert all(o["additionalProperties"] is False or o["additionalProperties"] for o in objects)
    assert all(o["additionalProperties"] is False for o in objects if "properties" in o)


def test_axes_and_their_defaults_are_those_of_a_run() -> None:
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    assert tuple(axes) == AXES
    for axis in fields(Run):
        if axis.default is not MISSING:
            assert axes[axis.name]["default"] == axis.default


Defaults = list[tuple[str, Any]]


def schema_defaults(properties: dict[str, Any]) -> Defaults:
    return [(name, inner["default"]) for name, inner in properties.items()]


def written_defaults(file: str, begin: str, end: str, pattern: str) -> Defaults:
    """Names and defaults between two texts of a file; the pattern has a group for each of them."""
    _, found, rest = (ROOT / file).read_text().partition(begin)
    block, ended, _ = rest.partition(end)
    assert found, f"{file}: no {begin!r}"
    assert ended, f"{file}: no {end!r} after {begin!r}"
    return [(name, yaml.safe_load(text)) for name, text in re.findall(pattern, block, re.MULTILINE)]


def test_the_axes_of_the_readme_and_their_defaults_are_those_of_the_schema() -> None:
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    row = r"^\| `(\w+)` \| `?([^|`]+)`? \|"
    table = written_defaults("config/README.md", "| axis | default |", "\n\n", row)
    assert table == schema_defaults(axes)


def test_the_axes_of_config_yaml_and_their_defaults_are_those_of_the_schema() -> None:
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    comment = written_defaults("config/config.yaml", "has its default:\n#\n", "\n#\n", r"^# +(\w+) +(\S+)  ")
    assert comment == schema_defaults(axes)


def test_the_check_of_the_readme_and_its_defaults_are_those_of_the_schema() -> None:
    check = config_schema()["properties"]["gradient_check"]["properties"]
    text = written_defaults("config/README.md", "**`gradient_check`**", "\n\n", r"`(\w+)` \(`?([^)`]+)`?\)")
    assert text == schema_defaults(check)


def test_known_activations_and_inits_are_not_listed_twice() -> None:
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    for axis in ("dataset", "activation", "init"):
        assert "enum" not in str(axes[axis])


def test_the_schema_takes_the_shipped_files_as_any_other_tool_would_read_them(
    shipped: dict[str, Any],
) -> None:
    Draft202012Validator(config_schema()).validate(shipped)


# --- files


def unreadable(path: Path) -> tuple[str, ...]:
    """The lines with which a configuration file is refused."""
    with pytest.raises(ConfigError) as caught:
        read_config_file(path)
    return caught.value.mistakes


def test_a_key_given_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("name: a\nexperiments:\n  - epochs: 1\n    seed: 0\n    epochs: 2\nname: b\n")
    assert sorted(unreadable(path)) == [
        f"{path}: line 5, column 5: the key 'epochs' is given again, first on line 3; keep one of them",
        f"{path}: line 6, column 1: the key 'name' is given again, first on line 1; keep one of them",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "name: a\nexperiments: [1, 2\n",
            "line 3, column 1: not YAML: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence)",
        ),
        ("name: a\n  b: c\n", "line 2, column 4: not YAML: mapping values are not allowed here"),
        (
            "a:\n\tb: 1\n",
            "line 2, column 1: not YAML: found character '\\t' that cannot start any token "
            "(while scanning for the next token); indent with spaces, not tabs",
        ),
        ("a: &x 1\nb: *y\n", "line 2, column 4: not YAML: found undefined alias 'y'"),
        (
            "a: !!python/object:os.system 1\n",
            "line 1, column 4: not YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'",
        ),
        (
            "? [1]\n: 2\n",
            "line 1, column 3: not YAML: found unhashable key (while constructing a mapping)",
        ),
        (
            "a: 1\n---\nb: 1\n",
            "line 2, column 1: not YAML: but found another document (expected a single document in the stream)",
        ),
        ("", "is empty; expected keys with values, such as `name: mine`"),
        ("- a\n- b\n", "holds ['a', 'b']; expected keys with values, such as `name: mine`"),
        (
            "a: 2026-13-45\n",
            "line 1, column 4: YAML 1.1 reads 2026-13-45 as a date; write '2026-13-45', in quotes, for text",
        ),
        (
            "a: \x07\n",
            "not YAML: unacceptable character #x0007: special characters are not allowed in "
            '"<unicode string>", position 3',
        ),
    ],
)
def test_what_is_not_yaml_is_named_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    assert unreadable(path) == (f"{path}: {line}",)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    assert unreadable(path) == (f"{path}: cannot be read (No such file or directory); expected a YAML file",)
    path.write_bytes(b"a: \xe4\n")
    wrong = "'utf-8' codec can't decode byte 0xe4 in position 3: invalid continuation byte"
    assert unreadable(path) == (f"{path}: not YAML: {wrong}",)


def test_merge_keys_of_yaml_may_repeat_a_key(tmp_path: Path) -> None:
    path = tmp_path / "merge.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nz: &z {z: 5}\nb: {<<: *a, <<: *z, x: 3}\n")
    assert read_config_file(path)["b"] == {"x": 3, "y": 2, "z": 5}


keys = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
)
configs = st.dictionaries(keys, values, max_size=3)


@given(configs, configs)
@example({"a": None}, {"a": {}})
@example({"a": [1]}, {"a": {"b": {}}})
@example({}, {"a": {}})
def test_files_are_merged_as_snakemake_merges_them(one: dict[str, Any], other: dict[str, Any]) -> None:
    from snakemake.utils import update_config

    theirs = copy.deepcopy(one)
    update_config(theirs, copy.deepcopy(other))
    before = copy.deepcopy((one, other))
    assert merge(one, other) == theirs
    assert (one, other) == before


@pytest.mark.parametrize("name", ["datasets", "config", "quick", "improved"])
def test_files_are_read_as_snakemake_reads_them(name: str) -> None:
    from snakemake.common.configfile import load_configfile

    assert read_config_file(f"config/{name}.yaml") == load_configfile(f"config/{name}.yaml")


# --- the published table


def test_published_rows_have_the_types_of_their_columns() -> None:
    rows = published_rows("config/published_results.csv")
    assert len(rows) == 72
    for row in rows:
        assert set(row) == {*COLUMNS, *SPREAD}
        assert all(type(row[column]) is kind for column, kind in COLUMNS.items())


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", f" begins with ''; expected the columns {HEADER}"),
        (b"a,b\n", f" begins with 'a,b'; expected the columns {HEADER}"),
        (f"{HEADER}\nmnist,tanh\n".encode(), ", line 2 has 2 values; expected 11"),
        (
            f"{HEADER}\nmnist,tanh,1.5,1,1,1,1,1,1,1,1\n".encode(),
            ", line 2: hidden_units is '1.5'; expected a whole number",
        ),
        (
            f"{HEADER}\nmnist,tanh,1,x,1,1,1,1,1,1,1\n".encode(),
            ", line 2: learning_rate is 'x'; expected a number",
        ),
        (
            b"\xe4",
            " cannot be read ('utf-8' codec can't decode byte 0xe4 in position 0: unexpected end of data); "
            "expected a CSV file, or null",
        ),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path: Path, content: bytes, wrong: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(HandgradError) as caught:
        published_rows(path)
    assert str(caught.value) == f"'{path}'{wrong}"


@pytest.mark.parametrize(
    ("axes", "whole"),
    [
        ({}, True),
        ({"seed": 3, "pixels": "raw", "dtype": "float64"}, True),
        ({"train_size": 1000}, False),
        ({"validation_size": 1}, False),
        ({"train_size": 1000, "validation_size": 1}, False),
        ({"momentum": 0.5}, False),
        ({"schedule": "cosine"}, False),
        ({"init": "scaled"}, False),
    ],
)
def test_runs_that_used_what_the_published_ones_are_known_to_have_used_are_comparable(
    axes: dict[str, Any], whole: bool
) -> None:
    run = Run.from_name("mnist", "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0")
    assert comparable(replace(run, **axes)) is whole


# --- what parsing may load


def test_reading_a_configuration_loads_nothing_heavy() -> None:
    heavy = {"pandas", "matplotlib", "h5py", "scipy", "sklearn", "snakemake", "pooch"}
    code = (
        f"import sys, handgrad.experiment.config, handgrad.experiment.config_files; print(*{heavy} & set(sys.modules))"
    )
    path = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- the command


def check_config(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "handgrad", "check", *arguments]
    environment = {**os.environ, "PYTHONPATH": "scripts"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_says_what_a_right_file_describes() -> None:
    done = check_config("config/quick.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"config/quick.yaml: ok: (\d+) runs in quick \(datasets: digits \1\)\n", done.stdout)


def test_the_command_prints_each_mistake_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: a/b\nexperiments: [{hidden_units: 0}]\n")
    done = check_config(str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"{path}: name: 'a/b' {NAME}",
        f"{path}: experiments[0].hidden_units: 0 {SIZE}",
    ]


def test_the_command_prints_the_line_of_what_is_not_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: a\nname: b\n")
    done = check_config(str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{path}: line 2, column 1: the key 'name' is given again, first on line 1; keep one of them\n"
    )


def test_the_command_warns_of_an_experiment_without_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("experiments: [{}]\n")
    done = check_config(str(path))
    assert (done.returncode, done.stdout) == (0, f"{path}: ok: 1 run in published (datasets: mnist 1)\n")
    assert done.stderr == (
        f"{path}: name: not given, so its tables would replace those of results/published/ (a warning)\n"
    )


# --- the registry of a module ---


@pytest.fixture(scope="module")
def registry() -> dict[str, Any]:
    return read_config_file(ROOT / "config/datasets.yaml")


def test_a_config_without_datasets_gets_those_of_the_registry(registry: dict[str, Any]) -> None:
    assert with_registry({"name": "mine"}, registry) == {"name": "mine", **registry}


def test_an_entry_without_a_format_changes_that_of_the_registry(registry: dict[str, Any]) -> None:
    own = {"datasets": {"mnist": {"local_dir": "/data"}}}
    assert with_registry(own, registry) == merge(registry, own)


def test_an_entry_with_a_format_stands_for_itself(registry: dict[str, Any]) -> None:
    entry = {"format": "idx", "train": 3}
    made = with_registry({"datasets": {"mnist": entry}}, registry)["datasets"]
    assert made["mnist"] == entry
    assert set(made) == set(registry["datasets"])


def test_a_config_that_holds_the_registry_stays_as_it_is_its_order_too(shipped: dict[str, Any]) -> None:
    # the order of an entry's keys is a param: another one would make the data again
    assert repr(with_registry(shipped, read_config_file(ROOT / "config/datasets.yaml"))) == repr(shipped)


@pytest.mark.parametrize("datasets", [None, 3, ["mnist"], {"mnist": 3}])
def test_datasets_that_are_no_mapping_are_left_to_the_schema(registry: dict[str, Any], datasets: Any) -> None:
    config = with_registry({"experiments": [{}], "datasets": datasets}, registry)
    with pytest.raises(ConfigError, match=r"^datasets"):
        load_experiment(config)
