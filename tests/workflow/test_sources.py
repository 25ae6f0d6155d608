"""Sources of data: downloads from a server, or files in a folder of the user."""

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from .conftest import TINY, Project, copy_project, made_once, written
from .mirrors import idx, serving

SHAPE = (2, 3)
DATA = "results/data/small.h5"
RUNS = "results/runs/small/*.h5"
FILES = "resources/small/*"


def make_folder(to: Path, *, seed: int = 0) -> Path:
    """Write a small dataset in the format of MNIST: 40 training and 20 test images of two classes."""
    rng = np.random.default_rng(seed)
    to.mkdir()
    for split, n in (("train", 40), ("test", 20)):
        y = np.arange(n, dtype=np.uint8) % 2
        x = rng.integers(0, 128, (n, *SHAPE), dtype=np.uint8) + 127 * y[:, None, None]
        (to / f"{split}-x.gz").write_bytes(idx(x.astype(np.uint8)))
        (to / f"{split}-y.gz").write_bytes(idx(y))
    return to


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def small(folder: Path, mirror: str = "http://127.0.0.1:9", **changes: Any) -> dict[str, Any]:
    """Return the tiny experiment with one run on the small dataset; changes: keys of its registry entry."""
    files = {
        f"{split}_{role}": {
            "name": (name := f"{split}-{letter}.gz"),
            "size": (folder / name).stat().st_size,
            "sha256": checksums(folder)[name],
            "mirrors": [f"{mirror}/{name}"],
        }
        for split in ("train", "test")
        for role, letter in (("images", "x"), ("labels", "y"))
    }
    facts = {"format": "idx", "train": 40, "test": 20, "image_shape": [*SHAPE], "largest": 255}
    entry = {**facts, "class_names": ["dark", "light"], "files": files, **changes}
    axes = {**TINY["experiments"][0], "dataset": "small", "learning_rate": 0.01, "batch_size": 8}
    return {**TINY, "experiments": [axes], "datasets": {"small": entry}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "server")


@pytest.fixture
def downloaded(shared: Path, folder: Path, tmp_path: Path) -> Project:
    """A copy of the repository that has downloaded the small dataset and trained on it."""

    def download(project: Project) -> None:
        with serving(folder) as address:
            project.train(small(folder, address))

    return copy_project(made_once(shared, "downloaded", download), tmp_path / "project")


def sources(project: Project) -> dict[str, str]:
    """Return the source files of the small dataset with their checksums."""
    with h5py.File(project.path / DATA) as file:
        assert file["train/x"].shape == (40, 6)
        return dict(zip(file.attrs["source_files"], file.attrs["source_sha256"], strict=True))


@pytest.mark.slow
def test_a_dataset_needs_only_yaml_and_a_new_mirror_reruns_nothing(downloaded: Project, folder: Path) -> None:
    assert sources(downloaded) == checksums(folder)
    assert len(downloaded.times(RUNS)) == 1
    assert downloaded.plan(small(folder, "http://127.0.0.1:9"), "--until", "train_run") == {}


AGAIN = {"preprocess_dataset": 1, "check_gate": 1, "train_run": 1}


@pytest.mark.slow
def test_only_the_changed_file_is_downloaded_again(downloaded: Project, folder: Path, tmp_path: Path) -> None:
    files = downloaded.times(FILES)
    shutil.copy2(make_folder(tmp_path / "other", seed=1) / "train-x.gz", folder)
    with serving(folder) as address:
        assert downloaded.plan(small(folder, address), "--until", "train_run") == {"download_file": 1, **AGAIN}
        downloaded.run(small(folder, address), "--until", "preprocess_dataset")
    assert written(files, downloaded.times(FILES)) == {"resources/small/train-x.gz"}
    assert sources(downloaded) == checksums(folder)


@pytest.mark.slow
def test_files_of_local_dir_are_used_in_place(downloaded: Project, folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(downloaded.path / "resources")
    config = small(folder, local_dir=str(folder))
    assert downloaded.plan(config, "--until", "train_run") == AGAIN
    downloaded.run(config, "--until", "preprocess_dataset")
    assert sources(downloaded) == checksums(folder)
    assert not (downloaded.path / "resources").exists()
    moved = folder.rename(tmp_path / "moved")
    assert downloaded.plan(small(moved, local_dir=str(moved)), "--until", "preprocess_dataset") == {}


@pytest.mark.slow
def test_files_dated_in_the_future_are_used(downloaded: Project, folder: Path) -> None:
    table = downloaded.path / "config/mine.csv"
    header = (downloaded.path / "config/published_results.csv").read_text().splitlines()[0]
    table.write_text(f"{header}\nsmall,tanh,5,0.01,8,1,0.01,90.0,2,20,0.5,,\n")
    for path in [table, *downloaded.path.glob("resources/small/*"), *downloaded.path.glob("results/**/*.*")]:
        os.utime(path, (time.time() + 3 * 3600,) * 2)
    config = {**small(folder), "published": {"table": str(table), "loss_divisor": {"small": 1}}}
    config["experiments"][0]["learning_rate"] = [0.01, 0.02]
    jobs = downloaded.plan(config, "results/tiny/tables/comparison.csv")
    assert jobs["train_run"] == 1
    assert jobs.keys().isdisjoint({"download_file", "preprocess_dataset", "check_gate"})
    downloaded.run(config, "results/tiny/tables/comparison.csv")
    log = next(downloaded.path.glob("results/logs/train_run/small/*lr_0.01*"))
    assert log.stat().st_mtime > time.time()  # the job did not run again
