"""The meaning of configurations, the merge of files, and one line for every mistake."""

import copy
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from handgrad.experiment.blocks import CLAUSES, Block
from handgrad.experiment.config import load_experiment, read_experiment
from handgrad.experiment.config_block_checks import MOST_RUNS
from handgrad.experiment.config_checks import RESERVED_NAMES
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import (
    MAX_BYTES,
    merge,
    read_config,
    read_config_file,
    read_module_config,
    require_options_once,
)
from handgrad.experiment.config_schema import SCHEMA_FILE, completed, config_schema
from handgrad.experiment.published import published_rows
from handgrad.experiment.runs import AXES, Run
from handgrad.experiment.yaml_reader import read_yaml

ROOT = Path(__file__).parents[2]
BLOCK_SCHEMA = config_schema()["properties"]["experiments"]["items"]["properties"]
CHECK_SCHEMA = config_schema()["properties"]["gradient_check"]["properties"]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def config_of(text: str = "", *files: str) -> dict[str, Any]:
    """Return the shipped configuration, merged with files of config/ and a YAML text."""
    return merge(read_config([Path(f"config/{name}.yaml") for name in files]), yaml.safe_load(text) or {})


# --- the shipped files


def test_config_yaml_is_the_published_72_runs_in_order() -> None:
    experiment, rows = load_experiment(config_of()), published_rows("config/published_results.csv")
    axes = ("dataset", "activation", "hidden_units", "learning_rate", "batch_size", "epochs", "l2")
    assert [[getattr(run, axis) for axis in axes] for run in experiment.runs] == [
        [row[x] for x in axes] for row in rows
    ]
    assert len(rows) == 72
    rest = {(run.dataset, run.pixels, run.batch_gradient, run.seed, run.init, run.dtype) for run in experiment.runs}
    always = (0, "published", "float32")
    assert rest == {("mnist", "unit", "sum", *always), ("cifar10", "raw", "mean", *always)}
    assert {(run.train_size, run.validation_size) for run in experiment.runs} == {(None, 0)}
    assert (experiment.name, experiment.gradient_check.name) == ("published", "hu_200_n_5_raw_eps_1e-05")
    assert experiment.published
    assert experiment.published.loss_divisor == {"mnist": 60000, "cifar10": 10000}


def test_the_other_shipped_files_train_what_they_say() -> None:
    published, five, improved, quick = (
        load_experiment(config_of("", *files)) for files in ([], ["reproduction"], ["improved"], ["quick"])
    )
    assert [e.name for e in (published, five, improved, quick)] == ["published", "reproduction", "improved", "quick"]
    assert [run for run in five.runs if run.seed == 0] == list(published.runs)
    assert set(five.runs) == {replace(run, seed=seed) for run in published.runs for seed in range(5)}
    for axis in ("dataset", "activation", "hidden_units", "batch_size", "epochs"):
        assert {getattr(run, axis) for run in improved.runs} == {getattr(run, axis) for run in published.runs}
    rest = {(run.validation_size, run.momentum, run.schedule, run.init) for run in improved.runs}
    assert rest == {(2500, 0.9, "cosine", "scaled")}
    assert {(run.dataset, run.activation) for run in quick.runs} == {("digits", a) for a in ("softplus", "tanh", "cos")}
    shown = [(e.has_published, e.has_published_dataset) for e in (published, five, improved, quick)]
    assert shown == [(True, True), (True, True), (False, True), (False, False)]


# --- the meaning of a configuration


def test_other_spellings_of_a_number_are_the_same_run() -> None:
    rates = "[0.001, 1e-3, 1.0e-3, 1E-3, +10.e-4, .1e-2, '0.001']"
    again = "{seed: [0, 0, '0'], l2: 0, train_size: [null, 'null']}"
    text = f"experiments: [{{learning_rate: {rates}, l2: [-0.0, 0, 0.0]}}, {again}]"
    config = config_of(text)  # Snakemake turns numbers inside a value of --config into texts
    before = copy.deepcopy(config)
    (run,) = load_experiment(config).runs
    assert config == before
    # absent axes get their defaults
    assert (run.dataset, run.name) == ("mnist", "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0_seed_0")
    kinds = {axis.name: axis.type for axis in fields(Run)}
    assert all(type(getattr(run, axis)) is kind for axis, kind in kinds.items() if kind in (int, float, str))


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


# --- the schema


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner, name in schema.get("required", ())
        if name == "exclude":  # has the axes again, without defaults
            continue
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
        assert required or Draft202012Validator(inner).is_valid(inner["default"]), path


def test_the_schema_says_what_runs_are_and_takes_no_unknown_key() -> None:
    text = SCHEMA_FILE.read_text()
    assert text.count("additionalProperties:") == text.count("type: object") + text.count("type: [object") >= 8
    Draft202012Validator(yaml.safe_load(text)).validate(config_of())  # valid for other tools too
    assert tuple(BLOCK_SCHEMA) == (*AXES, *CLAUSES)
    no_clauses = vars(Block(axes={}))
    assert all(BLOCK_SCHEMA[clause]["default"] == no_clauses[clause] for clause in CLAUSES)
    defaults = {axis.name: axis.default for axis in fields(Run) if axis.default is not MISSING}
    assert {axis: BLOCK_SCHEMA[axis]["default"] for axis in defaults} == defaults


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
def test_files_are_read_as_snakemake_reads_them(name: str) -> None:
    from snakemake.common.configfile import load_configfile

    assert read_config_file(f"config/{name}.yaml") == load_configfile(f"config/{name}.yaml")


def test_json_merge_keys_anchors_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text('{\n\t"name": "mine",\n\t"l2": [{}, 1e-3, "\\u00e9\\/\\t"]\n}', encoding="utf-8-sig")
    assert read_config_file(path) == {"name": "mine", "l2": [{}, "1e-3", "é/\t"]}
    path.write_text("a: &a {x: 1, y: 2}\nz: &z {z: 5}\nb: {<<: *a, <<: *z, x: 3}\n")
    assert read_config_file(path)["b"] == {"x": 3, "y": 2, "z": 5}
    path.write_text("x-common: &c {hidden_units: 7, epochs: 1}\nx-empty: {}\nexperiments: [{<<: *c, epochs: 2}]\n")
    (run,) = read_experiment(path)[1].runs
    assert (run.hidden_units, run.epochs) == (7, 2)


def test_a_configuration_is_the_same_in_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, here = tmp_path / "mine.yaml", load_experiment(read_config([]))
    (tmp_path / "mine.csv").write_bytes((ROOT / "config/published_results.csv").read_bytes())
    mine.write_text("published: {table: mine.csv}\ndatasets: {digits: {local_dir: data}}\n")
    for folder, there in ((ROOT, tmp_path.resolve()), (tmp_path, Path())):
        monkeypatch.chdir(folder)
        experiment = read_experiment(mine)[1]
        assert experiment.published
        assert experiment.published.table == str(there / "mine.csv")  # paths are relative to the folder of the file
        assert experiment.datasets["digits"]["local_dir"] == str(there / "data")
        assert load_experiment(read_config([])).runs == here.runs
    assert here.published
    assert here.published.table == "config/published_results.csv"  # an input path must not depend on the machine


def test_a_config_of_the_working_directory_is_read_over_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("name: own\nexperiments: [{dataset: digits}]\n")
    experiment = read_experiment(write(tmp_path, "name: mine\n"))[1]
    assert (experiment.name, experiment.runs[0].dataset) == ("mine", "digits")
    assert "experiments" not in read_config([], replace=True)


# --- the command line, and a module


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--configfile|a|--configfile|b", "--configfile: "),
        ("--configfile=a|-n|--configfiles|b", "--configfile: "),
        ("--config|x=1|-C|y=2", "--config: found 2 times"),
        ("-n|-C|name=a|seconds=3|name=b|--cores|1", "--config: .*'name'"),
        ("--config|experiments=[{dataset: digits, name: 1, name: 2}]", "--config: .*'name'"),
        ("--configfile|a|b|--config|x=1|y=2", None),
        ("--config|name=a|x=010|y=[{a: 1}, {a: 2}]|--set-threads|name=3|name=4", None),
        ("--config=name=a|-n|z=: {|z=: {", None),
        ("--config|base64//bmFtZT1h|base64//bmFtZT1h", None),
    ],
)
def test_what_snakemake_would_forget_of_the_command_line_is_refused(arguments: str, named: str | None) -> None:
    if named is None:
        require_options_once(arguments.split("|"))
    else:
        with pytest.raises(ConfigError, match=f"^{named}"):
            require_options_once(arguments.split("|"))


def test_words_of_a_command_line_are_true_false_and_null_where_they_are_meant() -> None:
    command_line = """
experiments: [{dataset: mnist, train_size: [null, 500]}]
published: {table: null}
datasets:
  mnist: {transpose: true, local_dir: null}
  iris: {header: False}
  digits: {class_names: ["true", "false", "2", "3", "4", "5", "6", "7", "8", "9"]}
  flowers: {format: image-folder, channels: 3, local_dir: a, files: {}}
"""
    texts = yaml.load(command_line, Loader=yaml.BaseLoader)  # noqa: S506, as Snakemake reads --config
    found = completed(read_config([], texts))
    assert [block["train_size"] for block in found["experiments"]] == [[None, 500]]
    assert found["published"]["table"] is None
    datasets = found["datasets"]
    assert (datasets["mnist"]["transpose"], datasets["mnist"]["local_dir"]) == (True, None)
    assert (datasets["iris"]["header"], datasets["flowers"]["channels"]) == (False, 3)
    assert datasets["digits"]["class_names"][:3] == ["true", "false", "2"]


def test_a_module_s_config_changes_the_registry_s_entries_and_not_their_order() -> None:
    change = {"datasets": {"mnist": {"local_dir": "/data"}}}
    assert read_module_config(change, None, []) == merge(read_config_file("config/datasets.yaml"), change)
    # the order of an entry's keys is part of a param: a different order would rerun the preprocessing
    assert repr(read_module_config(config_of(), None, [])["datasets"]) == repr(config_of()["datasets"])


# --- mistakes

BIG = ", ".join(map(str, range(1, 400)))
SIZE = "a whole number, at least 1, at most 1000000"
POSITIVE = "a number, greater than 0"
FILE = "{name: a, size: 1, sha256: " + "ab" * 32 + "}"
FACTS = "format: sklearn-digits, train: 1, test: 1, image_shape: [2, 2], class_names: [a, b]"


def block(axes: str) -> str:
    return f"experiments: [{{}}, {{{axes}}}]"


def mnist(facts: str) -> str:
    return f"datasets: {{mnist: {{{facts}}}}}"


def mnist_file(facts: str) -> str:
    return mnist(f"files: {{train_images: {{{facts}}}}}")


#: value in the file -> value in the message
NO_SIZES = {
    **{"-5": "-5", "0": "0", "1.5": "1.5", "100.0": "100.0", "1e2": "100.0", "'0100'": "'0100'", "many": "'many'"},
    **{"true": "true", "5000000": "5000000", "null": "null", "60 000": "'60 000'"},
}
NO_RATES = {
    **{"0": "0", "-1e-3": "-0.001", "'0,01'": "'0,01'", "1_0e1": "'1_0e1'", ".nan": ".nan", ".inf": ".inf", "": "null"},
    **{"true": "true", "1e999": ".inf", "10^-3": "'10^-3'", f"1{'0' * 400}": "1000"},
}
NO_NAMES = {
    **{"../x": "'../x'", "a;b": "'a;b'", "$HOME": "'$HOME'", '"ab\\n"': "'ab\\n'", "..": "'..'"},
    **{"-rf": "'-rf'", '""': "''", "a" * 65: "'aaa", "": "null"},
}
#: values that YAML 1.1 misreads
MISREAD = ("0100", "-0100", "1:30", "1:30.5", "0x1F", "0b11", "1_000", "1_0.5", "yes", "No", "on", "OFF", "~")
MISREAD += ("2026-11-25", "2026-13-45")

#: a text -> the number that it means
NUMBERS = {"60 000": 60000, "1'437": 1437, "08": 8, "1 437 000": 1437000}
LISTS = [
    ("learning_rate", "0.1, 0.01", "[0.1, 0.01]"),
    ("learning_rate", "[0.1, 1e-2]", "[0.1, 1e-2]"),
    ("seed", "0,1,2", "[0, 1, 2]"),
    ("hidden_units", "50 75", "[50, 75]"),
    ("activation", "tanh, cos", "[tanh, cos]"),
    ("dataset", "digits, iris", "[digits, iris]"),
]
#: an experiment file, the start of the message after the file name, and other texts that the message must contain
MISTAKES: list[tuple[str, str, tuple[str, ...]]] = [
    # keys
    ("foo: 1", "foo: unknown key", ("experiments", "published")),
    ("experimnets: []", "experimnets: unknown key", ("did you mean experiments?",)),
    (block("learning_rat: 1"), "experiments[1].learning_rat: unknown key", ("did you mean learning_rate?",)),
    (block("lr: 1"), "experiments[1].lr: unknown key", ("did you mean learning_rate?",)),
    (block("hidden-units: 1"), "experiments[1].hidden-units: unknown key", ("did you mean hidden_units?",)),
    ("gradient_check: {hiden_units: 5}", "gradient_check.hiden_units: unknown key", ("did you mean hidden_units?",)),
    (mnist_file("miror: x"), "datasets.mnist.files.train_images.miror: unknown key", ("did you mean mirrors?",)),
    ('"a\\nb": 1', "'a\\nb': unknown key", ()),
    (block("a b: 1"), "experiments[1].'a b': unknown key", ()),
    (block("hidden_units: {a: 1}"), "experiments[1].hidden_units.a: unknown key", ("int_uniform, choice",)),
    ("dataset: mnist", "dataset: unknown key at the top level", ("in an entry of experiments",)),
    ("5: 1", "line 1: found the key 5", ("quotes",)),
    ("no: 1", "line 1: found the key no", ("false", "quotes")),
    ("datasets:\n  2026: {local_dir: x}", "line 2: found the key 2026", ("'2026'", "quotes")),
    ("a: 1\nb:\n  c: 1\n  c: 2", "line 4: the key 'c' is given again", ("line 3",)),
    # unknown names
    (block("dataset: [mnist, mnits]"), "experiments[1].dataset: found 'mnits'", ("cifar10", "did you mean mnist?")),
    (block("activation: [TANH]"), "experiments[1].activation[0]: found 'TANH'", ("softplus", "did you mean tanh?")),
    (block("init: zeros"), "experiments[1].init: found 'zeros'", ("published, scaled",)),
    (block("dtype: [float32, float16]"), "experiments[1].dtype[1]: found 'float16'", ("did you mean float64?",)),
    (block("activation: null"), "experiments[1].activation: found null", ("softplus",)),
    (mnist("format: ixd"), "datasets.mnist.format: found 'ixd'", ("did you mean idx?",)),
    ("published: {loss_divisor: {mnits: 5}}", "published.loss_divisor: found 'mnits'", ("did you mean mnist?",)),
    # numbers
    *[(block(f"hidden_units: {x}"), "experiments[1].hidden_units: found ", (SIZE, y)) for x, y in NO_SIZES.items()],
    *[
        (f"experiments:\n- {{}}\n- learning_rate: {text}", "experiments[1].learning_rate: found ", (POSITIVE, shown))
        for text, shown in NO_RATES.items()
    ],
    *[(f"experiments: [{{}}]\nname: {x}", f"line 2: found {x}, which YAML 1.1", (f"'{x}'",)) for x in MISREAD],
    (block("momentum: [0, 0.9, 1]"), "experiments[1].momentum[2]: found 1", ("from 0 to below 1",)),
    (block("l2: .nan"), "experiments[1].l2: found .nan", ("at least 0",)),
    (block("seed: -1"), "experiments[1].seed: found -1", ("at most 4294967295",)),
    (block("train_size: 0"), "experiments[1].train_size: found 0", ("a whole number or null, at least 1",)),
    ("checkpoint_seconds: 0", "checkpoint_seconds: found 0", (POSITIVE,)),
    # what people write instead of a number or a list
    *[
        (block(f"train_size: {x}"), f"experiments[1].train_size: found {x!r}", (f"write {y}",))
        for x, y in NUMBERS.items()
    ],
    *[(block(f"{axis}: '{x}'"), f"experiments[1].{axis}", (f"write {y} for a list",)) for axis, x, y in LISTS],
    (block("train_size: 1e3"), "experiments[1].train_size: found 1000.0", ("write 1000, without",)),
    (block("learning_rate: '0,01'"), "experiments[1].learning_rate", ("; write 0.01",)),
    (block("learning_rate: '0,1'"), "experiments[1].learning_rate", ("; write 0.1, or [0, 1] for a list",)),
    (block("hidden_units: '100,200'"), "experiments[1].hidden_units", ("; write 100200, or [100, 200] for a list",)),
    (block("learning_rate: [0.1 0.01]"), "experiments[1].learning_rate[0]: ", ("write [0.1, 0.01] for a list",)),
    (block("learning_rate: 0.1, 0.01"), "line 1: found the key 0.01", ("write [0.1, 0.01] for a list",)),
    (block("train_size: 60,000"), "line 1: found the key 000", ("; write 60000",)),
    (
        block("activation: tanh, cos"),
        "experiments[1].cos: unknown key",
        ("activation, write [tanh, cos]",),
    ),
    (mnist("image_shape: 28 x 28"), "datasets.mnist.image_shape: found '28 x 28'", ("a list",)),
    (mnist("image_shape: 28 28"), "datasets.mnist.image_shape: found '28 28'", ("write [28, 28] for a list",)),
    ("name: 2026-11-25", "line 1: found 2026-11-25", ("write '2026-11-25' in quotes",)),
    (block("seed: 010"), "line 1: found 010, which YAML 1.1 reads as 8", ("write 10 if you mean that",)),
    # lists and mappings
    (block("hidden_units: []"), "experiments[1].hidden_units: found []", ("a list", "at least 1")),
    (block("hidden_units: [[1, 2]]"), "experiments[1].hidden_units[0]: found [1, 2]", (SIZE,)),
    ("experiments: []", "experiments: found []", ("a list",)),
    ("experiments:", "experiments: found null", ("a list",)),
    ("experiments: {dataset: mnist}", "experiments: found {'dataset': 'mnist'}", ("a list",)),
    ("experiments: [dataset:mnist]", "experiments[0]: found 'dataset:mnist'", ("a mapping",)),
    ("published:", "published: found null", ("a mapping", "table: null")),
    ("datasets: []", "datasets: found []", ("a mapping",)),
    ("datasets: {digits: null}", "datasets.digits: found null", ("a mapping",)),
    ("datasets: {mnist: {}}", "line 1: mnist: an empty mapping", ()),
    ("experiments: {}", "line 1: experiments: an empty mapping", ()),
    ("[1]", "found [1]", ("keys with values",)),
    ("", "found null", ("keys with values",)),
    (block(f"seed: [{BIG}], epochs: [{BIG}]"), f"experiments[1]: spans {399 * 399} runs", (str(MOST_RUNS),)),
    # impossible sizes
    (block("dataset: digits, batch_size: [9, 1438]"), "experiments[1].batch_size: found 1438", ("1437", "digits")),
    (block("train_size: 50, batch_size: 51"), "experiments[1].batch_size: found 51", ("at most 50",)),
    (block("dataset: digits, validation_size: 1400"), "experiments[1].batch_size: found 100", ("37", "1400")),
    (block("validation_size: 60000"), "experiments[1].validation_size: found 60000", ("59999", "mnist")),
    (block("train_size: [null, 60001]"), "experiments[1].train_size: found 60001", ("at most 60000",)),
    (block("train_size: 50000, validation_size: 20000"), "experiments[1].train_size: found 50000", ("40000", "20000")),
    ("gradient_check: {epsilon: 0}", "gradient_check.epsilon: found 0", ("1e-9 to 0.01",)),
    ("gradient_check: {epsilon: 1.0e+300}", "gradient_check.epsilon: found 1e+300", ("1e-9 to 0.01",)),
    ("gradient_check: {epsilon: 0.0002}", "gradient_check.epsilon: found 0.0002", ("255", "0.0001")),
    ("gradient_check: {epsilon: 0.004, pixels: standardize}", "gradient_check.epsilon: found 0.004", ("10", "0.003")),
    # names of experiments
    *[(f"name: {text}", "name: found ", ("begins with a letter or digit", shown)) for text, shown in NO_NAMES.items()],
    ("name: 2026", "name: found 2026", ("quotes",)),
    *[(f"name: {name}", f"name: found '{name}'", ("all experiments share",)) for name in (*RESERVED_NAMES, "Logs")],
    # files that the experiment names
    ("published: {table: nowhere.csv}", "published.table: ", ("nowhere.csv", "No such file")),
    ("published: {table: /dev/zero}", "published.table: /dev/zero: not a file", ()),
    ("published: {table: mine.yaml}", "published.table: ", ("mine.yaml", "published: {table", "hidden_units")),
    ('published: {table: "a\\0b"}', "published.table: ", ("a\\x00b",)),
    ('published: {table: "a\\nb"}', "published.table: ", ("No such file",)),
    ('published: {table: "/data/{x}.csv"}', "published.table: found '/data/{x}.csv'", ("without {, }",)),
    ('published: {table: ""}', "published.table: found ''", ("without {, }",)),
    ("published: {loss_divisor: {mnist: 0}}", "published.loss_divisor.mnist: found 0", (POSITIVE,)),
    # the registry
    ("datasets: {mnits: {local_dir: /tmp}}", "datasets.mnits: lacks format", ("files", "did you mean mnist?")),
    (mnist("files: {x: {size: 1}}"), "datasets.mnist.files.x: lacks name, sha256", ()),
    (mnist("local_dir: /data/<results>"), "datasets.mnist.local_dir: found '/data/<results>'", ("a <word>",)),
    ("datasets: {fashion_mnist: {train: 1.5}}", "datasets.fashion_mnist.train: found 1.5", ("a whole number",)),
    (mnist("image_shape: [784]"), "datasets.mnist.image_shape: found [784]", ("two or three sizes",)),
    (mnist("largest: 256"), "datasets.mnist.largest: found 256", ("at most 255",)),
    (mnist("class_names: [a, b, a]"), "datasets.mnist.class_names: found ['a', 'b', 'a']", ("different names",)),
    (mnist('class_names: [a, "b\\n"]'), "datasets.mnist.class_names[1]: found 'b\\n'", ("one line",)),
    (mnist("class_names: [0, b]"), "datasets.mnist.class_names[0]: found 0", ("quotes",)),
    (f"datasets: {{digits: {{files: {{tabel: {FILE}}}}}}}", "datasets.digits.files: found ", ("did you mean table?",)),
    *[
        (f"datasets: {{{name}: {{{FACTS}, files: {{table: {FILE}}}}}}}", "datasets: found the key ", ("at most 64",))
        for name in ("my/data", "my data", "-rf", "..", "a;b", '"x\\n"')
    ],
    ("datasets: {digits: {format: idx}}", "datasets.digits.files: found ['table']", ("train_images", "idx")),
    (mnist("layout: NHW"), "datasets.mnist.layout: found 'NHW', expected only for arrays", ()),
    (mnist("arrays: {train_x: a}"), "datasets.mnist.arrays: found {'train_x': 'a'", ("only for arrays",)),
    (mnist("labels: fine"), "datasets.mnist.labels: found 'fine', expected only for cifar-binary", ()),
    ("datasets: {digits: {transpose: false}}", "datasets.digits.transpose: found false", ("only for idx",)),
    ("datasets: {iris: {label_offset: 0}}", "datasets.iris.label_offset: found 0, expected only for idx", ()),
    (mnist("layout: NWH"), "datasets.mnist.layout: found 'NWH'", ("NHWC",)),
    (mnist("labels: course"), "datasets.mnist.labels: found 'course'", ("coarse",)),
    (mnist("label_offset: -1"), "datasets.mnist.label_offset: found -1", ("at least 0",)),
    (mnist("transpose: 1"), "datasets.mnist.transpose: found 1", ("true or false",)),
    (mnist("arrays: {x_train: a}"), "datasets.mnist.arrays.x_train: unknown key", ("train_x",)),
    ("datasets: {iris: {test: 1.5}}", "datasets.iris.test: found 1.5", ("a share between 0 and 1",)),
    ("datasets: {iris: {inputs: null}}", "datasets.iris: lacks image_shape or inputs", ("data add --update iris",)),
    ("datasets: {iris: {files: {data: " + FILE + "}}}", "datasets.iris.files: found ['table', 'data']", ("table",)),
    (mnist_file("mirrors: [ftp://a/b]"), "datasets.mnist.files.train_images.mirrors[0]: found 'ftp", ("http://",)),
    (mnist_file("mirrors: []"), "datasets.mnist.files.train_images.mirrors: found []", ("local_dir",)),
    (mnist_file("sha256: ABC"), "datasets.mnist.files.train_images.sha256: found 'ABC'", ("64 digits",)),
    (mnist_file("name: a/b"), "datasets.mnist.files.train_images.name: found 'a/b'", ("without",)),
    (mnist_file("name: " + "a" * 201), "datasets.mnist.files.train_images.name: found 'aa", ("200",)),
    (mnist_file("size: 0"), "datasets.mnist.files.train_images.size: found 0", ("at least 1",)),
    # not YAML
    ("name: a\nexperiments: [1, 2\n", "line 3: not YAML", ()),
    ("name: a\n  b: c\n", "line 2: not YAML", ()),
    ("a:\n\tb: 1\n", "line 2: not YAML", ("not tabs",)),
    ("a: &x 1\nb: *y\n", "line 2: not YAML", ()),
    ("a: !!python/object:os.system 1\n", "line 1: not YAML", ("os.system",)),
    ("a: !!int [1]\n", "line 1: not YAML", ()),
    ("? [1]\n: 2\n", "line 1: not YAML", ()),
    ("a: 1\n---\nb: 1\n", "line 2: not YAML", ("document",)),
    ("a: \x07\n", "not YAML", ()),
    ('{"name": "a", "experiments": [{"seed": 1, "seed": 2}]}', "line 1: the key 'seed' is given again", ()),
    # files that would take too long to read
    ("a: &a [*a]", "line 1: not YAML", ("aliases repeat",)),
    ("a: &a {b: *a}", "line 1: not YAML", ("aliases repeat",)),
    ("\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9 * (i > 0))}]" for i in range(9)), "line 7: not YAML", ()),
    ("a: " + "[" * 5000 + "]" * 5000, "line 1: not YAML", ("deeper",)),
    ("\n".join(" " * i + "a:" for i in range(1000)), "line 51: not YAML", ("deeper",)),
    ('{"a": ' + "[" * 60 + "]" * 60 + "}", "line 1: not YAML", ("deeper",)),
    ("seed: 1" + "0" * 5000, "not YAML", ("digits",)),
    ("# " + "x" * MAX_BYTES, "more than the", (f"{MAX_BYTES:,}",)),
]


def refused(path: Path) -> list[str]:
    """Return the messages for an experiment file, without the file name at their start."""
    with pytest.raises(ConfigError) as caught:
        read_experiment(path)
    assert str(caught.value).splitlines() == list(caught.value.mistakes)
    assert all(line.startswith(f"{path}: ") and line.isprintable() for line in caught.value.mistakes)
    return [line.removeprefix(f"{path}: ") for line in caught.value.mistakes]


def write(folder: Path, text: str) -> Path:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return folder / "mine.yaml"


@pytest.mark.parametrize(("text", "start", "named"), [pytest.param(*case, id=case[0][:40]) for case in MISTAKES])
def test_a_mistake_is_one_line_that_names_it(tmp_path: Path, text: str, start: str, named: tuple[str, ...]) -> None:
    (line,) = refused(write(tmp_path, text))
    assert line.startswith(start)
    assert [part for part in named if part not in line] == []
    assert len(line) < 600


@pytest.mark.parametrize("text", ["0", "-1", "+1", "1.5", ".5", "1.", "0.5e-3", "1.0e+5", "true", "null", ""])
def test_plain_numbers_and_words_are_read_as_they_are(text: str) -> None:
    assert read_yaml(f"a: {text}") == (yaml.safe_load(f"a: {text}"), [])


def test_only_regular_files_of_text_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert "not a file" in refused(path)[0]
    assert "No such file" in refused(tmp_path / "mine.yaml")[0]
    (tmp_path / "mine.yaml").write_bytes(b"a: \xe4\n")
    assert "utf-8" in refused(tmp_path / "mine.yaml")[0]


def test_every_mistake_is_named_not_the_first_alone(tmp_path: Path) -> None:
    text = """
name: a/b
oops: 1
experiments: [{hidden_units: 0, learning_rate: [0.1, -1, x]}, {activation: step}]
datasets: {digist: {train: 5}}
"""
    schema = ["name", "oops", "experiments[0].hidden_units", "experiments[0].learning_rate[1]"]
    schema += ["experiments[0].learning_rate[2]", "experiments[1].activation", "datasets.digist"]
    assert sorted(line.split(": ")[0] for line in refused(write(tmp_path, text))) == sorted(schema)
    text = "name: data\nexperiments: [{dataset: x}, {batch_size: 70000}]\npublished: {table: nowhere.csv}"
    found = [line.split(": ")[0] for line in refused(write(tmp_path, text))]
    assert found == ["name", "experiments[0].dataset", "experiments[1].batch_size", "published.table"]


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(leaf, inner, max_size=2))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


WHOLE = read_config([])
PLACES = list(_places(WHOLE))


@settings(max_examples=50)
@given(st.sampled_from(PLACES), anything)
@example(("datasets", "cifar10", "train"), None)
def test_nothing_that_yaml_can_say_ends_in_anything_but_lines(place: tuple[Any, ...], value: Any) -> None:
    config: Any = copy.deepcopy(WHOLE)
    holder = config
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    with suppress(ConfigError):  # the tests above check its messages
        load_experiment(config)


# --- files of a dataset


def test_every_file_that_local_dir_lacks_is_named(tmp_path: Path) -> None:
    config = read_config([], {"datasets": {"mnist": {"local_dir": str(tmp_path)}, "digits": {"local_dir": "/nowhere"}}})
    files = config["datasets"]["mnist"]["files"].values()
    good, short, other, _ = (tmp_path / file["name"] for file in files)
    content = b"the right file"
    good.write_bytes(content)
    next(iter(files)).update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    short.write_bytes(b"12345")
    other.write_bytes(bytes([*files][2]["size"]))
    with pytest.raises(ConfigError) as caught:  # no mistake for digits, which this experiment does not use
        load_experiment(config)
    named = zip(caught.value.mistakes, [*files][1:], ("5 bytes", "sha256", "no such file"), strict=True)
    for line, entry, reason in named:
        assert line.startswith(f"datasets.mnist: {tmp_path}/{entry['name']}: ")
        assert reason in line


def test_a_dataset_of_the_table_and_the_experiment_needs_its_divisor() -> None:
    config = read_config([])
    del config["published"]["loss_divisor"]["mnist"]
    with pytest.raises(ConfigError, match=r"^published\.loss_divisor\.mnist: missing"):
        load_experiment(config)
    load_experiment({**config, "experiments": [{"dataset": "digits"}]})
