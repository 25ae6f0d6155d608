"""What the shipped configurations describe, what a configuration means, and how files are put together."""

import copy
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from handgrad.experiment.config import CheckSettings, load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge, read_config_file, with_registry
from handgrad.experiment.config_schema import SCHEMA_FILE, config_schema
from handgrad.experiment.experiment_file import (
    complete_module_config,
    keys_to,
    read_config,
    read_experiment,
    repeated_options,
)
from handgrad.experiment.published import published_rows
from handgrad.experiment.registry import FORMAT_ROLES
from handgrad.experiment.runs import AXES, Run

ROOT = Path(__file__).parents[2]
REGISTRY = read_config_file(ROOT / "config/datasets.yaml")
AXES_SCHEMA = config_schema()["properties"]["experiments"]["items"]["properties"]
CHECK_SCHEMA = config_schema()["properties"]["gradient_check"]["properties"]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def config_of(text: str = "", *files: str) -> dict[str, Any]:
    """The shipped configuration with what files of config/ and a text of YAML change."""
    return merge(read_config([Path(f"config/{name}.yaml") for name in files]), yaml.safe_load(text) or {})


# --- what the shipped files describe


def test_config_yaml_is_the_published_72_runs_in_order() -> None:
    experiment, rows = load_experiment(config_of()), published_rows("config/published_results.csv")
    assert len(experiment.runs) == len(rows) == 72
    axes = ("dataset", "activation", "hidden_units", "learning_rate", "batch_size", "epochs", "l2")
    for run, row in zip(experiment.runs, rows, strict=True):
        assert [getattr(run, axis) for axis in axes] == [row[axis] for axis in axes]
        form = {"mnist": ("unit", "sum"), "cifar10": ("raw", "mean")}[run.dataset]
        assert (run.pixels, run.batch_gradient) == form
        rest = (run.seed, run.init, run.dtype, run.train_size, run.validation_size)
        assert rest == (0, "published", "float32", None, 0)
    assert experiment.name == "published"
    assert experiment.published is not None
    assert experiment.published.loss_divisor == {"mnist": 60000, "cifar10": 10000}
    assert experiment.has_published
    check = CheckSettings(hidden_units=200, examples=5, pixels="raw", epsilon=1e-5)
    assert (experiment.gradient_check, check.name) == (check, "hu_200_n_5_raw_eps_1e-05")
    # a mean loss an image, of a network that is right for 96 of 100 images
    assert 0.05 < rows[0]["loss"] * 60000 / rows[0]["test_size"] < 0.2


def test_reproduction_yaml_is_config_yaml_with_five_seeds() -> None:
    config, once = config_of("", "reproduction"), config_of()
    runs = load_experiment(config).runs
    assert [run for run in runs if run.seed == 0] == list(load_experiment(once).runs)
    assert (config["name"], len(runs)) == ("reproduction", 360)
    assert [block.pop("seed") for block in config["experiments"]] == [[0, 1, 2, 3, 4]] * 2
    assert [block.pop("seed") for block in once["experiments"]] == [0, 0]
    assert {**config, "name": "published"} == once


def test_improved_yaml_trains_the_published_networks_otherwise() -> None:
    experiment, published = load_experiment(config_of("", "improved")), load_experiment(config_of())
    assert experiment.name == "improved"
    for axis in ("dataset", "activation", "hidden_units", "batch_size", "epochs"):
        assert {getattr(run, axis) for run in experiment.runs} == {getattr(run, axis) for run in published.runs}
    assert len({replace(run, seed=0) for run in experiment.runs}) == len(published.runs)
    rest = {(run.validation_size, run.momentum, run.schedule, run.init) for run in experiment.runs}
    assert rest == {(2500, 0.9, "cosine", "scaled")}
    assert (experiment.has_published, experiment.has_published_dataset) == (False, True)


def test_quick_yaml_trains_three_activations_on_the_embedded_digits() -> None:
    experiment = load_experiment(config_of("", "quick"))
    assert experiment.name == "quick"
    assert 12 <= len(experiment.runs) <= 18
    assert {(run.dataset, run.activation) for run in experiment.runs} == {
        ("digits", a) for a in ("softplus", "tanh", "cos")
    }
    assert (experiment.has_published, experiment.has_published_dataset) == (False, False)


# --- what a configuration means


def test_an_axis_that_is_left_out_has_its_default() -> None:
    (run,) = load_experiment(config_of("experiments: [{}]")).runs
    assert (run.dataset, run.name) == ("mnist", "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0")


def test_other_spellings_of_a_number_are_the_same_run() -> None:
    text = "experiments: [{learning_rate: [0.001, 1e-3, 1.0e-3, 1E-3, +10.e-4, .1e-2]}, {seed: [0, 0]}, {seed: 0}]"
    assert len(load_experiment(config_of(text)).runs) == 1
    text = "experiments: [{learning_rate: [1, 1.0, 1e0], l2: [0, 0.0, -0.0]}]"
    config = config_of(text)
    before = copy.deepcopy(config)
    (run,) = load_experiment(config).runs
    assert config == before
    assert "_lr_1_" in run.name
    assert "_l2_0_" in run.name
    kinds = {axis.name: axis.type for axis in fields(Run)}
    assert all(type(getattr(run, axis)) is kind for axis, kind in kinds.items() if kind in (int, float, str))
    (negative,) = load_experiment(config_of("experiments: [{learning_rate: 1, l2: -0.0}]")).runs
    assert negative.name == run.name


SAME = ("seed: 5", "pixels: raw", "dtype: float64, batch_gradient: mean", "l2: [5, 1e-1]")
OTHER = ("epochs: 21", "l2: 0.5", "learning_rate: 0.002", "train_size: [100, 59999]", "validation_size: 100")
OTHER += ("momentum: 0.9", "schedule: cosine", "init: scaled", "dataset: [digits, mnist], l2: 7")


@pytest.mark.parametrize(
    ("text", "row", "dataset"),
    [
        *[(f"experiments: [{{{axes}}}]", True, True) for axes in SAME],
        *[(f"experiments: [{{{axes}}}]", False, True) for axes in OTHER],
        ("experiments: [{momentum: 0.9, train_size: 1000}, {}]", True, True),
        ("experiments: [{dataset: digits}]", False, False),
        ("published: {table: null}", False, False),
    ],
)
def test_a_run_has_a_published_row_if_it_trains_the_same(text: str, row: bool, dataset: bool) -> None:
    experiment = load_experiment(config_of(text))
    assert (experiment.has_published, experiment.has_published_dataset) == (row, dataset)


@pytest.mark.parametrize("check", ["epsilon: 0.0001", "epsilon: 1e-2, pixels: unit", "epsilon: 1e-9, examples: 50000"])
def test_a_gradient_check_may_be_as_coarse_as_truncation_allows(check: str) -> None:
    load_experiment(config_of(f"gradient_check: {{{check}}}"))


def test_a_dataset_of_a_known_format_is_yaml_alone() -> None:
    file = {"size": 5, "sha256": "ab" * 32, "mirrors": ["http://localhost/x"]}
    entry: dict[str, Any] = {"format": "idx", "train": 50, "test": 10, "image_shape": [4, 4], "class_names": ["a", "b"]}
    entry["files"] = {role: {"name": f"{role}.gz", **file} for role in FORMAT_ROLES["idx"]}
    config = {**config_of(), "datasets": {"mine": entry}, "experiments": [{"dataset": "mine", "batch_size": 50}]}
    experiment = load_experiment({**config, "published": {}})
    assert experiment.runs[0].dataset == "mine"
    assert (experiment.datasets["mine"]["largest"], experiment.datasets["mine"]["local_dir"]) == (255, None)


def test_keys_that_begin_with_x_hold_anchors_and_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("x-common: &c {hidden_units: 7, epochs: 1}\nx-empty: {}\nexperiments: [{<<: *c, epochs: 2}]\n")
    (run,) = read_experiment(path)[1].runs
    assert (run.hidden_units, run.epochs) == (7, 2)


# --- the schema


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner, name in schema.get("required", ())
        yield from _properties(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _properties(schema[key], f"{path}.{key}")


def test_every_key_has_a_description_and_a_default_that_is_allowed() -> None:
    Draft202012Validator.check_schema(config_schema())
    properties = list(_properties(config_schema()))
    assert len(properties) > 35
    for path, inner, required in properties:
        assert len(inner["description"]) > 10, path
        assert required == inner["description"].startswith("Required. "), path
        assert "default" in inner, path
        assert required or Draft202012Validator(inner).is_valid(inner["default"]), path


def test_no_mapping_of_the_schema_takes_unknown_keys() -> None:
    text = SCHEMA_FILE.read_text()
    assert text.count("additionalProperties:") == text.count("type: object") >= 7
    # known names are those of the library and of the registry
    assert not re.search(r"enum:.*(tanh|published|mnist|idx)", text)


def test_axes_and_their_defaults_are_those_of_a_run() -> None:
    assert tuple(AXES_SCHEMA) == AXES
    defaults = {axis.name: axis.default for axis in fields(Run) if axis.default is not MISSING}
    assert {axis: AXES_SCHEMA[axis]["default"] for axis in defaults} == defaults


@pytest.mark.parametrize(
    ("file", "begin", "end", "pattern", "properties"),
    [
        ("config/README.md", "| axis | default |", "\n\n", r"^\| `(\w+)` \| `?([^|`]+)`? \|", AXES_SCHEMA),
        ("config/README.md", "**`gradient_check`**", "\n\n", r"`(\w+)` \(`?([^)`]+)`?\)", CHECK_SCHEMA),
        ("config/config.yaml", "has its default:\n#\n", "\n#\n", r"^# +(\w+) +(\S+)  ", AXES_SCHEMA),
    ],
)
def test_defaults_that_people_read_are_those_of_the_schema(
    file: str, begin: str, end: str, pattern: str, properties: dict[str, Any]
) -> None:
    block = (ROOT / file).read_text().partition(begin)[2].partition(end)[0]
    written = [(name, yaml.safe_load(text)) for name, text in re.findall(pattern, block, re.MULTILINE)]
    assert written == [(name, inner["default"]) for name, inner in properties.items()]


def test_the_schema_takes_the_shipped_files_in_any_other_tool() -> None:
    Draft202012Validator(yaml.safe_load(SCHEMA_FILE.read_text())).validate(config_of())


# --- files

keys = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
)
configs = st.dictionaries(keys, values, max_size=3)


@settings(max_examples=30)
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
def test_files_are_read_as_snakemake_reads_them(name: str, tmp_path: Path) -> None:
    from snakemake.common.configfile import load_configfile

    assert read_config_file(f"config/{name}.yaml") == load_configfile(f"config/{name}.yaml")
    (tmp_path / "link.yaml").symlink_to(ROOT / f"config/{name}.yaml")
    assert read_config_file(tmp_path / "link.yaml") == read_config_file(f"config/{name}.yaml")


def test_json_merge_keys_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text('{\n\t"name": "mine",\n\t"l2": [{}, 1e-3, "\\u00e9\\/\\t"]\n}', encoding="utf-8-sig")
    assert read_config_file(path) == {"name": "mine", "l2": [{}, "1e-3", "é/\t"]}
    path.write_text("a: &a {x: 1, y: 2}\nz: &z {z: 5}\nb: {<<: *a, <<: *z, x: 3}\n")
    assert read_config_file(path)["b"] == {"x": 3, "y": 2, "z": 5}


def test_reading_a_configuration_loads_nothing_heavy() -> None:
    heavy = {"pandas", "matplotlib", "h5py", "scipy", "sklearn", "snakemake", "requests"}
    code = f"import sys, handgrad.experiment.experiment_file; print(*{heavy} & set(sys.modules))"
    path = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- the same wherever it runs


def test_the_defaults_are_the_project_s_in_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = load_experiment(read_config([]))
    monkeypatch.chdir(tmp_path)
    there = load_experiment(read_config([]))
    assert there.runs == here.runs
    assert there.has_published
    assert here.published is not None
    assert here.published.table == "config/published_results.csv"  # an input must not change with the machine


def test_a_path_starts_at_the_folder_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.yaml"
    (tmp_path / "mine.csv").write_bytes((ROOT / "config/published_results.csv").read_bytes())
    mine.write_text("published: {table: mine.csv}\ndatasets: {digits: {local_dir: data}}\n")
    for folder, there in ((tmp_path, Path()), (ROOT, tmp_path.resolve())):
        monkeypatch.chdir(folder)
        experiment = read_experiment(mine)[1]
        assert experiment.published is not None
        assert experiment.published.table == str(there / "mine.csv")
        assert experiment.datasets["digits"]["local_dir"] == str(there / "data")


def test_a_config_of_the_working_directory_is_read_over_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("name: own\nexperiments: [{dataset: digits}]\n")
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    assert load_experiment(read_config([])).name == "own"
    experiment = read_experiment(tmp_path / "mine.yaml")[1]
    assert (experiment.name, experiment.runs[0].dataset) == ("mine", "digits")
    assert "experiments" not in read_config([], replace=True)


# --- the command line


def test_numbers_inside_a_value_of_config_may_be_texts() -> None:
    given = {"experiments": [{"dataset": "digits", "hidden_units": "7", "l2": "0.5", "train_size": "null"}]}
    (run,) = load_experiment(read_config([], given)).runs
    assert (run.hidden_units, run.l2, run.train_size) == (7, 0.5, None)
    for text in ("07", "7.5", "x", "1:30"):
        with pytest.raises(ConfigError, match=r"^experiments\[0\]\.hidden_units: found "):
            load_experiment(read_config([], {"experiments": [{"hidden_units": text}]}))
    with pytest.raises(ConfigError, match=r"^--config: datasets\.mnist: an empty mapping"):
        read_config([], {"datasets": {"mnist": {}}})


TWO_NAMES = "experiments=[{dataset: digits, name: 1, name: 2}]"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--configfile a --configfile b", "--configfile"),
        ("--configfile=a -n --configfiles b", "--configfile"),
        ("--config x=1 -C y=2", "--config"),
        ("-n -C name=a seconds=3 name=b --cores 1", "'name'"),
        (f"--config|{TWO_NAMES}", "'name'"),
        ("--configfile a b --config x=1 y=2", None),
        ("--config|name=a|x=010|y=[{a: 1}, {a: 2}]|--set-threads|name=3|name=4", None),
        ("--config=name=a|-n|z=: {|z=: {", None),
        ("--config base64//bmFtZT1h base64//bmFtZT1h", None),
    ],
)
def test_what_snakemake_would_forget_of_the_command_line_is_refused(arguments: str, named: str | None) -> None:
    given = arguments.split("|" if "|" in arguments else " ")
    if named is None:
        repeated_options(given)
    else:
        with pytest.raises(ConfigError, match=rf"^--config[^\n]*{named}[^\n]*$" if named[0] == "'" else f"^{named}: "):
            repeated_options(given)


# --- the registry, and a module


def test_of_a_module_s_files_only_its_own_part_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("other: {time: 1:30}\nnets: {experiments: [{dataset: digits}]}\n")
    whole = yaml.safe_load(path.read_text())
    below = keys_to(whole, whole["nets"])
    assert (below, keys_to(whole, {})) == (("nets",), None)
    config = complete_module_config(whole["nets"], [path], below, texts=False)
    assert load_experiment(config).runs[0].dataset == "digits"
    path.write_text("nets: {experiments: [{seed: 010}]}\n")
    with pytest.raises(ConfigError, match="010"):
        complete_module_config(whole["nets"], [path], below, texts=False)
    complete_module_config(whole["nets"], [path], None, texts=False)


def test_the_registry_completes_a_module_s_datasets() -> None:
    assert with_registry({"name": "mine"}, REGISTRY) == {"name": "mine", **REGISTRY}
    change = {"datasets": {"mnist": {"local_dir": "/data"}}}
    assert with_registry(change, REGISTRY) == merge(REGISTRY, change)
    entry = {"format": "idx", "train": 3}
    described = with_registry({"datasets": {"mnist": entry}}, REGISTRY)["datasets"]
    assert (described["mnist"], set(described)) == (entry, set(REGISTRY["datasets"]))
    # the order of an entry's keys is a param: another one would make the data again
    assert repr(with_registry(config_of(), REGISTRY)) == repr(config_of())


@pytest.mark.parametrize("datasets", [None, 3, ["mnist"], {"mnist": 3}])
def test_datasets_that_are_no_mapping_are_left_to_the_schema(datasets: Any) -> None:
    with pytest.raises(ConfigError, match=r"^datasets"):
        load_experiment(with_registry({"experiments": [{}], "datasets": datasets}, REGISTRY))
