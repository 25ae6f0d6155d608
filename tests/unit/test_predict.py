"""The commands predict and export: from files to classes and probabilities, or to one line that says why not."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import aggregate_best_runs
from factories import Handgrad, digits, image_data, run_of, write_trained_run
from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.inputs import Array, Column, InputSpec
from handgrad.inference.predict import predict
from handgrad.storage.run_reader import read_model, read_summary
from handgrad.tables.results import RESULTS, results_table
from handgrad.training.loop import TrainingResult

RUN = "run.h5"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def probabilities(found: list[dict[str, str]], names: tuple[str, ...]) -> Array:
    return np.array([[float(row[f"probability_{name}"]) for name in names] for row in found])


# --- predictions ---


@pytest.mark.parametrize("pixels", ["raw", "unit", "standardize"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("features", [False, True])
def test_predictions_are_those_of_the_evaluation_after_training(
    pixels: str, dtype: str, features: bool, tmp_path: Path
) -> None:
    data = digits(features=features)
    trained = write_trained_run(tmp_path / RUN, data, pixels=pixels, dtype=dtype)
    found = predict(read_model(tmp_path / RUN), data.test.x)
    assert trained.test
    assert found.probabilities.dtype == dtype
    np.testing.assert_allclose(found.probabilities, trained.test.Y, atol=1e-6 if dtype == "float32" else 1e-14)
    np.testing.assert_array_equal(found.labels, trained.test.predictions)


def colours() -> Dataset:
    """Return images of 3 channels and 4 x 5 pixels."""
    rng = np.random.default_rng(3)
    splits = [Split(rng.integers(0, 256, (n, 60), np.uint8), rng.integers(0, 3, n, np.uint8)) for n in (20, 10)]
    return Dataset(*splits, InputSpec(image_shape=(3, 4, 5), max_value=255), ("κ", "b", "c"), {}, "colours")


def test_image_files_and_arrays_give_the_classes_of_their_pixels(handgrad: Handgrad, folder: Path) -> None:
    data = colours()
    trained = write_trained_run(folder / RUN, data)
    images = data.test.x.reshape(-1, 3, 4, 5)
    files = [f"{number}.png" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(file)
    np.save("stored.npy", images)
    np.save("last.npy", images.transpose(0, 2, 3, 1))
    np.save("one.npy", images[0])
    with h5py.File("last.h5", "w") as file:
        file["photos/new"] = images.transpose(0, 2, 3, 1)
    np.savez("rows.npz", x=data.test.x.astype(np.int64), other=[1])
    assert trained.test
    for arguments, expected in (
        (files, [(file, "0") for file in files]),
        (["stored.npy"], [("stored.npy", str(row)) for row in range(10)]),
        (["last.npy"], [("last.npy", str(row)) for row in range(10)]),
        (["last.h5"], [("last.h5", str(row)) for row in range(10)]),
        (["rows.npz", "one.npy"], [*(("rows.npz", str(row)) for row in range(10)), ("one.npy", "0")]),
    ):
        status, out, err = handgrad("predict", RUN, *arguments)
        assert (status, err) == (0, "")
        found = rows(out)
        assert [(row["file"], row["row"]) for row in found] == expected
        assert [row["class"] for row in found[:10]] == [data.class_names[label] for label in trained.test.predictions]
        np.testing.assert_allclose(probabilities(found[:10], data.class_names), trained.test.Y, atol=1e-6)


#: a text column of two categories between two numbers, of which the second may be missing
COLUMNS = (Column(name="width"), Column(name="colour", categories=("blue", "red")), Column(name="height", fill=2.5))
NAMES = ("setosa", 'a "b", c')


def table(spec: InputSpec) -> Dataset:
    x = np.array([[1, 0, 1, 2.5], [2, 1, 0, 7], [3, 1, 0, -1]], np.float32)
    split = Split(x, np.array([0, 1, 1], np.uint8))
    return Dataset(split, split, spec, NAMES, {}, "table")


TABLES: dict[str, tuple[InputSpec, Callable[[Path], Any]]] = {
    "new.csv": (
        InputSpec(columns=COLUMNS),
        lambda path: path.write_text("height,name,colour,width\n,x,red,1\n7,y,blue,2\n-1,z,blue,3\n"),
    ),
    "new.tsv": (
        InputSpec(columns=COLUMNS, separator="\t", decimal=","),
        lambda path: path.write_text("width\tcolour\theight\n1,0\tred\t2,5\n2\tblue\t7,0\n3,00\tblue\t-1\n"),
    ),
    "new.parquet": (
        InputSpec(columns=COLUMNS),
        lambda path: pd.DataFrame(
            {"colour": ["red", "blue", "blue"], "width": [1, 2, 3], "height": [None, 7.0, -1.0]}
        ).to_parquet(path),
    ),
}


@pytest.mark.parametrize("file", TABLES)
def test_rows_of_a_table_are_encoded_as_in_training(handgrad: Handgrad, folder: Path, file: str) -> None:
    spec, write = TABLES[file]
    trained = write_trained_run(folder / RUN, table(spec), pixels="standardize", dtype="float64")
    write(folder / file)
    status, out, err = handgrad("predict", RUN, file)
    assert (status, err) == (0, "")
    assert trained.test
    np.testing.assert_allclose(probabilities(rows(out), NAMES), trained.test.Y, atol=1e-14)


def test_json_and_a_file_hold_the_same_as_the_output(handgrad: Handgrad, folder: Path) -> None:
    data = image_data()
    write_trained_run(folder / RUN, data)
    np.save("x.npy", data.test.x)
    _, out, _ = handgrad("predict", RUN, "x.npy")
    assert handgrad("predict", RUN, "x.npy", "--out", "new/p.csv") == (0, "", "")
    assert (folder / "new/p.csv").read_text() == out
    _, text, _ = handgrad("predict", RUN, "x.npy", "--json")
    for document, row in zip(json.loads(text), rows(out), strict=True):
        assert (document["file"], str(document["row"]), document["class"]) == (row["file"], row["row"], row["class"])
        assert {f"probability_{name}": str(p) for name, p in document["probabilities"].items()}.items() <= row.items()
        assert sum(document["probabilities"].values()) == pytest.approx(1, abs=1e-6)


# --- refusals ---

GREY, FEATURES = image_data(), InputSpec()
UNFIT: dict[str, tuple[Any, str]] = {
    "shape.npy": (np.zeros((4, 3, 2), np.uint8), r"\(4, 3, 2\)"),
    "length.npy": (np.zeros((4, 5), np.uint8), r"\(4, 5\)"),
    "vector.npy": (np.zeros(6, np.uint8), r"\(6,\)"),
    "float.npy": (np.zeros((4, 6)), "float64"),
    "large.npy": (np.full((4, 6), 256), "256"),
    "negative.npy": (np.full((4, 6), -1), "-1"),
    "objects.npy": (np.array([{}, None], object), "pickled"),
    "names.npz": ({"a": np.zeros(2), "b": np.zeros(2)}, "a, b"),
    "damaged.npy": (b"\x93NUMPY\x01\x00", "damaged"),
    "empty.npz": (b"", "npz"),
    "text.png": (b"no image", "not a file of PNG"),
    "rows.csv": (b"a,b\n1,2\n", "not a file of PNG"),
    "size.png": (Image.new("L", (4, 2)), "4 wide"),
    "absent.png": (None, "no such file"),
}


def write_file(path: Path, content: Any) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        np.savez(path, **content)
    elif isinstance(content, Image.Image):
        content.save(path)
    elif content is not None:
        np.save(path, content, allow_pickle=True)


def refused(handgrad: Handgrad, file: str, *arguments: str) -> str:
    """Return the one line on stderr of a prediction that fails and writes nothing."""
    status, out, err = handgrad("predict", RUN, *arguments, file, "--out", "out.csv")
    assert (status, out) == (1, "")
    assert not Path("out.csv").exists()
    (line,) = err.splitlines()
    assert line.startswith(file)
    return line


@pytest.mark.parametrize("file", UNFIT)
def test_a_file_that_does_not_fit_the_images_is_refused(handgrad: Handgrad, folder: Path, file: str) -> None:
    content, found = UNFIT[file]
    write_trained_run(folder / RUN, GREY)
    np.save("right.npy", GREY.test.x)
    write_file(folder / file, content)
    assert pd.Series(refused(handgrad, file, "right.npy")).str.contains(found).all()


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("nan.npy", np.full((2, 6), np.nan), "row 0"),
        ("huge.npy", np.full((2, 6), 1e39), "row 0"),
        ("overflow.npy", np.full((2, 6), 3e38) * [[0], [1]], "row 1"),
        ("complex.npy", np.zeros((2, 6), complex), "complex128"),
        ("text.npy", np.full((2, 6), "a"), "<U1"),
        ("image.png", Image.new("L", (3, 2)), r"\.npy"),
    ],
)
def test_numbers_that_do_not_fit_the_features_are_refused(
    handgrad: Handgrad, folder: Path, file: str, content: Any, found: str
) -> None:
    parts = [Split(split.x.astype(np.float32), split.y) for split in (GREY.train, GREY.test)]
    data = replace(GREY, train=parts[0], test=parts[1], spec=FEATURES)
    write_trained_run(folder / RUN, data, activation="softplus", pixels="raw", learning_rate=1e-6)
    write_file(folder / file, content)
    assert pd.Series(refused(handgrad, file)).str.contains(found).all()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("width,colour\n1,red\n", "height"),
        ("width,colour,height\n1,green,2\n", "green"),
        ("width,colour,height\nx,red,2\n", "x"),
        ("width,colour,height\n,red,2\n", "width"),
        ("", "table.csv"),
    ],
)
def test_a_table_that_does_not_fit_the_columns_is_refused(
    handgrad: Handgrad, folder: Path, text: str, found: str
) -> None:
    write_trained_run(folder / RUN, table(InputSpec(columns=COLUMNS)))
    (folder / "table.csv").write_text(text)
    assert found in refused(handgrad, "table.csv")


# --- the name of a run ---


def write_experiment(folder: Path, place: str) -> TrainingResult:
    """Write an experiment ``mine`` of two runs, and return the better one. place: template of the run files."""
    found = {}
    for slot, rate in enumerate((1e-6, 0.001)):
        path = folder / place.format(run=run_of(learning_rate=rate).name, slot=slot)
        found[path] = write_trained_run(path, digits(), dataset="small", learning_rate=rate)
    summaries = [read_summary(path) for path in found]
    tables = folder / "results/mine/tables"
    made_from = {str(path): one.seal for path, one in zip(found, summaries, strict=True)}
    made_from[str(folder / "results/data/small.h5")] = 64 * "0"
    RESULTS.write(tables / "results.csv", results_table(summaries), made_from)
    aggregate_best_runs.main(results=str(tables / "results.csv"), csv=str(tables / "best_runs.csv"))
    return min(found.values(), key=lambda one: one.state.history[-1].test_faults)


RUNS, SLOTS = "results/runs/small/{run}.h5", "results/mine/search/0/small/final/slot_{slot}_seed_0.h5"


@pytest.fixture
def best(folder: Path) -> TrainingResult:
    return write_experiment(folder, RUNS)


@pytest.mark.parametrize("place", [RUNS, SLOTS], ids=["run", "slot of a search"])
def test_the_best_run_of_an_experiment_is_found_by_name(handgrad: Handgrad, folder: Path, place: str) -> None:
    best = write_experiment(folder, place)
    np.save("x.npy", digits().test.x)
    status, out, err = handgrad("predict", "mine:small:best", "x.npy")
    assert status == 0
    assert best.run.name in err
    assert best.test
    assert [row["class"] for row in rows(out)] == [str(label) for label in best.test.predictions]
    status, out, _ = handgrad("export", "mine:small:best", "--onnx", "digits.onnx")
    assert status == 0
    assert place.format(run=best.run.name, slot=1) in out
    assert best.run.name in Path("digits.md").read_text()


@pytest.mark.usefixtures("best")
@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("mine:mnist:best", "small"),
        ("yours:small:best", "mine"),
        ("mine:small:worst", "mine"),
        ("mine", "mine"),
        ("results/runs/small/absent.h5", "mine"),
    ],
)
def test_a_name_without_a_run_lists_what_exists(handgrad: Handgrad, name: str, exists: str) -> None:
    for command in (("predict", name, "x.npy"), ("export", name, "--onnx", "m.onnx")):
        status, _, err = handgrad(*command)
        assert status == 1
        (line,) = err.splitlines()
        assert line.startswith(name)
        assert exists in line.removeprefix(name)


def test_a_run_that_changed_after_the_table_was_made_is_refused(
    handgrad: Handgrad, folder: Path, best: TrainingResult
) -> None:
    path = f"results/runs/small/{best.run.name}.h5"
    write_trained_run(folder / path, digits(), dataset="small", learning_rate=0.001, epochs=1)
    status, _, err = handgrad("export", "mine:small:best", "--onnx", "m.onnx")
    assert status == 1
    (line,) = err.splitlines()
    assert path in line


def test_a_file_that_is_no_run_is_refused(handgrad: Handgrad, folder: Path) -> None:
    (folder / "other.h5").write_bytes(bytes(1000))
    status, _, err = handgrad("predict", "other.h5", "x.npy")
    assert status == 1
    assert err.startswith("other.h5: ")
    assert len(err.splitlines()) == 1
