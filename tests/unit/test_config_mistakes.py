"""Every mistake in an experiment file is one line: the file, the key or the line, what was found, what was expected."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_checks import MOST_RUNS, RESERVED_NAMES, TEMPORARY
from handgrad.experiment.config_errors import ConfigError, did_you_mean, key_path, show
from handgrad.experiment.config_files import MAX_BYTES, read_config_file
from handgrad.experiment.experiment_file import read_config, read_experiment
from handgrad.experiment.yaml_reader import read_yaml

ROOT = Path(__file__).parents[2]
BIG = ", ".join(map(str, range(1, 400)))
SIZE = "a whole number, at least 1, at most 1000000"
POSITIVE = "a number, greater than 0"
PATH = "without {, } and a <word>"
ENTRY = "digits: {files: {tabel: {name: a, size: 1, sha256: " + "ab" * 32 + "}}}"


def block(axes: str) -> str:
    return f"experiments: [{{}}, {{{axes}}}]"


def mnist(facts: str) -> str:
    return f"datasets: {{mnist: {{{facts}}}}}"


def mnist_file(facts: str) -> str:
    return mnist(f"files: {{train_images: {{{facts}}}}}")


#: values as they are written, and as a message shows them
NO_SIZES = {
    **{"-5": "-5", "0": "0", "1.5": "1.5", "100.0": "100.0", "1e2": "100.0", "'100'": "'100'", "many": "'many'"},
    **{"true": "true", "5000000": "5000000", "null": "null", "60 000": "'60 000'", "{a: 1}": "{'a': 1}"},
}
NO_RATES = {
    **{"0": "0", "-1e-3": "-0.001", "'0.01'": "'0.01'", "0,5": "'0,5'", ".nan": ".nan", ".inf": ".inf", "": "null"},
    **{"true": "true", "1e999": "'1e999'", "10^-3": "'10^-3'", f"1{'0' * 400}": "1000"},
}
NO_NAMES = {
    **{"../x": "'../x'", "a;b": "'a;b'", "a b": "'a b'", "$HOME": "'$HOME'", '"ab\\n"': "'ab\\n'", "..": "'..'"},
    **{"-rf": "'-rf'", '""': "''", "a" * 65: "'aaa", "": "null"},
}

#: an experiment file, how its line begins after the file, and what else the line must name
MISTAKES: list[tuple[str, str, tuple[str, ...]]] = [
    # keys
    ("foo: 1", "foo: unknown key", ("experiments", "published")),
    ("experimnets: []", "experimnets: unknown key", ("did you mean experiments?",)),
    (block("learning_rat: 1"), "experiments[1].learning_rat: unknown key", ("did you mean learning_rate?",)),
    (block("lr: 1"), "experiments[1].lr: unknown key", ("did you mean learning_rate?",)),
    (block("hidden-units: 1"), "experiments[1].hidden-units: unknown key", ("did you mean hidden_units?",)),
    ("gradient_check: {hiden_units: 5}", "gradient_check.hiden_units: unknown key", ("did you mean hidden_units?",)),
    (mnist("localdir: x"), "datasets.mnist.localdir: unknown key", ("did you mean local_dir?",)),
    (mnist_file("miror: x"), "datasets.mnist.files.train_images.miror: unknown key", ("did you mean mirrors?",)),
    ("my key: 1", "'my key': unknown key", ()),
    ('"a\\nb": 1', "'a\\nb': unknown key", ()),
    ("dataset: mnist", "dataset: unknown key", ("belongs in an entry of experiments",)),
    ("epsilon: 1.0e-5", "epsilon: unknown key", ("belongs in gradient_check",)),
    ("table: a.csv", "table: unknown key", ("belongs in published",)),
    (block("name: x"), "experiments[1].name: unknown key", ("the top of the file",)),
    ("5: 1", "line 1: found the key 5", ("quotes",)),
    ("no: 1", "line 1: found the key no", ("false", "quotes")),
    ("datasets:\n  2026: {local_dir: x}", "line 2: found the key 2026", ("'2026'", "quotes")),
    ("a: 1\nb:\n  c: 1\n  c: 2", "line 4: the key 'c' is given again", ("line 3",)),
    # names that must be known
    (block("dataset: [mnist, mnits]"), "experiments[1].dataset: found 'mnits'", ("cifar10", "did you mean mnist?")),
    (block("activation: step"), "experiments[1].activation: found 'step'", ("one of softplus, tanh, cos",)),
    (block("activation: [TANH]"), "experiments[1].activation[0]: found 'TANH'", ("did you mean tanh?",)),
    (block("init: zeros"), "experiments[1].init: found 'zeros'", ("published, scaled",)),
    (block("pixels: uint"), "experiments[1].pixels: found 'uint'", ("did you mean unit?",)),
    (block("dtype: [float32, float16]"), "experiments[1].dtype[1]: found 'float16'", ("did you mean float64?",)),
    (block("schedule: cosin"), "experiments[1].schedule: found 'cosin'", ("did you mean cosine?",)),
    (block("batch_gradient: avg"), "experiments[1].batch_gradient: found 'avg'", ("sum, mean",)),
    (block("activation: null"), "experiments[1].activation: found null", ("softplus",)),
    (mnist("format: ixd"), "datasets.mnist.format: found 'ixd'", ("did you mean idx?",)),
    ("published: {loss_divisor: {mnits: 5}}", "published.loss_divisor: found 'mnits'", ("did you mean mnist?",)),
    # numbers
    *[
        (block(f"hidden_units: {text}"), "experiments[1].hidden_units: found ", (SIZE, shown))
        for text, shown in NO_SIZES.items()
    ],
    *[
        (f"experiments:\n- {{}}\n- learning_rate: {text}", "experiments[1].learning_rate: found ", (POSITIVE, shown))
        for text, shown in NO_RATES.items()
    ],
    (block("momentum: [0, 0.9, 1]"), "experiments[1].momentum[2]: found 1", ("from 0 to below 1",)),
    (block("l2: .nan"), "experiments[1].l2: found .nan", ("at least 0",)),
    (block("seed: -1"), "experiments[1].seed: found -1", ("at most 4294967295",)),
    (block("train_size: 0"), "experiments[1].train_size: found 0", ("a whole number or null, at least 1",)),
    ("checkpoint_seconds: 0", "checkpoint_seconds: found 0", (POSITIVE,)),
    # lists and mappings
    (block("hidden_units: []"), "experiments[1].hidden_units: found []", ("a list", "at least 1")),
    (block("hidden_units: [[1, 2]]"), "experiments[1].hidden_units[0]: found [1, 2]", (SIZE,)),
    ("experiments: []", "experiments: found []", ("a list",)),
    ("experiments:", "experiments: found null", ("a list",)),
    ("experiments: {dataset: mnist}", "experiments: found {'dataset': 'mnist'}", ("a list",)),
    ("experiments: [dataset:mnist]", "experiments[0]: found 'dataset:mnist'", ("a mapping",)),
    ("gradient_check:", "gradient_check: found null", ("a mapping",)),
    ("published:", "published: found null", ("a mapping", "table: null")),
    ("datasets: []", "datasets: found []", ("a mapping",)),
    ("datasets: {digits: null}", "datasets.digits: found null", ("a mapping",)),
    ("published: {}", "published: an empty mapping", ()),
    ("datasets: {mnist: {}}", "datasets.mnist: an empty mapping", ()),
    ("experiments: {}", "experiments: an empty mapping", ()),
    ("[1]", "found [1]", ("keys with values",)),
    ("", "found null", ("keys with values",)),
    (block(f"seed: [{BIG}], epochs: [{BIG}]"), f"experiments[1]: spans {399 * 399} runs", (str(MOST_RUNS),)),
    # sizes that do not fit
    (block("dataset: digits, batch_size: [9, 1438]"), "experiments[1].batch_size: found 1438", ("1437", "digits")),
    (
        block("train_size: 50, validation_size: 9, batch_size: 51"),
        "experiments[1].batch_size: found 51",
        ("at most 50",),
    ),
    (block("dataset: digits, validation_size: 1400"), "experiments[1].batch_size: found 100", ("37", "1400")),
    (block("validation_size: 60000"), "experiments[1].validation_size: found 60000", ("59999", "mnist")),
    (block("train_size: [null, 60001]"), "experiments[1].train_size: found 60001", ("at most 60000",)),
    (block("train_size: 50000, validation_size: 20000"), "experiments[1].train_size: found 50000", ("40000", "20000")),
    ("gradient_check: {examples: 50001}", "gradient_check.examples: found 50001", ("50000",)),
    *[
        (f"gradient_check: {{epsilon: {text}}}", f"gradient_check.epsilon: found {found}", ("1e-9 to 0.01",))
        for text, found in [("0", "0"), ("1.0e+300", "1e+300"), ("1.0e-13", "1e-13")]
    ],
    ("gradient_check: {epsilon: 0.0002}", "gradient_check.epsilon: found 0.0002", ("255",)),
    ("gradient_check: {epsilon: 0.004, pixels: standardize}", "gradient_check.epsilon: found 0.004", ("10", "0.003")),
    ("gradient_check: {epsilon: 0.01, pixels: raw}", "gradient_check.epsilon: found 0.01", ("255", "0.0001")),
    ("gradient_check: {pixels: [raw, unit]}", "gradient_check.pixels: found ['raw', 'unit']", ("raw, unit",)),
    # names of experiments
    *[(f"name: {text}", "name: found ", ("begins with a letter or digit", shown)) for text, shown in NO_NAMES.items()],
    ("name: 2026", "name: found 2026", ("quotes",)),
    *[(f"name: {name}", f"name: found '{name}'", ("all experiments share",)) for name in (*RESERVED_NAMES, "Logs")],
    # files that the experiment names
    ("published: {table: nowhere.csv}", "published.table: ", ("nowhere.csv", "No such file")),
    ("published: {table: /}", "published.table: ", ("/: not a file",)),
    ("published: {table: mine.yaml}", "published.table: ", ("mine.yaml", "published: {table", "hidden_units")),
    ('published: {table: "a\\0b"}', "published.table: ", ("a\\x00b",)),
    ('published: {table: "a\\nb"}', "published.table: ", ("No such file",)),
    ('published: {table: "/data/{x}.csv"}', "published.table: found '/data/{x}.csv'", (PATH,)),
    ("published: {table: 5}", "published.table: found 5", ("quotes",)),
    ('published: {table: ""}', "published.table: found ''", (PATH,)),
    ("published: {loss_divisor: {mnist: 0}}", "published.loss_divisor.mnist: found 0", (POSITIVE,)),
    # the registry
    ("datasets: {mnits: {local_dir: /tmp}}", "datasets.mnits: lacks format", ("files", "did you mean mnist?")),
    (mnist("files: {x: {size: 1}}"), "datasets.mnist.files.x: lacks name, sha256", ()),
    (mnist('local_dir: ""'), "datasets.mnist.local_dir: found ''", (PATH,)),
    (mnist('local_dir: "/data/{mnist}"'), "datasets.mnist.local_dir: found '/data/{mnist}'", (PATH,)),
    (mnist("local_dir: /data/<results>"), "datasets.mnist.local_dir: found '/data/<results>'", (PATH,)),
    ("datasets: {digits: {local_dir: '/{x}'}}", "datasets.digits.local_dir: found '/{x}'", (PATH,)),
    ("datasets: {fashion_mnist: {train: 1.5}}", "datasets.fashion_mnist.train: found 1.5", ("a whole number",)),
    (mnist("image_shape: [784]"), "datasets.mnist.image_shape: found [784]", ("two or three sizes",)),
    (mnist("largest: 256"), "datasets.mnist.largest: found 256", ("at most 255",)),
    (mnist("class_names: [a, b, a]"), "datasets.mnist.class_names: found ['a', 'b', 'a']", ("different names",)),
    (mnist('class_names: [a, "b\\n"]'), "datasets.mnist.class_names[1]: found 'b\\n'", ("one line",)),
    (mnist("class_names: [0, b]"), "datasets.mnist.class_names[0]: found 0", ("quotes",)),
    (f"datasets: {{{ENTRY}}}", "datasets.digits.files: found ", ("'tabel'", "did you mean table?")),
    ("datasets: {digits: {format: idx}}", "datasets.digits.files: found ['table']", ("train_images", "idx")),
    (mnist_file("mirrors: [ftp://a/b]"), "datasets.mnist.files.train_images.mirrors[0]: found 'ftp", ("http://",)),
    (mnist_file("mirrors: []"), "datasets.mnist.files.train_images.mirrors: found []", ("local_dir",)),
    (mnist_file("mirrors: http://a/b"), "datasets.mnist.files.train_images.mirrors: found 'http", ("a list",)),
    (mnist_file("sha256: ABC"), "datasets.mnist.files.train_images.sha256: found 'ABC'", ("64 digits",)),
    (mnist_file("name: a/b"), "datasets.mnist.files.train_images.name: found 'a/b'", ("without folders",)),
    (mnist_file('name: "{x}.gz"'), "datasets.mnist.files.train_images.name: found '{x}.gz'", ("without folders",)),
    (mnist_file("size: 0"), "datasets.mnist.files.train_images.size: found 0", ("at least 1",)),
    # what is not YAML
    ("name: a\nexperiments: [1, 2\n", "line 3: not YAML", ()),
    ("name: a\n  b: c\n", "line 2: not YAML", ()),
    ("a:\n\tb: 1\n", "line 2: not YAML", ("not tabs",)),
    ("a: &x 1\nb: *y\n", "line 2: not YAML", ()),
    ("a: !!python/object:os.system 1\n", "line 1: not YAML", ("os.system",)),
    ("? [1]\n: 2\n", "line 1: not YAML", ()),
    ("a: 1\n---\nb: 1\n", "line 2: not YAML", ("document",)),
    ("a: \x07\n", "not YAML", ()),
    ('{"name": "a", "experiments": [{"seed": 1, "seed": 2}]}', "line 1: the key 'seed' is given again", ()),
    # what would take for ever
    ("a: &a [*a]", "line 1: not YAML", ("repeats itself",)),
    ("a: &a {b: *a}", "line 1: not YAML", ("repeats itself",)),
    ("a: " + "[" * 5000 + "]" * 5000, "line 1: not YAML", ("deeper",)),
    ("\n".join(" " * i + "a:" for i in range(1000)), "line 50: not YAML", ("deeper",)),
    ('{"a": ' + "[" * 60 + "]" * 60 + "}", "line 1: not YAML", ("deeper",)),
    ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "line 1: not YAML", ("deeper",)),
    ("seed: 1" + "0" * 5000, "not YAML", ("digits",)),
]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def refused(path: Path) -> list[str]:
    """The lines with which an experiment file is refused, without the file that each begins with."""
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


@pytest.mark.parametrize("text", ["0100", "-0100", "1:30", "1:30.5", "0x1F", "0b11", "1_000", "1_0.5"])
@pytest.mark.parametrize("quote", ["", "'"])
def test_numbers_that_yaml_reads_otherwise_are_refused(tmp_path: Path, text: str, quote: str) -> None:
    path = write(tmp_path, f"experiments:\n- seed: 1\n  hidden_units: [3, {quote}{text}{quote}]\n")
    start = "experiments[0].hidden_units[1]: found " if quote else "line 3: found "
    assert [line.startswith(start) and text in line for line in refused(path)] == [True]


@pytest.mark.parametrize("text", ["yes", "No", "on", "OFF", "2026-11-25", "2026-13-45", "~"])
def test_words_that_yaml_reads_otherwise_are_refused(tmp_path: Path, text: str) -> None:
    (line,) = refused(write(tmp_path, f"experiments: [{{}}]\nname: {text}"))
    assert line.startswith(f"line 2: found {text}, which YAML 1.1 reads as ")
    assert f"'{text}', in quotes" in line


@pytest.mark.parametrize("text", ["0", "-1", "+1", "1.5", ".5", "1.", "0.5e-3", "1.0e+5", "true", "null", ""])
def test_plain_numbers_and_words_are_read_as_they_are(text: str) -> None:
    value, mistakes = read_yaml(f"a: {text}")
    assert not mistakes
    assert value == yaml.safe_load(f"a: {text}")


@pytest.mark.parametrize(("leaf", "join"), [("[x]", "[{}]"), ("{x: 1}", "{{{}}}")])
def test_a_bomb_of_aliases_is_refused(tmp_path: Path, leaf: str, join: str) -> None:
    lines = [f"a0: &a0 {leaf}"]
    for i in range(1, 10):
        items = [f"*a{i - 1}" if join == "[{}]" else f"k{k}: *a{i - 1}" for k in range(9)]
        lines.append(f"a{i}: &a{i} {join.format(', '.join(items))}")
    (line,) = refused(write(tmp_path, "\n".join(lines)))
    assert "values, counting those that aliases repeat" in line


def test_only_regular_files_of_text_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path):
        assert "not a file" in refused(path)[0]
        with pytest.raises(ConfigError, match=r"^published\.table: [^\n]*not a file[^\n]*$"):
            load_experiment(read_config([], {"published": {"table": str(path)}}))
    path = tmp_path / "mine.yaml"
    assert "No such file" in refused(path)[0]
    path.write_bytes(b"a: \xe4\n")
    assert "utf-8" in refused(path)[0]
    path.write_text("# " + "x" * MAX_BYTES)
    assert f"{MAX_BYTES:,}" in refused(path)[0]


def test_every_mistake_is_named_not_the_first_alone(tmp_path: Path) -> None:
    text = """
name: a/b
oops: 1
experiments: [{hidden_units: 0, learning_rate: [0.1, -1, x]}, {activation: step}]
gradient_check: {epsilon: a}
datasets: {digist: {train: 5}}
"""
    schema = ["name", "oops", "experiments[0].hidden_units", "experiments[0].learning_rate[1]"]
    schema += ["experiments[0].learning_rate[2]", "experiments[1].activation", "gradient_check.epsilon"]
    found = [line.split(": ")[0] for line in refused(write(tmp_path, text))]
    assert sorted(found) == sorted([*schema, "datasets.digist"])
    text = "name: data\nexperiments: [{dataset: x}, {batch_size: 70000}]\npublished: {table: nowhere.csv}"
    found = [line.split(": ")[0] for line in refused(write(tmp_path, text))]
    assert found == ["name", "experiments[0].dataset", "experiments[1].batch_size", "published.table"]


@pytest.mark.parametrize("name", ["my/data", "my data", "-rf", "..", "a;b", "x\n"])
def test_a_dataset_has_a_plain_name_too(name: str) -> None:
    config = read_config([])
    config["datasets"][name] = config["datasets"]["digits"]
    with pytest.raises(ConfigError) as caught:
        load_experiment(config)
    (line,) = caught.value.mistakes
    assert line.startswith(f"datasets: found the key {name!r}, expected ")


def test_something_else_than_keys_and_an_empty_config_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^the configuration: found \[1\], expected a mapping"):
        load_experiment([1])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^experiments\[0\]\.dataset: found 'mnist', expected one of none$"):
        load_experiment({})


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(leaf, inner, max_size=2))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


@settings(max_examples=50)
@given(st.data())
def test_nothing_that_yaml_can_say_ends_in_anything_but_lines(data: st.DataObject) -> None:
    config: Any = read_config([])
    *parents, last = data.draw(st.sampled_from(list(_places(config))))
    holder = config
    for key in parents:
        holder = holder[key]
    holder[last] = data.draw(anything)
    assert all(line.isprintable() and ": " in line for line in _mistakes(config))


def _mistakes(config: dict[str, Any]) -> tuple[str, ...]:
    try:
        load_experiment(config)
    except ConfigError as error:
        return error.mistakes
    return ()


def test_names_and_values_are_shown_on_one_short_line() -> None:
    assert did_you_mean("shapes", ["digits", "Shapes"]) == "did you mean Shapes?"
    assert did_you_mean("a b", ["a\nb"]) == "did you mean 'a\\nb'?"
    assert key_path(["experiments", 1, "a b", "c"]) == "experiments[1].'a b'.c"
    assert max(len(show("x" * 1000)), len(show(list(range(1000))))) < 100


# --- files of a dataset


def put_mnist(folder: Path) -> tuple[dict[str, Any], list[Path]]:
    """A config whose MNIST is in that folder: files of the right names and sizes, which is all that is looked at."""
    config = read_config([], {"datasets": {"mnist": {"local_dir": str(folder)}}})
    files = config["datasets"]["mnist"]["files"].values()
    for file in files:
        file["mirrors"] = []
        with (folder / file["name"]).open("wb") as written:
            written.truncate(file["size"])
    return config, [folder / file["name"] for file in files]


def test_files_in_local_dir_need_no_mirror(tmp_path: Path) -> None:
    config, files = put_mnist(tmp_path)
    config["datasets"]["digits"]["local_dir"] = "/nowhere"  # a dataset that is not used
    assert load_experiment(config).datasets["mnist"]["local_dir"] == str(tmp_path)
    with files[0].open("ab") as file:
        file.write(b"1")
    with pytest.raises(ConfigError, match=files[0].name):
        load_experiment(config)


def test_every_file_that_local_dir_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, (short, gone, folder, denied) = put_mnist(tmp_path)
    short.write_bytes(b"12345")
    gone.unlink()
    folder.unlink()
    folder.mkdir()
    real = Path.stat

    def refusing(path: Path, **how: Any) -> Any:
        if path == denied:
            raise PermissionError(13, "Permission denied")
        return real(path, **how)

    monkeypatch.setattr(Path, "stat", refusing)
    with pytest.raises(ConfigError) as caught:
        load_experiment(config)
    reasons = ("5 bytes", "No such file", "not a file", "Permission denied")
    for line, path, reason in zip(caught.value.mistakes, (short, gone, folder, denied), reasons, strict=True):
        assert line.startswith(f"datasets.mnist.local_dir: found {show(str(tmp_path))}, expected ")
        assert path.name in line
        assert reason in line


@pytest.mark.parametrize("folder", ["/nowhere/at all", "~/mnist"])
def test_a_local_dir_that_is_no_folder_is_refused(tmp_path: Path, folder: str) -> None:
    lines = refused(write(tmp_path, mnist(f"local_dir: {folder}")))
    assert all(f"found {folder!r}, expected" in line and "No such file" in line for line in lines)
    assert ("~ is not expanded" in lines[0]) == (folder[0] == "~")


def test_a_dataset_of_the_table_and_the_experiment_needs_its_divisor() -> None:
    config = read_config([])
    del config["published"]["loss_divisor"]["mnist"]
    with pytest.raises(ConfigError, match=r"^published\.loss_divisor\.mnist: missing"):
        load_experiment(config)
    load_experiment({**config, "experiments": [{"dataset": "digits"}]})


# --- names that are too long

LONG = {"learning_rate": 1.2345678901234567e-05, "l2": 1.2345678901234567e-05, "momentum": 0.1234567890123456}
LONG |= {"dataset": "digits", "pixels": "standardize", "init": "scaled", "train_size": 200}


def test_a_run_whose_name_the_file_system_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config([], {"experiments": [{}, {**LONG, "seed": [1, 2000000000]}]})
    needed = len(f"{load_experiment(config).runs[-1].name}.checkpoint") + TEMPORARY
    monkeypatch.setattr(os, "pathconf", lambda *_: needed)
    load_experiment(config)
    monkeypatch.setattr(os, "pathconf", lambda *_: needed - 1)
    with pytest.raises(ConfigError, match=rf"^experiments\[1\]: the run \S*seed_2000000000\S*: .*{needed - 1}"):
        load_experiment(config)


def test_a_dataset_whose_check_or_file_has_too_long_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pathconf", lambda *_: 120)
    name, entry = "d" * 64, read_config_file("config/datasets.yaml")["datasets"]["digits"]
    entry["files"]["table"]["name"] = "f" * 110
    config = {"datasets": {name: entry}, "experiments": [{"dataset": name}]}
    config["gradient_check"] = {"epsilon": 1.2345678901234567e-05}  # type: ignore[assignment]
    with pytest.raises(ConfigError) as caught:
        load_experiment(read_config([], config))
    starts = [line.split(": ")[:2] for line in caught.value.mistakes]
    assert [f"datasets.{name}", "its gradient check"] in starts
    assert any(start[0] == f"datasets.{name}.files.table.name" for start in starts)
