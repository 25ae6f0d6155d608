"""Each code block of README and the how-to guides runs here, or the comment on the line before it says why not.

``<!-- not run: REASON -->`` gives one of ``REASONS``. ``<!-- run by FILE -->`` names the test file that runs the block.
"""

import hashlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from factories import digits
from handgrad.network import activations
from handgrad.network.activations import ACTIVATIONS, Activation

from .conftest import ROOT, TINY, Project, copy_repository
from .own_data import write_own_data

PAGES = [ROOT / "README.md", ROOT / "config/README.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]
REASONS = {
    "needs a cluster",
    "needs a Git host",
    "needs a container engine",
    "needs conda",
    "takes minutes",
    "shows the output on one machine",
}
#: replacements that need no time, network or terminal, by page
SHORTER = {
    "snakemake --cores 8": "snakemake --dry-run",
    "snakemake --cores 1": "snakemake --dry-run",
    "handgrad prune config": "handgrad prune --yes config",
    "archive mine.yaml": "archive config/tiny.yaml",
    "archives/mine": "archives/tiny",
    "mine:digits": "tiny:digits",
    "compare mine other": "compare tiny tiny",
}


@dataclass(frozen=True)
class Block:
    """A fenced block, and the comment on the line before it."""

    page: str
    language: str
    text: str
    comment: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.splitlines()[0]}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, in order; those that Sphinx executes, such as ``{toctree}``, are not code."""
    pattern = r"^(?: *<!-- ([^\n]*) -->\n)?( *)```(\w*)\n(.*?)^\2```$"
    for comment, indent, language, text in re.findall(pattern, page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        text = re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
        yield Block(str(page.relative_to(ROOT)), language, text, comment)


BLOCKS = [block for page in PAGES for block in blocks(page)]
#: the blocks that a test of this file runs
RUN = [block for block in BLOCKS if not block.comment]
COMMANDS = [block for block in RUN if block.language in ("bash", "console")]
FINISHED = [block for block in COMMANDS if re.search("handgrad (prune|archive|predict|export|compare)", block.text)]


def of_language(language: str) -> pytest.MarkDecorator:
    """Run a test for each block of a language."""
    return pytest.mark.parametrize("block", [block for block in RUN if block.language == language], ids=str)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy of the repository for commands that change no results."""
    project = copy_repository(tmp_path_factory.mktemp("docs") / "project")
    write_own_data(project.path)
    return project


def run_commands(project: Project, block: Block) -> None:
    """Run the commands of a block in a project, and compare the output that the block shows."""
    own = [other.text for other in BLOCKS if other.page == block.page and other.text.startswith("# mine.yaml")]
    (project.path / "mine.yaml").write_text(own[0] if own else yaml.safe_dump(TINY))
    text = block.text if block.language == "console" else re.sub("^", "$ ", block.text.rstrip(), flags=re.MULTILINE)
    for command, shown in re.findall(r"^\$ (.*)\n?((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        for long, short in SHORTER.items():
            command = command.replace(long, short)
        program, *arguments = shlex.split(command, comments=True)
        if program == "source":
            continue
        done = {"handgrad": project.handgrad, "snakemake": project.snakemake}[program](*arguments)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        assert shown in done.stdout


def test_each_block_is_run_or_says_why_not() -> None:
    for block in BLOCKS:
        kind, _, rest = block.comment.partition(": " if block.comment.startswith("not run") else " by ")
        if kind == "not run":
            assert rest in REASONS, block
        elif kind == "run":
            assert (ROOT / rest).exists(), block
        else:
            assert not kind, block
            assert block.language in ("yaml", "bash", "console", "python"), block


def test_blocks_are_fenced() -> None:
    for page in PAGES:
        text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert not re.search(r"\n\n    ", text), page


@pytest.mark.slow
@of_language("yaml")
def test_yaml_is_a_correct_experiment_file(block: Block, copy: Project, tmp_path: Path) -> None:
    text = block.text
    if text.startswith(" "):  # one axis
        text = f"experiments:\n  - dataset: mnist\n{text}"
    registry = (ROOT / "config/datasets.yaml").read_text()
    for entry in yaml.safe_load(registry)["datasets"]["mnist"]["files"].values() if "/data/mnist" in text else ():
        (tmp_path / entry["name"]).write_bytes(bytes(entry["size"]))
        registry = registry.replace(entry["sha256"], hashlib.sha256(bytes(entry["size"])).hexdigest())
    (copy.path / "config/datasets.yaml").write_text(registry)
    (copy.path / "block.yaml").write_text(text.replace("/data/mnist", str(tmp_path)))
    done = copy.handgrad("check", "block.yaml")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("block", [block for block in COMMANDS if block not in FINISHED], ids=str)
def test_commands_succeed(block: Block, copy: Project) -> None:
    run_commands(copy, block)


@pytest.mark.slow
@pytest.mark.parametrize("block", FINISHED, ids=str)
def test_commands_on_a_finished_experiment_succeed(block: Block, finished: Project) -> None:
    images = digits().test.x.reshape(-1, 8, 8)
    np.save(finished.path / "digits.npy", images)
    Image.fromarray(images[0]).save(finished.path / "digit.png")
    run_commands(finished, block)


@of_language("python")
def test_the_new_activation_has_the_right_derivative(block: Block) -> None:
    names = dict(vars(activations))
    exec(block.text.replace("    ...\n", ""), names)  # noqa: S102, the page's own code
    ((_, new),) = names["ACTIVATIONS"].items()
    assert isinstance(new, Activation)
    assert new.complex_h
    A = np.linspace(-3, 3, 50)
    np.testing.assert_allclose(new.h_prime(A), new.complex_h(A + 1e-30j).imag / 1e-30)
    assert set(ACTIVATIONS).isdisjoint(names["ACTIVATIONS"])


def test_relative_links_resolve() -> None:
    """Sphinx also checks anchors, but only on pages of the site."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists() or "reference/library" in str(page), f"{page}: {target}"
