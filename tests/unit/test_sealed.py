"""No stored file that was damaged, changed, or is another's passes into a result: one line names it."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from factories import read_data
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import seal, sealed_file
from handgrad.datasets.data import ImageData, Split, write_data
from handgrad.experiment.runs import Run
from handgrad.gradient_check.files import read_check, write_check
from handgrad.network.model import Weights
from handgrad.plots.figure_files import read_figure
from handgrad.plots.style import message_figure, save_figure
from handgrad.storage.checkpoint import (
    Checkpoint,
    Origin,
    furthest_checkpoint,
    path_of,
    write_checkpoint,
)
from handgrad.storage.run_reader import read_arrays, read_summary
from handgrad.storage.run_writer import this_segment, write_run
from handgrad.tables.made import Text, read_made_table, write_made_table
from handgrad.training.loop import Epoch, Evaluation, State, Trained

RUN = Run(
    dataset="digits",
    activation="tanh",
    hidden_units=4,
    learning_rate=0.001,
    batch_size=10,
    epochs=2,
    l2=0.01,
    seed=3,
)


def trained() -> Trained:
    rng = np.random.default_rng(0)
    W = Weights(rng.normal(size=(4, 7)).astype(np.float32), rng.normal(size=(3, 5)).astype(np.float32))
    history = [Epoch(-1.0, 0.2, 0.7, faults, np.nan, -1, 0.5) for faults in (4, 3)]
    Y = rng.dirichlet(np.ones(3), 10).astype(np.float32)
    test = Evaluation(0.7, 3, Y.argmax(axis=1).astype(np.uint8), Y)
    return Trained(RUN, "finished", State(W, history), test, train_examples=20, test_examples=10)


def write_store(path: Path) -> None:
    rng = np.random.default_rng(0)
    splits = [Split(rng.integers(0, 256, (n, 6), np.uint8), rng.integers(0, 3, n, np.uint8)) for n in (20, 10)]
    write_data(path, ImageData(*splits, (2, 3), 255, ("a", "b", "c"), {"a.gz": "beef"}, "the-data"))


def read_store(path: Path) -> Any:
    return read_data(path, "the-data")


def write_run_file(path: Path) -> None:
    made = {"code_digest": "code", "data_digest": "data", "data_content": "content"}
    write_run(path, trained(), [this_segment(1, 2, 1.0)], **made)


def read_run_file(path: Path) -> Any:
    return read_summary(path), read_arrays(path, "weights/W1", "test/probabilities")


def write_check_file(path: Path) -> None:
    numbers = {"limit": 1e-10, "none": None, "nan": float("nan")}
    write_check(path, {"dataset": "digits", "passed": True, "blocks": {"W1": numbers}, "shape": [1, 2]})


def read_check_file(path: Path) -> Any:
    return read_check(path, {"dataset": "digits"})


def write_table_file(path: Path) -> None:
    table = pd.DataFrame({"dataset": ["digits", "mnist"], "accuracy": [1 / 3, 0.5], "faults": [240, 5000]})
    write_made_table(path, table, Text(path.with_suffix(".md"), "words"), made_from={"a.h5": "a" * 64})


def read_table_file(path: Path) -> Any:
    return read_made_table(path, ["dataset", "accuracy", "faults"])


def write_figure_file(path: Path) -> None:
    save_figure(path, message_figure("No runs"))


#: the name of a file of each kind, what writes it, and what reads it
KINDS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], Any]]] = {
    "data": ("digits.h5", write_store, read_store),
    "run": (f"{RUN.name}.h5", write_run_file, read_run_file),
    "check": ("digits_tanh.json", write_check_file, read_check_file),
    "table": ("seeds.csv", write_table_file, read_table_file),
    "figure": ("best.svg", write_figure_file, read_figure),
}
HDF5 = {"data", "run"}


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def refused(path: Path, read: Callable[[Path], Any]) -> str:
    """What is said of a file that is not read."""
    with pytest.raises(HandgradError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "run snakemake again" in said
    assert "\n" not in said
    return said


FLIPS = [100, pytest.param(1000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("kind", [*KINDS, "checksums"])
def test_a_file_with_one_flipped_bit_is_refused_in_one_line(tmp_path: Path, kind: str, flips: int) -> None:
    name, write, read = KINDS["table" if kind == "checksums" else kind]
    path = tmp_path / name
    write(path)
    read(path)  # as it was written it is taken
    damaged = Path(f"{path}.sha256") if kind == "checksums" else path
    content = damaged.read_bytes()
    for bit in random.Random(0).sample(range(8 * len(content)), min(flips, 8 * len(content))):
        damaged.write_bytes(flipped(content, bit))
        refused(path, read)


@pytest.mark.parametrize("flips", FLIPS)
def test_a_checkpoint_with_one_flipped_bit_is_never_gone_on_from(tmp_path: Path, flips: int) -> None:
    origin, path = Origin(RUN, "code", "data"), path_of(tmp_path, RUN)
    whole = trained()
    write_checkpoint(path, Checkpoint(RUN, whole.state, (), whole), origin)
    content = path.read_bytes()
    assert furthest_checkpoint(tmp_path, origin) is not None
    for bit in random.Random(0).sample(range(8 * len(content)), flips):
        path.write_bytes(flipped(content, bit))
        assert furthest_checkpoint(tmp_path, origin) is None
        assert path.with_name(f"{path.name}.rejected").exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"{}", b'{"passed": true}\n', b"[1]", b"\xff\xfe", bytes(3000), b"[" * 50_000],
    ids=["empty", "text", "{}", "passed", "list", "no UTF-8", "zeros", "nested"],
)
def test_what_is_no_file_of_its_kind_is_refused(tmp_path: Path, kind: str, content: bytes) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    path.write_bytes(content)
    assert "delete" in refused(path, read)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kind: str, kept: float) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    assert "delete" in refused(path, read)
    path.write_bytes(content + b"\0")  # as after a copy that was padded
    assert "delete" in refused(path, read)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_place_of_a_file_is_refused_and_so_is_nothing(tmp_path: Path, kind: str) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    path.unlink()
    refused(path, read)
    path.mkdir()
    assert "delete" in refused(path, read)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_the_system_does_not_open_is_to_be_kept(tmp_path: Path, kind: str) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    path.unlink()
    path.symlink_to(path)  # in place of missing permissions, which do not stop root
    with pytest.raises(HandgradError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "Too many levels of symbolic links" in said
    assert "delete" not in said
    assert "\n" not in said


def test_a_run_in_place_of_data_is_refused_and_so_is_the_reverse(tmp_path: Path) -> None:
    write_store(tmp_path / "data.h5")
    write_run_file(tmp_path / "run.h5")
    assert "delete it" in refused(tmp_path / "run.h5", read_store)
    assert "delete it" in refused(tmp_path / "data.h5", read_run_file)


@pytest.mark.parametrize("kind", sorted(HDF5))
def test_a_file_without_a_seal_is_refused_whatever_it_holds(tmp_path: Path, kind: str) -> None:
    """Such as one of an earlier version, with or without a user block of its own."""
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    content = path.read_bytes()
    for unsealed in (content[512:], bytes(512) + content[512:]):
        path.write_bytes(unsealed)
        assert "checksum" in refused(path, read)
    with h5py.File(path, "w") as file:
        file["anything"] = 1
    assert "checksum" in refused(path, read)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("data", lambda file: file["train/x"].write_direct(np.zeros((20, 6), np.uint8))),
        ("data", lambda file: file["test/y"].write_direct(np.zeros(10, np.uint8))),
        ("run", lambda file: file["history/test_loss"].write_direct(np.zeros(2))),
        ("run", lambda file: file["history/test_faults"].write_direct(np.zeros(2, int))),
        ("run", lambda file: file.attrs.modify("l2", 0.02)),
    ],
    ids=["pixels", "labels", "losses", "faults", "an attribute"],
)
def test_a_file_that_h5py_changed_is_refused(tmp_path: Path, kind: str, change: Callable[[h5py.File], None]) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    with h5py.File(path, "r+") as file:
        change(file)
    assert "changed after it was written" in refused(path, read)


def test_a_store_that_other_code_wrote_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a correction of the code that reads published files, with .snakemake removed."""
    write_store(tmp_path / "data.h5")
    monkeypatch.setattr("handgrad.datasets.data.code_digest", lambda _: "newer")
    assert "code_digest" in refused(tmp_path / "data.h5", read_store)


def test_a_table_that_other_code_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table_file(tmp_path / "seeds.csv")
    monkeypatch.setattr("handgrad.tables.made.code_digest", lambda _: "newer")
    assert "other code" in refused(tmp_path / "seeds.csv", read_table_file)


def test_a_table_names_what_it_was_made_from_wherever_it_is_moved(tmp_path: Path) -> None:
    run = tmp_path / "results/runs/digits/a b.h5"
    table = tmp_path / "results/mine/tables/seeds.csv"
    write_made_table(table, pd.DataFrame({"faults": [1]}), made_from={str(run): "a" * 64})
    assert str(tmp_path) not in Path(f"{table}.sha256").read_text()
    shutil.move(tmp_path / "results", tmp_path / "moved")
    made = read_made_table(tmp_path / "moved/mine/tables/seeds.csv", ["faults"])
    made.require_made_from(tmp_path / "moved/runs/digits/a b.h5", "a" * 64)
    for other, digest in (("a b.h5", "b" * 64), ("c.h5", "a" * 64)):
        with pytest.raises(HandgradError, match=rf"seeds\.csv: .*{other}.*delete .*seeds\.csv"):
            made.require_made_from(tmp_path / f"moved/runs/digits/{other}", digest)


def test_sha256sum_takes_the_checksums_of_a_table(tmp_path: Path) -> None:
    import subprocess

    write_table_file(tmp_path / "seeds.csv")
    command = ["sha256sum", "--strict", "-c", "seeds.csv.sha256"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "seeds.md").write_text("other words")
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 1


def test_a_write_that_fails_leaves_the_sealed_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "digits.h5"
    write_store(path)
    with pytest.raises(ZeroDivisionError), sealed_file(path) as file:
        file["train/x"] = 1 / 0
    read_store(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_seal_is_ascii_in_the_first_512_bytes_and_h5py_needs_no_help(tmp_path: Path) -> None:
    path = tmp_path / "digits.h5"
    write_store(path)
    line, _, rest = path.read_bytes()[:512].partition(b"\n")
    assert line.decode("ascii").startswith("handgrad")
    assert not any(rest)
    with h5py.File(path) as file:
        assert file.userblock_size == 512
        assert len(file["train/y"]) == 20
    before = path.read_bytes()
    seal(path)
    assert path.read_bytes() == before
