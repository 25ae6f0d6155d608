"""Experiment files as the workflow reads them: safe to read, and meaning the same wherever it runs."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from handgrad.common.atomic import whole_file
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import MAX_BYTES, read_config_file
from handgrad.experiment.experiment_file import (
    complete_module_config,
    keys_to,
    read_config,
    read_experiment,
    repeated_options,
)
from handgrad.experiment.name_lengths import TEMPORARY
from handgrad.experiment.published import COLUMNS, published_rows
from handgrad.experiment.published import MAX_BYTES as MAX_TABLE_BYTES
from handgrad.experiment.yaml_reader import _PlainLoader, read_yaml

ROOT = Path(__file__).parents[2]


def refused(path: Path) -> str:
    """The one line with which a config file is refused."""
    with pytest.raises(ConfigError) as caught:
        read_config_file(path)
    (line,) = caught.value.mistakes
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    return line


# --- files that would take for ever


def bomb(leaf: str, join: str) -> str:
    lines = [f"a0: &a0 {leaf}"]
    lines += [f"a{i}: &a{i} {join.format(*[f'*a{i - 1}'] * 9)}" for i in range(1, 10)]
    return "\n".join(lines)


NINE = ", ".join(f"k{i}: {{}}" for i in range(9))
HOSTILE: dict[str, tuple[str, str]] = {
    "bomb of lists": (bomb("[x]", f"[{', '.join(['{}'] * 9)}]"), "line 7"),
    "bomb of mappings": (bomb("{x: 1}", f"{{{{{NINE}}}}}"), "line 7"),
    "recursive list": ("a: &a [*a]", "line 1"),
    "recursive mapping": ("a: &a {b: *a}", "line 1"),
    "deep list": ("a: " + "[" * 5000 + "]" * 5000, "line 1"),
    "deep mapping": ("\n".join(" " * i + "a:" for i in range(1000)), "line 50"),
    "deep list, open": ("[" * 5000, "line 1"),
    "deep JSON": ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "deep"),
    "not so deep JSON": ('{"a": ' + "[" * 60 + "]" * 60 + "}", "deep"),
    "large": ("# " + "x" * MAX_BYTES, f"{MAX_BYTES:,}"),
    "endless number": ("seed: 1" + "0" * 5000, "digits"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_config_is_one_line(tmp_path: Path, name: str) -> None:
    text, named = HOSTILE[name]
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert named in refused(path)


@pytest.fixture
def special(tmp_path: Path) -> list[Path]:
    """Paths that reading would wait for, or never end with."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    return [tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path]


def test_only_regular_files_are_read(special: list[Path]) -> None:
    for path in special:
        assert "not a file" in refused(path)
        config = {"published": {"table": str(path)}}
        with pytest.raises(ConfigError, match=r"^published\.table: [^\n]*not a file[^\n]*$"):
            load_experiment(read_config([], config))


def test_a_link_to_a_config_is_read(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(ROOT / "config/quick.yaml")
    assert read_config_file(tmp_path / "link.yaml")["name"] == "quick"


# --- what YAML 1.1 reads otherwise than people


MISREAD = [
    "0100",
    "010",
    "1:30",
    "1:30.5",
    "-0100",
    "0x1F",
    "0b11",
    "1_000",
    "1_0.5",
    "yes",
    "No",
    "on",
    "OFF",
]


@pytest.mark.parametrize("text", [*MISREAD, "2026-11-25", "~"])
def test_what_yaml_reads_otherwise_is_refused_with_its_line_and_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"experiments:\n- seed: 1\n  hidden_units: [3, {text}]\n")
    line = refused(path)
    assert "line 3, column 21" in line
    assert text in line
    path.write_text(f"experiments:\n- seed: 1\n  hidden_units: [3, '{text}']\n")
    read_config_file(path)


@pytest.mark.parametrize("text", ["0", "-1", "+1", "1.5", ".5", "1.", "0.5e-3", "1.0e+5", "true", "null", ""])
def test_plain_numbers_and_words_are_read_as_they_are(text: str) -> None:
    value, mistakes = read_yaml(f"a: {text}")
    assert not mistakes
    assert value == yaml.safe_load(f"a: {text}")


def test_both_parsers_read_the_shipped_files_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(ROOT / f"config/{name}.yaml").read_text() for name in ("datasets", "config", "improved")]
    fast = [read_yaml(text) for text in files]
    monkeypatch.setattr("handgrad.experiment.yaml_reader._FastLoader", _PlainLoader)
    assert [read_yaml(text) for text in files] == fast


def test_json_is_read_with_tabs_and_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{\n\t"name": "mine",\n\t"experiments": [{}]\n}')
    assert read_config_file(path) == {"name": "mine", "experiments": [{}]}
    path.write_text('{"name": "a", "experiments": [{"seed": 1, "seed": 2}]}')
    assert "'seed'" in refused(path)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n", encoding="utf-8-sig")
    assert read_config_file(path) == {"name": "mine"}


# --- the same wherever it runs


def table(folder: Path) -> Path:
    (folder / "mine.csv").write_text((ROOT / "config/published_results.csv").read_text())
    return folder / "mine.csv"


def test_the_defaults_are_the_project_s_in_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    here = load_experiment(read_config([]))
    monkeypatch.chdir(tmp_path)
    there = load_experiment(read_config([]))
    assert there.runs == here.runs
    assert there.has_published
    assert here.published is not None
    assert here.published.table == "config/published_results.csv"  # an input must not change with the machine


def test_a_path_starts_at_the_folder_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.yaml"
    (tmp_path / "data").mkdir()
    table(tmp_path)
    datasets = {"digits": {"local_dir": "data"}}
    mine.write_text(yaml.safe_dump({"published": {"table": "mine.csv"}, "datasets": datasets}))
    for folder, there in ((tmp_path, "mine.csv"), (ROOT, str(tmp_path.resolve() / "mine.csv"))):
        monkeypatch.chdir(folder)
        experiment = read_experiment(mine)[1]
        assert experiment.published is not None
        assert experiment.published.table == there
        assert experiment.datasets["digits"]["local_dir"] == there.replace("mine.csv", "data")


def test_a_config_of_the_working_directory_comes_over_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("name: own\nexperiments: [{dataset: digits}]\n")
    assert load_experiment(read_config([])).name == "own"
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    experiment = read_experiment(tmp_path / "mine.yaml")[1]
    assert (experiment.name, experiment.runs[0].dataset) == ("mine", "digits")


# --- the command line


def test_numbers_inside_a_value_of_config_may_be_texts() -> None:
    given = {"experiments": [{"dataset": "digits", "hidden_units": "7", "l2": "0.5", "train_size": "null"}]}
    (run,) = load_experiment(read_config([], given)).runs
    assert (run.hidden_units, run.l2, run.train_size) == (7, 0.5, None)
    for text in ("07", "7.5", "x", "1:30"):
        with pytest.raises(ConfigError, match=r"hidden_units"):
            load_experiment(read_config([], {"experiments": [{"hidden_units": text}]}))


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--configfile", "a", "b", "--config", "x=1", "y=2"], True),
        (["--configfile", "a", "--configfile", "b"], False),
        (["--configfile=a", "-n", "--configfiles", "b"], False),
        (["--config", "x=1", "-C", "y=2"], False),
    ],
)
def test_an_option_that_snakemake_would_forget_is_refused(arguments: list[str], allowed: bool) -> None:
    if allowed:
        repeated_options(arguments)
    else:
        with pytest.raises(ConfigError, match=r"^--config[^\n]*2 times[^\n]*$"):
            repeated_options(arguments)


@pytest.mark.parametrize(
    "entries",
    [
        ["name=a", "name=b"],
        ["name=a", "checkpoint_seconds=3", "name=b"],
        ["experiments=[{dataset: digits, name: 1, name: 2}]"],
    ],
)
@pytest.mark.parametrize("option", [["--config"], ["-n", "-C"]])
def test_a_key_given_twice_on_the_command_line_is_refused(option: list[str], entries: list[str]) -> None:
    with pytest.raises(ConfigError, match="name"):
        repeated_options(["snakemake", *option, *entries, "--cores", "1"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "name=a", "x=010", "y=[{a: 1}, {a: 2}]", "--set-threads", "name=3", "name=4"],
        ["--config=name=a", "-n", "z=: {", "z=: {"],
        ["--config", "base64//bmFtZT1h", "base64//bmFtZT1h"],
    ],
)
def test_what_is_given_once_on_the_command_line_is_taken(arguments: list[str]) -> None:
    repeated_options(arguments)


def test_of_a_module_s_files_only_its_own_part_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("other: {time: 1:30}\nnets: {experiments: [{dataset: digits}]}\n")
    whole = yaml.safe_load(path.read_text())
    below = keys_to(whole, whole["nets"])
    assert below == ("nets",)
    config = complete_module_config(whole["nets"], [path], below, texts=False)
    assert load_experiment(config).runs[0].dataset == "digits"
    path.write_text("nets: {experiments: [{seed: 010}]}\n")
    with pytest.raises(ConfigError, match="010"):
        complete_module_config(whole["nets"], [path], below, texts=False)
    assert keys_to(whole, {}) is None


# --- names that are too long

LONG = {"learning_rate": 1.2345678901234567e-05, "l2": 1.2345678901234567e-05, "momentum": 0.1234567890123456}
LONG |= {"dataset": "digits", "pixels": "standardize", "init": "scaled", "train_size": 200}


@pytest.mark.parametrize(("limit", "allowed"), [(255, True), (143, False)])
def test_a_run_whose_name_the_file_system_cannot_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, limit: int, allowed: bool
) -> None:
    monkeypatch.setattr(os, "pathconf", lambda *_: limit)
    config: dict[str, Any] = {"experiments": [{}, {**LONG, "seed": [1, 2000000000]}]}
    if allowed:
        run = load_experiment(read_config([], config)).runs[-1]
        assert limit - len(run.name) > TEMPORARY + len(".checkpoint")
    else:
        with pytest.raises(ConfigError, match=r"^experiments\[1\]: the run \S*seed_2000000000\S*: .*143"):
            load_experiment(read_config([], config))


def test_a_dataset_whose_check_has_too_long_a_name_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "pathconf", lambda *_: 143)
    name = "d" * 64
    entry = read_config_file(ROOT / "config/datasets.yaml")["datasets"]["digits"]
    config = {
        "datasets": {name: entry},
        "experiments": [{"dataset": name}],
        "gradient_check": {
            "epsilon": 1.2345678901234567e-05,
            "hidden_units": 100000,
            "examples": 1000,
            "pixels": "standardize",
        },
    }
    with pytest.raises(ConfigError, match=rf"^datasets\.{name}: "):
        load_experiment(read_config([], config))


def test_the_longest_name_of_a_file_is_its_temporary_one(tmp_path: Path) -> None:
    with whole_file(tmp_path / "name") as part:
        assert len(part.name) == len("name") + TEMPORARY


# --- the published table

ROW = ["mnist", "tanh", "100", "0.001", "100", "20", "0.01", "97.0", "272", "10000", "0.0147"]


def write_rows(path: Path, *rows: list[str], header: str = ",".join(COLUMNS), encoding: str = "utf-8") -> Path:
    path.write_text("\n".join([header, *map(",".join, rows)]) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("precision_percent", "191.0"),
        ("precision_percent", "-1"),
        ("precision_percent", "nan"),
        ("faults", "-32"),
        ("faults", "10001"),
        ("test_size", "0"),
        ("loss", "nan"),
        ("loss", "inf"),
        ("loss", "1e400"),
        ("loss", "-1"),
        ("loss", "0,0147"),
        ("epochs", "0"),
        ("hidden_units", "-5"),
        ("learning_rate", "0"),
        ("l2", "-0.1"),
        ("dataset", ""),
    ],
)
def test_an_impossible_published_value_is_named_with_line_and_column(tmp_path: Path, column: str, text: str) -> None:
    cell = f'"{text}"' if "," in text else text
    row = [cell if name == column else value for name, value in zip(COLUMNS, ROW, strict=True)]
    path = write_rows(tmp_path / "table.csv", [*ROW[:2], "7", *ROW[3:]], row)
    with pytest.raises(Exception, match=rf"^'{path}', line 3: {column} is '{text}'; expected [^\n]*$"):
        published_rows(path)


def test_a_table_as_a_spreadsheet_saves_it_is_read_or_helped(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    assert len(published_rows(write_rows(path, ROW, [""] * 11, encoding="utf-8-sig"))) == 1
    with pytest.raises(Exception, match="semicolons"):
        published_rows(write_rows(path, ROW, header=";".join(COLUMNS)))
    with pytest.raises(Exception, match=r"line 3 [^\n]* line 2"):
        published_rows(write_rows(path, ROW, ROW))
    path.write_bytes(b"x" * (MAX_TABLE_BYTES + 1))
    with pytest.raises(Exception, match=f"{MAX_TABLE_BYTES:,}"):
        published_rows(path)
