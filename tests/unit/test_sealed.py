"""A stored file that was damaged, changed or exchanged is refused, with one line that names it."""

import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from factories import RUN, USE, image_data, read_data, seal, trained
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import sealed_file
from handgrad.common.sealed_json import write_sealed_json
from handgrad.datasets.data import write_data
from handgrad.gradient_check.files import read_check
from handgrad.plots.figure_files import read_figure
from handgrad.plots.style import message_figure, save_figure
from handgrad.storage.run_reader import read_arrays, read_summary
from handgrad.storage.run_writer import this_segment, write_run
from handgrad.tables.columns import plain_column
from handgrad.tables.table import TableKind


def write_store(path: Path) -> None:
    write_data(path, image_data())


def read_store(path: Path) -> Any:
    return read_data(path, "data")


def write_run_file(path: Path) -> None:
    digests = {"code_digest": "code", "data_digest": "data", "data_content": "content"}
    write_run(path, trained(), [this_segment(1, 2, 1.0)], **digests, **USE)


def read_run_file(path: Path) -> Any:
    return read_summary(path), read_arrays(path, "weights/W1", "test/probabilities")


def write_check_file(path: Path) -> None:
    numbers = {"limit": 1e-10, "none": None, "nan": float("nan")}
    write_sealed_json(path, {"dataset": "digits", "passed": True, "blocks": {"W1": numbers}, "shape": [1, 2]})


TABLE = TableKind(
    name="seeds",
    types={"dataset": "str", "accuracy": "float64", "faults": "Int64"},
    title="words",
    columns=lambda table: [plain_column(table, "dataset")],
    lines=lambda _: [],
)


def write_table_file(path: Path, made_from: Mapping[str, str] = {"a.h5": "a" * 64}) -> None:
    table = pd.DataFrame({"dataset": ["digits", "mnist"], "accuracy": [1 / 3, 0.5], "faults": [240, 5000]})
    TABLE.write(path, table, made_from)


#: for each kind of file: its name, its writer and its reader
KINDS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], Any]]] = {
    "data": ("digits.h5", write_store, read_store),
    "run": (f"{RUN.name}.h5", write_run_file, read_run_file),
    "check": ("digits_tanh.json", write_check_file, lambda path: read_check(path, {"dataset": "digits"})),
    "table": ("seeds.csv", write_table_file, TABLE.read),
    "figure": ("best.svg", lambda path: save_figure(path, message_figure("No runs")), read_figure),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an unchanged file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    for name, write, _ in KINDS.values():
        write(folder / name)
    return folder


@pytest.fixture
def written(whole_files: Path, tmp_path: Path) -> Callable[[str], tuple[Path, Callable[[Path], Any]]]:
    """Return a function that returns a copy of the file of a kind, and its reader."""
    shutil.copytree(whole_files, tmp_path / "files")
    return lambda kind: (tmp_path / "files" / KINDS[kind][0], KINDS[kind][2])


Written = Callable[[str], tuple[Path, Callable[[Path], Any]]]


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def refused(path: Path, read: Callable[[Path], Any]) -> str:
    """Return the message with which a file is refused."""
    with pytest.raises(HandgradError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "run snakemake again" in said
    assert "\n" not in said
    return said


@pytest.mark.parametrize("kind", [*KINDS, "checksums"])
def test_a_file_with_one_flipped_bit_is_refused_in_one_line(written: Written, kind: str) -> None:
    path, read = written("table" if kind == "checksums" else kind)
    read(path)  # the unchanged file is accepted
    damaged = Path(f"{path}.sha256") if kind == "checksums" else path
    content = damaged.read_bytes()
    for bit in random.Random(0).sample(range(8 * len(content)), min(100, 8 * len(content))):
        damaged.write_bytes(flipped(content, bit))
        refused(path, read)


@every_kind
def test_what_is_no_file_of_its_kind_is_refused(written: Written, kind: str) -> None:
    path, read = written(kind)
    whole = path.read_bytes()
    foreign = [b"", b"garbage", b"{}", b'{"passed": true}\n', b"[1]", b"\xff\xfe", bytes(3000), b"[" * 50_000]
    truncated = [whole[: int(kept * len(whole))] for kept in (0.01, 0.1, 0.5, 0.99)]
    padded = whole + b"\0"  # some programs pad the files that they copy
    for content in [*foreign, *truncated, padded]:
        path.write_bytes(content)
        assert "delete" in refused(path, read)
    path.unlink()
    refused(path, read)
    path.mkdir()
    assert "delete" in refused(path, read)


@every_kind
def test_a_file_that_the_system_does_not_open_is_to_be_kept(written: Written, kind: str) -> None:
    path, read = written(kind)
    path.unlink()
    path.symlink_to(path)  # instead of missing permissions, which root ignores
    with pytest.raises(HandgradError, match=r"^[^\n]*Too many levels of symbolic links[^\n]*$") as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "delete" not in str(caught.value)


@pytest.mark.parametrize("kind", ["data", "run"])
def test_a_file_without_a_seal_or_of_another_kind_is_refused(written: Written, kind: str) -> None:
    """For example a file of an earlier version, with or without a user block."""
    path, read = written(kind)
    content = path.read_bytes()
    other = path.with_name(KINDS["run" if kind == "data" else "data"][0])
    assert "delete" in refused(other, read)
    for unsealed in (content[512:], bytes(512) + content[512:]):
        path.write_bytes(unsealed)
        assert "checksum" in refused(path, read)
    with h5py.File(path, "w") as file:
        file["anything"] = 1
    assert "checksum" in refused(path, read)


@pytest.mark.parametrize(("kind", "module"), [("data", "datasets.data"), ("table", "tables.table")])
def test_a_file_that_other_code_made_is_refused(
    written: Written, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    """For example after a change of the code, if .snakemake was deleted."""
    path, read = written(kind)
    monkeypatch.setattr(f"handgrad.{module}.code_digest", lambda _: "newer")
    assert "code" in refused(path, read)


def test_a_table_names_what_it_was_made_from_wherever_it_is_moved(tmp_path: Path) -> None:
    run = tmp_path / "results/runs/digits/a b.h5"
    table = tmp_path / "results/mine/tables/seeds.csv"
    write_table_file(table, {str(run): "a" * 64})
    assert str(tmp_path) not in Path(f"{table}.sha256").read_text()
    shutil.move(tmp_path / "results", tmp_path / "moved")
    made = TABLE.read(tmp_path / "moved/mine/tables/seeds.csv")
    made.require_made_from(tmp_path / "moved/runs/digits/a b.h5", "a" * 64)
    for other, digest in (("a b.h5", "b" * 64), ("c.h5", "a" * 64)):
        with pytest.raises(HandgradError, match=rf"seeds\.csv: .*{other}.*delete .*tables"):
            made.require_made_from(tmp_path / f"moved/runs/digits/{other}", digest)


def test_sha256sum_takes_the_checksums_of_a_table(written: Written) -> None:
    path, _ = written("table")
    command = ["sha256sum", "--strict", "-c", "seeds.csv.sha256"]
    assert subprocess.run(command, cwd=path.parent, check=False).returncode == 0
    path.with_suffix(".md").write_text("other words")
    assert subprocess.run(command, cwd=path.parent, check=False).returncode == 1


def test_a_write_that_fails_leaves_the_sealed_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "digits.h5"
    write_store(path)
    with pytest.raises(ZeroDivisionError), sealed_file(path) as file:
        file["train/x"] = 1 / 0
    read_store(path)
    assert list(tmp_path.iterdir()) == [path]


def test_h5py_opens_a_sealed_file_without_help(written: Written) -> None:
    path, _ = written("data")
    with h5py.File(path) as file:
        assert len(file["train/y"]) == 20
    assert path.read_bytes()[:512].rstrip(b"\0").decode("ascii").startswith("handgrad")


OTHER_KINDS: dict[str, Any] = {
    "attribute other": [np.arange(1000), np.bytes_(b"of fixed length"), np.ones(2) > 0],
    "can't decode": [np.array(b"\xff\xfe", h5py.string_dtype())],
    "test_faults": [np.array([272.9, 1]), np.array([272, 1], "int16"), np.int64(272)],
}


@pytest.mark.parametrize(("named", "value"), [(name, one) for name, kinds in OTHER_KINDS.items() for one in kinds])
def test_a_run_file_with_values_of_another_kind_is_refused(tmp_path: Path, named: str, value: Any) -> None:
    path = tmp_path / "run.h5"
    write_run_file(path)
    with h5py.File(path, "r+") as file:
        if named == "test_faults":
            del file["history"][named]
            file["history"][named] = value
        else:
            file.attrs["other"] = value
    seal(path)
    with pytest.raises(HandgradError, match=rf"run\.h5: cannot be read as a run file .*{named}"):
        read_summary(path)
