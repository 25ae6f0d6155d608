"""The part of docs/tutorial.md that is for a cluster does what the page shows."""

from pathlib import Path

from ..workflow.tutorial import CLUSTER, PAGE, Reader, blocks
from .cluster import FOLDER, SLURM_CONF


def test_the_cluster_part_of_the_tutorial_does_what_the_page_shows(cluster: None, tmp_path: Path) -> None:
    # the tests have started the page's cluster, and others of them may be using it
    start, configure, stop = (
        f"tests/slurm/start-slurm.sh {FOLDER}",
        f"export SLURM_CONF={SLURM_CONF}",
        f"tests/slurm/stop-slurm.sh {FOLDER}",
    )
    first, enter, *others = blocks(PAGE.read_text())
    part = [block for block in others if block.section == CLUSTER]
    commands = [command for block in part if block.language == "console" for command, _ in block.commands]
    assert [command for command in commands if "SLURM" in command.upper()][:2] == [start, configure]
    assert commands[-1] == stop
    reader = Reader(tmp_path)
    reader.environment.pop("SLURM_CONF")
    for block in [first, enter, *part]:
        reader.follow(block, skip=("make quick", start, stop))
