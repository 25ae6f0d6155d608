"""Every command of docs/tutorial.md works as the page shows; tests/slurm has those of the cluster."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from .mirrors import idx, serving
from .tutorial import CLUSTER, PAGE, Block, Reader, blocks, unseen


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
def test_every_command_of_the_tutorial_does_in_a_fresh_clone_what_the_page_shows(tmp_path: Path, mirror: str) -> None:
    reader = Reader(tmp_path)
    first, *others = [block for block in blocks(PAGE.read_text()) if block.section != CLUSTER]
    reader.follow(first)
    use_stand_ins(reader.folder, tmp_path / "server", mirror)
    for block in others:
        reader.follow(block)


def test_every_block_of_the_tutorial_is_one_that_the_tests_follow() -> None:
    text = PAGE.read_text()
    found = blocks(text)
    assert len(found) == text.count("\n```") / 2
    assert {block.language for block in found} == {"console", "yaml", "diff"}
    assert CLUSTER in {block.section for block in found}


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        pytest.param(["one", "two"], "one\n\ntwo\n", id="blank lines"),
        pytest.param([], "", id="nothing"),
        pytest.param(["...", "two", "..."], "one\ntwo\nthree\n", id="lines left out"),
        pytest.param(["one", "...", "two"], "one\ntwo\n", id="no line left out"),
        pytest.param(["a ... c (d)"], "a b c (d)\n", id="text left out"),
        pytest.param(["| 91.11% |   32/360 |       0.1 |"], "| 9.12% | 327/360 | 12.3 |\n", id="measured"),
        pytest.param(["| digits | ..."], "| digits  | tanh |\n", id="columns left out"),
    ],
)
def test_what_is_shown_may_leave_out_what_it_says_that_it_does(shown: list[str], said: str) -> None:
    assert unseen(shown, said) is None


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        pytest.param([], "a warning\n", id="more than nothing"),
        pytest.param(["one"], "one\ntwo\n", id="more at the end"),
        pytest.param(["two"], "one\ntwo\n", id="more at the begin"),
        pytest.param(["...", "one", "three", "..."], "one\ntwo\nthree\n", id="more between"),
        pytest.param(["...", "two", "...", "one", "..."], "one\ntwo\n", id="another order"),
        pytest.param(["...", "onee", "..."], "one\n", id="another text"),
        pytest.param(["12 runs in 1.5 s"], "13 runs in 1.5 s\n", id="another number"),
        pytest.param(["| tanh |   50 | 91.11% |"], "| tanh |  100 | 91.11% |\n", id="another number in a table"),
        pytest.param(["| 91.11% |"], "| |\n", id="no number in a table"),
    ],
)
def test_what_was_not_said_so_is_missed(shown: list[str], said: str) -> None:
    assert unseen(shown, said) is not None


def console(*lines: str) -> Block:
    return Block("", "console", lines)


def test_commands_are_those_of_one_shell(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.follow(console("$ mkdir a && cd a", "$ export B=b", "$ echo $B in $(basename $PWD)", "b in a"))


def test_a_command_that_fails_where_the_page_shows_no_failure_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exit status 1"):
        Reader(tmp_path).follow(console("$ false"))
    with pytest.raises(AssertionError, match="exit status 0"):
        Reader(tmp_path / "home").follow(console("$ echo 'make: *** no'", "make: *** no"))


def test_a_change_of_what_is_not_there_is_noticed(tmp_path: Path) -> None:
    reader, block = Reader(tmp_path), Block("", "diff", ("# file", " one", "-two", "+three"))
    reader.follow(Block("", "yaml", ("# file", "one", "two")))
    reader.follow(block)
    assert (tmp_path / "file").read_text() == "# file\none\nthree\n"
    with pytest.raises(AssertionError, match="does not hold once"):
        reader.follow(block)
