"""Where data come from: a server, the user's own folder, and what is said when neither has them."""

import hashlib
import os
import re
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from .conftest import TINY, Project, copy_repository, written
from .mirrors import idx, serving

SHAPE = (2, 3)
DATA = "results/data/small.h5"
RUNS = "results/runs/small/*.h5"


def make_folder(to: Path, *, seed: int = 0) -> Path:
    """A small dataset in the format of MNIST: 40 training and 20 test images of two classes."""
    rng = np.random.default_rng(seed)
    to.mkdir()
    for split, n in (("train", 40), ("test", 20)):
        y = np.arange(n, dtype=np.uint8) % 2
        x = rng.integers(0, 128, (n, *SHAPE), dtype=np.uint8) + 127 * y[:, None, None]
        (to / f"{split}-x.gz").write_bytes(idx(x.astype(np.uint8)))
        (to / f"{split}-y.gz").write_bytes(idx(y))
    return to


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "server")


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
    with serving(folder) as address:
        yield address


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address that refuses connections: its port is bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def small(entry: dict[str, Any]) -> dict[str, Any]:
    """The tiny experiment, with one run, on the small dataset."""
    axes = {**TINY["experiments"][0], "dataset": "small", "learning_rate": 0.01, "batch_size": 8}
    return {**TINY, "experiments": [axes], "datasets": {"small": entry}}


@pytest.fixture(scope="module")
def _downloaded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    to = tmp_path_factory.mktemp("downloaded")
    project, folder = copy_repository(to / "project"), make_folder(to / "server")
    with serving(folder) as address:
        project.train(small(dataset(folder, address)))
    return project


@pytest.fixture
def downloaded(_downloaded: Project, tmp_path: Path) -> Project:
    """A copy of the repository in which the small dataset has been downloaded and trained on."""
    to = tmp_path / "project"
    shutil.copytree(_downloaded.path, to)  # keeps the files' times
    return Project(to)


def made(project: Project) -> dict[str, int]:
    """When the small dataset and its run were written."""
    return {**project.times(DATA), **project.times(RUNS)}


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def sources(project: Project) -> dict[str, str]:
    """The files that the small dataset was made from, with their checksums."""
    with h5py.File(project.path / DATA) as file:
        return dict(zip(file.attrs["source_files"], file.attrs["source_sha256"], strict=True))


def test_a_dataset_of_a_known_format_is_yaml_alone(downloaded: Project, folder: Path) -> None:
    assert sources(downloaded) == checksums(folder)
    with h5py.File(downloaded.path / DATA) as file:
        assert file["train/x"].shape == (40, 6)
    assert len(downloaded.times(RUNS)) == 1


def test_a_new_mirror_fetches_nothing_again_and_retrains_nothing(
    downloaded: Project, folder: Path, nowhere: str
) -> None:
    files, runs = downloaded.times("resources/small/*"), downloaded.times(RUNS)
    downloaded.train(small(dataset(folder, nowhere)))
    assert downloaded.times("resources/small/*") == files
    assert downloaded.times(RUNS) == runs


@pytest.mark.slow
def test_another_file_under_the_same_name_is_fetched_and_what_is_made_from_it_made_again(
    downloaded: Project, folder: Path, server: str, tmp_path: Path
) -> None:
    files, before = downloaded.times("resources/small/*"), made(downloaded)
    other = make_folder(tmp_path / "other", seed=1)
    shutil.copy2(other / "train-x.gz", folder)
    downloaded.train(small(dataset(folder, server)))
    assert written(files, downloaded.times("resources/small/*")) == {"resources/small/train-x.gz"}
    assert written(before, made(downloaded)) == set(before)
    assert sources(downloaded) == checksums(folder)


@pytest.mark.slow
def test_the_same_files_in_a_folder_of_ones_own_make_the_data_again_and_fetch_nothing(
    downloaded: Project, folder: Path, nowhere: str
) -> None:
    files, before = downloaded.times("resources/small/*"), made(downloaded)
    downloaded.train(small(dataset(folder, nowhere, local_dir=str(folder))))
    assert downloaded.times("resources/small/*") == files
    assert written(before, made(downloaded)) == set(before)
    assert sources(downloaded) == checksums(folder)


def test_files_in_a_folder_of_ones_own_are_used_in_place(project: Project, folder: Path, nowhere: str) -> None:
    project.train(small(dataset(folder, nowhere, local_dir=str(folder))))
    assert not (project.path / "resources").exists()
    assert len(project.times(RUNS)) == 1


def date_in_the_future(files: Iterable[Path]) -> None:
    for file in files:
        os.utime(file, (time.time() + 3 * 3600,) * 2)


@pytest.mark.slow
def test_data_and_results_dated_in_the_future_are_used(project: Project, folder: Path, nowhere: str) -> None:
    date_in_the_future(folder.iterdir())
    config = small(dataset(folder, nowhere, local_dir=str(folder)))
    project.train(config)
    before = made(project)
    assert len(before) == 2
    project.train(config)
    assert made(project) == before
    date_in_the_future(path for path in project.path.glob("results/**/*") if path.is_file())
    config["experiments"][0]["learning_rate"] = [0.01, 0.02]
    project.train(config)
    assert len(project.times(RUNS)) == 2
    log = next(project.path.glob("results/logs/train_run/small/*lr_0.01*"))
    assert log.stat().st_mtime > time.time()  # it was not run again


@pytest.mark.slow
def test_downloads_and_a_published_table_dated_in_the_future_are_used(
    downloaded: Project, folder: Path, nowhere: str
) -> None:
    (downloaded.path / DATA).unlink()
    date_in_the_future((downloaded.path / "resources/small").iterdir())
    table = downloaded.path / "config/mine.csv"
    header = (downloaded.path / "config/published_results.csv").read_text().splitlines()[0]
    table.write_text(f"{header}\nsmall,tanh,5,0.01,8,1,0.01,90.0,2,20,0.5,,\n")
    date_in_the_future([table])
    published = {"table": str(table), "loss_divisor": {"small": 1}}
    config = {**small(dataset(folder, nowhere)), "published": published}
    downloaded.run(config, "--until", "aggregate_comparison", "aggregate_best")
    assert downloaded.times("results/tiny/tables/*.csv")


@pytest.mark.slow
def test_labels_of_one_class_are_said_on_terminal_log_page_and_check(
    project: Project, folder: Path, nowhere: str
) -> None:
    for split, n in (("train", 40), ("test", 20)):
        (folder / f"{split}-y.gz").write_bytes(idx(np.zeros(n, np.uint8)))
    config = small(dataset(folder, nowhere, local_dir=str(folder)))
    said = project.run(config)
    page = (project.path / "results/tiny/summary.html").read_text()
    log = (project.path / "results/logs/preprocess_dataset/small.log").read_text()
    checked = project.handgrad("check", project.write_config(config)).stderr
    for text in (said, log, page, checked):
        assert "all 40 training images are of class 0" in text
        assert "all 20 test images are of class 0" in text


def test_a_wrong_file_in_a_folder_of_ones_own_is_refused(project: Project, folder: Path, nowhere: str) -> None:
    entry = dataset(folder, nowhere, local_dir=str(folder))
    path = folder / "train-x.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    said = project.refuse(small(entry))
    line = next(line for line in said.splitlines() if line.startswith(f"{path}: "))
    assert "sha256" in line
    assert not (project.path / DATA).exists()


@pytest.mark.slow
def test_without_a_network_each_file_has_one_short_message_of_what_was_tried_and_what_to_do(
    project: Project, folder: Path, nowhere: str
) -> None:
    said = project.refuse(small(dataset(folder, nowhere)), "--until", "download_file")
    for file in folder.iterdir():
        message = message_on(f"resources/small/{file.name}", said)
        assert len(message) <= 5
        for text in (f"{nowhere}/{file.name}: cannot connect", "datasets.small.local_dir", "make quick"):
            assert sum(text in line for line in message) == 1
    assert said.count("cannot connect") == said.count("make quick") == len(list(folder.iterdir())) == 4
    assert not list((project.path / "resources").rglob("*.gz"))
    assert not list((project.path / "resources").rglob(".*part*"))


@pytest.mark.slow
def test_the_status_of_a_failed_download_tells_what_a_mirror_said_and_which_log_has_the_rest(
    project: Project, folder: Path, nowhere: str
) -> None:
    config = small(dataset(folder, nowhere))
    project.refuse(config, "--until", "download_file")
    said = project.handgrad("status", project.write_config(config)).stdout
    for file in folder.iterdir():
        reason = rf"no mirror had it: {nowhere}/{file.name}: cannot connect \(.+\)"
        log = f"results/logs/download_file/small/{file.name}.log"
        assert re.search(rf"^  download_file small/{file.name}: .+{reason}.*\n    log: {log}$", said, re.M)
        assert "make quick" in (project.path / log).read_text()


def message_on(path: str, said: str) -> list[str]:
    """The only message on a file: the line that begins with its name, and the indented ones below it."""
    lines = said.splitlines()
    (start,) = (number for number, line in enumerate(lines) if line.startswith(f"{path}: "))
    return [lines[start], *takewhile(lambda line: line.startswith("  "), lines[start + 1 :])]
