"""Every command of docs/tutorial.md works as the page shows. tests/slurm tests the section on clusters."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml

from .mirrors import idx, serving
from .tutorial import CLUSTER, PAGE, Reader, blocks, fits


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a server with small substitutes for the files of Fashion-MNIST."""
    folder, rng = tmp_path / "server", np.random.default_rng(0)
    folder.mkdir()
    for split, n in (("train", 500), ("t10k", 100)):
        y = np.arange(n, dtype=np.uint8) % 10
        x = rng.integers(0, 20, (n, 28, 28), dtype=np.uint8) + 20 * y[:, None, None]
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(idx(x))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx(y))
    with serving(folder) as address:
        yield address


def use_substitutes(clone: Path, folder: Path, address: str) -> None:
    """Replace Fashion-MNIST in the registry of a clone by the substitutes, so that no network is needed."""
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
def test_every_command_of_the_tutorial_does_what_the_page_shows(tmp_path: Path, mirror: str) -> None:
    first, *others = [block for block in blocks(PAGE.read_text()) if block.section != CLUSTER]
    with closing(Reader(tmp_path)) as reader:
        reader.follow(first)
        assert (reader.folder / "results/quick/summary.html").stat().st_size > 500_000
        assert (reader.folder / "results/quick/report.html").stat().st_size > 1_000_000
        reader.type("git status --porcelain", [])
        use_substitutes(reader.folder, tmp_path / "server", mirror)
        for block in others:
            reader.follow(block)


def test_every_block_of_the_tutorial_is_followed_or_says_why_not() -> None:
    text = PAGE.read_text()
    found = blocks(text)
    skipped = re.findall(r"^<!-- not run: needs your files -->\n```", text, re.MULTILINE)
    assert len(found) + len(skipped) == text.count("\n```") / 2
    assert {block.language for block in found} == {"console", "yaml", "diff"}
    assert CLUSTER in {block.section for block in found}


@pytest.mark.parametrize(
    ("shown", "output", "expected"),
    [
        (["one", "two"], "one\n\ntwo\n", True),
        ([], "", True),
        ([], "a warning\n", False),
        (["...", "two", "..."], "one\ntwo\nthree\n", True),
        (["one", "...", "two"], "one\ntwo\n", True),
        (["...", "two", "...", "one", "..."], "one\ntwo\n", False),
        (["one"], "one\ntwo\n", False),
        (["a ... c (d)"], "a b c (d)\n", True),
        (["12 runs in 1.5 s"], "13 runs in 1.5 s\n", False),
        (["| 91.11% |   32/360 |       0.1 |"], "| 9.12% | 327/360 | 12.3 |\n", True),
        (["| tanh |   50 | 91.11% |"], "| tanh |  100 | 91.11% |\n", False),
    ],
)
def test_only_dots_and_measured_numbers_match_other_text(shown: list[str], output: str, *, expected: bool) -> None:
    assert fits(shown, output) == expected
