"""Where data come from: a server, the user's own folder, and what is said when neither has them."""

import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]
SHAPE = (2, 3)


def idx(array: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """An array as a gzipped IDX file."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small dataset in the format of MNIST: 40 training and 20 test images of two classes."""
    rng = np.random.default_rng(0)
    to = tmp_path / "server"
    to.mkdir()
    for split, n in (("train", 40), ("test", 20)):
        y = np.arange(n, dtype=np.uint8) % 2
        x = rng.integers(0, 128, (n, *SHAPE), dtype=np.uint8) + 127 * y[:, None, None]
        (to / f"{split}-x.gz").write_bytes(idx(x.astype(np.uint8)))
        (to / f"{split}-y.gz").write_bytes(idx(y))
    return to


def dataset(folder: Path, mirror: str, **changes: Any) -> dict[str, Any]:
    """The registry entry of the small dataset."""
    files = {}
    for split in ("train", "test"):
        for role, letter in (("images", "x"), ("labels", "y")):
            path = folder / f"{split}-{letter}.gz"
            files[f"{split}_{role}"] = {
                "name": path.name,
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "mirrors": [f"{mirror}/{path.name}"],
            }
    facts = {"format": "idx", "train": 40, "test": 20, "image_shape": [*SHAPE], "largest": 255}
    return {**facts, "class_names": ["dark", "light"], "files": files, **changes}


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """The folder, served over HTTP on the loopback address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address that refuses connections: its port is bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def small(tiny: Tiny, entry: dict[str, Any]) -> dict[str, Any]:
    return tiny(axes={"dataset": "small", "learning_rate": 0.01, "batch_size": 8}, datasets={"small": entry})


def test_a_dataset_of_a_known_format_is_yaml_alone(
    project: Project, tiny: Tiny, folder: Path, server: str
) -> None:
    project.run(small(tiny, dataset(folder, server)))
    with h5py.File(project.path / "results/data/small.h5") as file:
        assert file["train/x"].shape == (40, 6)
        assert dict(zip(file.attrs["source_files"], file.attrs["source_sha256"], strict=True)) == {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
        }
    assert len(project.times("results/runs/small/*.h5")) == 1


def test_a_new_mirror_fetches_nothing_again_and_retrains_nothing(
    project: Project, tiny: Tiny, folder: Path, server: str, nowhere: str
) -> None:
    project.run(small(tiny, dataset(folder, server)))
    files, runs = project.times("resources/small/*"), project.times("results/runs/**/*.h5")
    project.run(small(tiny, dataset(folder, nowhere)))
    assert project.times("resources/small/*") == files
    assert project.times("results/runs/**/*.h5") == runs


def test_files_in_a_folder_of_ones_own_are_used_in_place(
    project: Project, tiny: Tiny, folder: Path, nowhere: str
) -> None:
    project.run(small(tiny, dataset(folder, nowhere, local_dir=str(folder))))
    assert not (project.path / "resources").exists()
    assert len(project.times("results/runs/small/*.h5")) == 1


def test_a_wrong_file_in_a_folder_of_ones_own_is_refused(
    project: Project, tiny: Tiny, folder: Path, nowhere: str
) -> None:
    entry = dataset(folder, nowhere, local_dir=str(folder))
    path = folder / "train-x.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    said = project.refuse(small(tiny, entry))
    line = next(line for line in said.splitlines() if line.startswith(f"{path}: "))
    assert "sha256" in line
    assert not (project.path / "results/data/small.h5").exists()


def test_without_a_network_one_message_says_what_was_tried_and_what_to_do(
    project: Project, tiny: Tiny, folder: Path, nowhere: str
) -> None:
    said = project.refuse(small(tiny, dataset(folder, nowhere)), "--until", "download_file")
    for text in (
        f"{nowhere}/train-x.gz",
        "cannot connect",
        "resources/small/train-x.gz",
        "local_dir",
        "make quick",
    ):
        assert text in said
    assert not list((project.path / "resources").rglob("*.gz"))
    assert not list((project.path / "resources").rglob(".*part*"))
