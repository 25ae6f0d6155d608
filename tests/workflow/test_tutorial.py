"""Every command of docs/tutorial.md works as the page shows; tests/slurm has those of the cluster."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from .mirrors import idx, serving
from .tutorial import CLUSTER, PAGE, Reader, blocks


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """An address that has small stand-ins for the files of Fashion-MNIST."""
    folder, rng = tmp_path / "server", np.random.default_rng(0)
    folder.mkdir()
    for split, n in (("train", 500), ("t10k", 100)):
        y = np.arange(n, dtype=np.uint8) % 10
        x = rng.integers(0, 20, (n, 28, 28), dtype=np.uint8) + 20 * y[:, None, None]
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(idx(x))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx(y))
    with serving(folder) as address:
        yield address


def use_stand_ins(clone: Path, folder: Path, address: str) -> None:
    """Let the registry of a clone name the stand-ins, so that what the page says works without a network."""
    path = clone / "config/datasets.yaml"
    registry = yaml.safe_load(path.read_text())
    entry = registry["datasets"]["fashion_mnist"]
    entry |= {"train": 500, "test": 100}
    for file in entry["files"].values():
        content = (folder / file["name"]).read_bytes()
        file |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        file["mirrors"] = [f"{address}/{file['name']}"]
    path.write_text(yaml.safe_dump(registry, sort_keys=False))


@pytest.mark.slow
def test_every_command_of_the_tutorial_does_in_a_fresh_clone_what_the_page_shows(
    tmp_path: Path, mirror: str
) -> None:
    reader = Reader(tmp_path)
    first, *others = [block for block in blocks(PAGE.read_text()) if block.section != CLUSTER]
    reader.follow(first)
    use_stand_ins(reader.folder, tmp_path / "server", mirror)
    for block in others:
        reader.follow(block)
