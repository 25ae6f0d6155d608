"""``handgrad data`` writes valid entries and refuses other data in one line; a changed file is noticed."""

import gzip
import os
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from factories import Handgrad
from handgrad.datasets.data import Dataset, write_data
from handgrad.experiment.config import load_experiment, read_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import read_config
from handgrad.formats.dataset_reader import read_dataset
from handgrad.layout.paths import data_file

Arrays = dict[str, Any]

RNG = np.random.default_rng(0)
N = 20
PIXELS = RNG.integers(0, 256, (N, 4, 5), np.uint8)
LABELS = (np.arange(N) % 2).astype(np.uint8)
TABLE = pd.DataFrame({"width": RNG.normal(size=N), "colour": ["red", "blue"] * 10, "kind": ["a", "b", "b", "a"] * 5})


def write_images(folder: Path, classes: tuple[str, ...] = ("cat", "dog"), shape: tuple[int, int] = (4, 5)) -> Path:
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(5):
            image = Image.fromarray(np.full((*shape, 3), 40 * label + number, np.uint8))
            image.save(folder / name / f"{number}.png")
    return folder


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(write_images(Path("for_zip")).rglob("*.png")):
            archive.write(file, Path("parent", *file.parts[1:]))


def keras(x: Any = PIXELS) -> Arrays:
    return {"x_train": x, "y_train": LABELS, "x_test": x[:6], "y_test": LABELS[:6]}


def write_npy(folder: Path) -> None:
    folder.mkdir()
    np.save(folder / "X_train.npy", PIXELS)
    np.save(folder / "y_train.npy", LABELS)


def write_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, values in keras(PIXELS / 255).items():
            file[name] = values


def write_idx(folder: Path) -> None:
    folder.mkdir()
    for part, n in (("train", 14), ("t10k", 6)):
        for kind, values in (("images-idx3", PIXELS[:n]), ("labels-idx1", LABELS[:n])):
            header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))


def write_tables(folder: Path) -> None:
    folder.mkdir()
    TABLE.to_csv(folder / "train.csv", index=False)
    TABLE[:6].to_csv(folder / "test.csv", index=False)


def without_header(path: Path) -> None:
    table = np.column_stack([LABELS, PIXELS.reshape(N, -1)])
    path.write_text("".join(f"{';'.join(map(str, row))}\n" for row in table))


#: what is added -> how it is written, the options of data add, and a part of the entry
FORMATS: dict[str, tuple[Callable[[Path], object], list[str], dict[str, Any]]] = {
    "pictures": (write_images, [], {"format": "image-folder", "image_shape": [3, 4, 5], "class_names": ["cat", "dog"]}),
    "pictures.zip": (write_zip, ["--size", "2x3", "--channels", "1"], {"size": [2, 3], "image_shape": [2, 3]}),
    "rows.csv": (
        lambda path: TABLE.to_csv(path, index=False),
        ["--label", "kind", "--test", "5"],
        {"format": "table", "label": "kind", "inputs": 3, "test": 5, "train": 15},
    ),
    "rows.tsv.gz": (
        lambda path: TABLE.rename(columns={"kind": "Class"}).to_csv(path, sep="\t", index=False),
        [],
        {"label": "Class", "test": 0.2},
    ),
    "rows.parquet": (TABLE.to_parquet, ["--label", "last"], {"format": "table", "class_names": ["a", "b"]}),
    "pixels.csv": (
        without_header,
        ["--label", "first", "--option", "header=false", "--option", "separator=;"],
        {"header": False, "separator": ";", "inputs": 20},
    ),
    "tables": (write_tables, ["--label", "kind"], {"train": N, "test": 6}),
    "keras.npz": (lambda path: np.savez(path, **keras()), [], {"format": "arrays", "layout": "NHW", "test": 6}),
    "features.npz": (lambda path: np.savez(path, **keras(RNG.normal(size=(N, 3)))), [], {"inputs": 3}),
    "last.npz": (
        lambda path: np.savez(path, **keras(RNG.integers(0, 256, (N, 8, 8, 3)))),
        [],
        {"layout": "NHWC", "image_shape": [3, 8, 8]},
    ),
    "first.npz": (
        lambda path: np.savez(path, **keras(RNG.normal(size=(N, 3, 8, 8)))),
        [],
        {"layout": "NCHW", "image_shape": [3, 8, 8], "largest": None},
    ),
    "bits.npz": (lambda path: np.savez(path, **keras(PIXELS > 99)), [], {"layout": "NHW", "largest": 1}),
    "npy": (write_npy, ["--test", "0.5"], {"format": "arrays", "train": 10, "test": 0.5}),
    "arrays.h5": (write_hdf5, [], {"format": "arrays", "image_shape": [4, 5], "largest": None}),
    "idx": (write_idx, [], {"format": "idx", "train": 14, "test": 6, "image_shape": [4, 5]}),
}


def entry_of(file: str | Path, name: str) -> dict[str, Any]:
    return dict(read_experiment(Path(file))[1].datasets[name])


def data_of(file: str | Path, name: str) -> Dataset:
    return read_dataset(entry_of(file, name), {}, name)


def refusal(result: tuple[int, str, str]) -> str:
    """Return the line of a command that failed."""
    status, out, err = result
    (line,) = err.splitlines()
    assert (status, out) == (1, "")
    return line


# --- add


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_added_and_read_by_its_entry(handgrad: Handgrad, kind: str) -> None:
    write, options, part = FORMATS[kind]
    name = kind.split(".")[0]
    write(Path(kind))
    status, out, err = handgrad("data", "add", kind, *options)
    assert (status, err) == (0, "")
    entry = entry_of(f"{name}.yaml", name)
    assert {key: entry[key] for key in part} == part
    data = data_of(f"{name}.yaml", name)  # compares the facts
    assert f"{len(data.train.y)} training, {len(data.test.y)} test" in out
    assert all(class_name in out for class_name in data.class_names)


@pytest.mark.slow
def test_the_archive_of_cifar_10_is_added(handgrad: Handgrad, tmp_path: Path) -> None:
    records = np.zeros((10_000, 3073), np.uint8)
    records[:, 0] = np.arange(10_000) % 10
    (tmp_path / "batch").write_bytes(records.tobytes())
    with tarfile.open("cifar.tar.gz", "w:gz", compresslevel=1) as archive:
        for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
            archive.add(tmp_path / "batch", f"cifar-10-batches-bin/{name}.bin")
    assert handgrad("data", "add", "cifar.tar.gz")[0] == 0
    entry = entry_of("cifar.yaml", "cifar")
    assert (entry["format"], entry["train"], entry["test"]) == ("cifar-binary", 50_000, 10_000)


def test_a_file_with_a_name_of_the_registry_gets_another_name(handgrad: Handgrad) -> None:
    TABLE.to_csv("mnist.csv", index=False)
    assert handgrad("data", "add", "mnist.csv", "--label", "kind")[0] == 0
    assert data_of("my_mnist.yaml", "my_mnist").inputs == 3


def test_files_are_found_from_any_folder(handgrad: Handgrad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_images(tmp_path / "data" / "pictures")
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(folder)
    for path, name in ((".", "here"), (str(folder), "absolute"), ("../pictures/", "relative")):
        file = tmp_path / "experiments" / f"{name}.yaml"
        assert handgrad("data", "add", path, "--name", name, "--to", str(file))[0] == 0
    monkeypatch.chdir(tmp_path)
    for name in ("here", "absolute", "relative"):
        assert len(data_of(f"experiments/{name}.yaml", name).train.y) == 8


OWN = """\
# my experiments
name: mine # short
x-common: &common {dataset: digits, epochs: 5}
experiments:
- <<: *common
  learning_rate: [0.10, 1e-3] # two of them
published: {table: null}

datasets:
  # never touched
  other:
    format: idx
    class_names: ['no', "on", '007', 1e5x]
    train: 10
    test: 5
    image_shape: [2, 2]
    local_dir: /nowhere
    files:
      train_images: {name: a, size: 1, sha256: 'SHA'}
      train_labels: {name: b, size: 1, sha256: 'SHA'} # the end
""".replace("SHA", 64 * "0")
JSON = '{"name": "mine", "experiments": [{"dataset": "digits", "epochs": 5}]}'


@pytest.mark.parametrize("text", [OWN, JSON, "name: mine\ndatasets:\n"], ids=["yaml", "json", "no datasets"])
def test_comments_and_all_other_content_of_a_file_stay(handgrad: Handgrad, text: str) -> None:
    file = Path("mine.yaml")
    file.write_text(text)
    write_images(Path("pictures"))
    assert handgrad("data", "add", "pictures", "--to", "mine.yaml")[0] == 0
    assert data_of(file, "pictures").classes == 2
    whole, before = yaml.safe_load(file.read_text()), yaml.safe_load(text)
    del whole["datasets"]["pictures"]
    assert whole == {**before, "datasets": before.get("datasets") or {}}
    assert all(line in file.read_text() for line in text.splitlines() if "#" in line and "[" not in line)


NAMES = ["no", "1e5", "007", "~", "'single'", '"double"', "日本語", "مرحبا", "🐱", "{b}", "$x_1$", "<b>", "#"]


def test_class_names_are_read_as_they_are_in_the_data(handgrad: Handgrad) -> None:
    pd.DataFrame({"a": range(4 * len(NAMES)), "y": NAMES * 4}).to_parquet("names.parquet")
    assert handgrad("data", "add", "names.parquet")[0] == 0
    assert entry_of("names.yaml", "names")["class_names"] == sorted(NAMES)
    assert handgrad("data", "add", "--update", "names")[0] == 0
    assert entry_of("names.yaml", "names")["class_names"] == sorted(NAMES)


REFUSED: dict[str, tuple[list[str], list[str]]] = {
    "no such file": (["nowhere"], ["nowhere", "no such file"]),
    "unknown kind": (["data.xlsx"], ["data.xlsx", ".csv"]),
    "no images": (["empty"], ["empty", "no image"]),
    "name of the registry": (["pictures", "--name", "mnist"], ["mnist", "another name"]),
    "wrong name": (["pictures", "--name", "a b"], ["'a b'", "letters"]),
    "used name": (["pictures", "--name", "used", "--to", "mine.yaml"], ["mine.yaml", "used", "--update"]),
    "unclear label": (["rows.csv"], ["rows.csv", "--label", "'width'", "'kind'"]),
    "unknown label": (["rows.csv", "--label", "kin"], ["label", "'kin'", "'kind'"]),
    "option of another format": (["pictures", "--label", "kind"], ["label", "'kind'", "table"]),
    "unknown option": (["pictures", "--option", "colour=red"], ["colour=red", "channels"]),
    "no value": (["pictures", "--option", "size"], ["--option size", "KEY=VALUE"]),
    "no YAML": (["pictures", "--option", "size=["], ["size=[", "YAML"]),
    "no list": (["rows.csv", "--label", "kind", "--option", "leave_out=width"], ["leave_out", "'width'", "list"]),
    "channels": (["pictures", "--channels", "2"], ["channels", "2", "3"]),
    "size": (["pictures", "--size", "32"], ["--size 32", "32x32"]),
    "images of several sizes": (["sizes"], ["size: [H, W]"]),
    "no share": (["pictures", "--test", "1.5"], ["test", "1.5"]),
    "nothing left": (["pictures", "--test", "10"], ["test is 10", "10 examples"]),
    "own test split": (["keras.npz", "--test", "3"], ["test", "6 examples"]),
    "no header": (["headless.csv"], ["headless.csv", "header: false", "--option"]),
    "two files of a role": (["twice"], ["train_images", "t10k"][:1]),
    "no experiment": (["pictures", "--to", "list.yaml"], ["list.yaml", "keys with values"]),
    "datasets that are no mapping": (["pictures", "--to", "wrong.yaml"], ["wrong.yaml", "datasets"]),
    "mistake in the experiment": (["pictures", "--to", "mistake.yaml"], ["mistake.yaml", "'step'"]),
    "update of nothing": (["--update", "absent", "--to", "mine.yaml"], ["mine.yaml", "'absent'"]),
    "update without names": (["--update", "nameless", "--to", "mine.yaml"], ["mine.yaml", "nameless.files"]),
    "update of lost files": (["--update", "used", "--to", "mine.yaml"], ["lost", "no such file"]),
}
MINE = """\
datasets:
  used: {format: image-folder, local_dir: ., files: {images: {name: lost}}}
  nameless: {format: image-folder, local_dir: ., files: {images: lost}}
"""


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_added_is_one_line_and_writes_nothing(handgrad: Handgrad, case: str) -> None:
    arguments, named = REFUSED[case]
    write_images(Path("pictures"))
    write_images(write_images(Path("sizes"), ("cat",)), ("dog",), (9, 9))
    Path("empty").mkdir()
    write_idx(Path("twice"))
    Path("twice/train-images-idx3-ubyte").touch()
    Path("data.xlsx").touch()
    TABLE.to_csv("rows.csv", index=False)
    Path("headless.csv").write_text("1.5,a\n2.5,b\n")
    np.savez("keras.npz", **keras())
    Path("mine.yaml").write_text(MINE)
    Path("list.yaml").write_text("[1, 2]\n")
    Path("wrong.yaml").write_text("datasets: [1, 2]\n")
    Path("mistake.yaml").write_text("experiments: [{dataset: digits, activation: step}]\n")
    before = {path: path.stat().st_mtime_ns for path in Path().iterdir()}
    line = refusal(handgrad("data", "add", *arguments))
    assert all(part in line for part in named), line
    assert {path: path.stat().st_mtime_ns for path in Path().iterdir()} == before


@pytest.mark.parametrize("arguments", [[], ["pictures", "--update", "pictures"], ["a", "b"], ["a", "--colour", "red"]])
def test_wrong_usage_is_one_line(handgrad: Handgrad, arguments: list[str]) -> None:
    status, out, err = handgrad("data", "add", *arguments)
    assert (status, out, len(err.splitlines())) == (2, "", 1)


# --- update


def test_an_update_writes_what_changed_and_keeps_the_rest(handgrad: Handgrad) -> None:
    write_images(Path("pictures"))
    handgrad("data", "add", "pictures", "--size", "2x2", "--test", "0.4")
    file = Path("pictures.yaml")
    file.write_text(file.read_text().replace("test: 0.4", "test: 0.4 # my choice"))
    write_images(Path("pictures"), ("ant", "cow"))
    with pytest.raises(ConfigError, match=r"pictures: .*handgrad data add --update pictures"):
        read_experiment(file)
    assert handgrad("data", "add", "--update", "pictures")[0] == 0
    entry = entry_of(file, "pictures")
    assert entry["class_names"] == ["ant", "cat", "cow", "dog"]
    assert (entry["train"], entry["test"], entry["size"]) == (12, 0.4, [2, 2])
    assert "test: 0.4 # my choice" in file.read_text()
    again = file.read_text()
    assert handgrad("data", "add", "--update", "pictures")[0] == 0
    assert file.read_text() == again


def test_two_changed_datasets_of_a_file_are_updated_one_after_the_other(handgrad: Handgrad) -> None:
    for name in ("one", "two"):
        write_images(Path(name))
        assert handgrad("data", "add", name, "--to", "mine.yaml")[0] == 0
    for name in ("one", "two"):
        write_images(Path(name), ("ant",))
    for name in ("one", "two"):
        assert handgrad("data", "add", "--update", name, "--to", "mine.yaml")[0] == 0
    assert entry_of("mine.yaml", "two")["class_names"] == ["ant", "cat", "dog"]


def test_an_update_keeps_class_names_only_if_the_data_has_none(handgrad: Handgrad) -> None:
    np.savez("keras.npz", **keras())
    assert handgrad("data", "add", "keras.npz", "--option", "class_names=[left, right]")[0] == 0
    assert handgrad("data", "add", "--update", "keras")[0] == 0
    assert entry_of("keras.yaml", "keras")["class_names"] == ["left", "right"]
    np.savez("keras.npz", **{**keras(), "y_train": (np.arange(N) % 3)})
    assert handgrad("data", "add", "--update", "keras")[0] == 0
    assert entry_of("keras.yaml", "keras")["class_names"] == ["0", "1", "2"]


def test_an_update_completes_the_entry_of_the_guide(handgrad: Handgrad) -> None:
    write_idx(Path("letters"))
    page = (Path(__file__).parents[2] / "docs/how-to/own-data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(# letters.yaml\n.*?)```", page, re.DOTALL)
    Path("letters.yaml").write_text(block.replace("/data/letters", "letters") + "    batch_size: 7\n")
    assert handgrad("data", "add", "--update", "letters", "--to", "letters.yaml")[0] == 0
    assert len(data_of("letters.yaml", "letters").test.y) == 6


def test_class_names_in_another_order_than_the_folders_are_refused(handgrad: Handgrad) -> None:
    write_images(Path("pictures"))
    line = refusal(handgrad("data", "add", "pictures", "--option", "class_names=[dog, cat]"))
    assert "dog, cat" in line
    assert handgrad("data", "add", "pictures", "--option", "class_names=[Felis, Canis]")[0] == 0
    assert data_of("pictures.yaml", "pictures").class_names == ("Felis", "Canis")


# --- inspect


@pytest.mark.parametrize("stored", [False, True])
def test_inspect_describes_images_and_draws_each_class(handgrad: Handgrad, stored: bool) -> None:
    write_images(Path("pictures"))
    handgrad("data", "add", "pictures")
    if stored:
        entry = entry_of("pictures.yaml", "pictures")
        path = Path(data_file("pictures"))
        path.parent.mkdir(parents=True)
        write_data(path, read_dataset(entry, {}, "pictures"), [])
    status, out, err = handgrad("data", "inspect", "pictures", "--file", "pictures.yaml")
    assert (status, err) == (0, "")
    assert "8 training, 2 test" in out
    with Image.open("pictures.png") as sheet:
        colours = {value for _, value in sheet.convert("L").getcolors(999) or ()}
    assert colours >= {0, 40}  # the first image of each class


def test_inspect_describes_features_without_a_picture(handgrad: Handgrad) -> None:
    TABLE.to_csv("rows.csv", index=False)
    handgrad("data", "add", "rows.csv", "--label", "kind")
    status, out, _ = handgrad("data", "inspect", "rows", "--file", "rows.yaml")
    assert status == 0
    assert "3 features" in out
    assert "colour: categories blue, red" in out
    assert not list(Path().glob("*.png"))


@pytest.mark.parametrize(("name", "named"), [("absent", "'absent'"), ("mnist", "download")])
def test_inspect_says_why_there_is_nothing_to_describe(handgrad: Handgrad, name: str, named: str) -> None:
    Path("mine.yaml").write_text("name: mine\nexperiments: [{dataset: digits}]\n")
    assert named in refusal(handgrad("data", "inspect", name, "--file", "mine.yaml"))


# --- files that change


def test_a_changed_file_stops_the_main_process_and_no_job(handgrad: Handgrad) -> None:
    TABLE.to_csv("rows.csv", index=False)
    handgrad("data", "add", "rows.csv", "--label", "kind")
    config = read_config([Path("rows.yaml")])
    load_experiment(config)
    text = Path("rows.csv").read_text()
    Path("rows.csv").write_text(text.replace("red", "RED"))  # the size is the same
    with pytest.raises(ConfigError) as caught:
        load_experiment(config)
    (line,) = caught.value.mistakes
    assert "rows.csv" in line
    assert "handgrad data add --update rows --to FILE" in line
    load_experiment(config, files=False)  # as in a job
    Path("rows.csv").write_text(text)
    load_experiment(config)


def test_an_unchanged_file_is_read_once_even_by_other_processes(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from handgrad.experiment.local_files import digest_of; print(digest_of(Path('x')))"
    )

    def digest() -> str:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "scripts")}
        return subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, env=environment, text=True)

    file = tmp_path / "x"
    file.write_text("one")
    first, times = digest(), file.stat()
    file.write_text("two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # a change that only a reader of the file sees
    assert digest() == first
    file.touch()
    assert digest() != first


@pytest.mark.parametrize("value", ["1e-40", "3e38"])
def test_an_input_whose_scaling_leaves_float32_is_refused(handgrad: Handgrad, value: str) -> None:
    Path("x.csv").write_text("a,b,y\n" + "".join(f"{value if n % 2 else 0},{n},{'uv'[n % 2]}\n" for n in range(40)))
    assert "input a: a range of" in refusal(handgrad("data", "add", "x.csv"))
    assert not Path("x.yaml").exists()


@pytest.mark.parametrize("name", ["2026", "no"])
def test_a_file_name_that_yaml_misreads_becomes_a_safe_name(handgrad: Handgrad, name: str) -> None:
    Path(f"{name}.csv").write_text("zip,y\n" + "".join(f"0{n + 10},{'uv'[n % 2]}\n" for n in range(20)))
    status, out, _ = handgrad("data", "add", f"{name}.csv")
    assert status == 0
    assert "leading zeros" in out
    assert list(read_experiment(Path(f"my_{name}.yaml"))[1].datasets)[-1] == f"my_{name}"
    assert "--name" in refusal(handgrad("data", "add", f"{name}.csv", "--name", name))
