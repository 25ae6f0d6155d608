"""The part of docs/tutorial.md that is for a cluster does what the page shows."""

import sys
from contextlib import closing
from pathlib import Path

from ..workflow.tutorial import CLUSTER, PAGE, Reader, blocks
from .cluster import FOLDER, SLURM_CONF


def test_the_cluster_part_of_the_tutorial_does_what_it_shows(cluster: None, tmp_path: Path) -> None:
    # the tests have started the page's cluster, and others of them may be using it
    start, stop = (f"tests/slurm/{script}-slurm.sh {FOLDER}" for script in ("start", "stop"))
    first, enter, *others = blocks(PAGE.read_text())
    part = [block for block in others if block.section == CLUSTER]
    assert part[0].text == f"$ {start}\n$ export SLURM_CONF={SLURM_CONF}\n"
    assert part[-1].text == f"$ {stop}\n"
    with closing(Reader(tmp_path)) as reader:
        reader.follow(first, skip=["make quick"])
        (reader.folder / ".venv").symlink_to(sys.prefix)
        for block in [enter, *part]:
            reader.follow(block, skip=[start, stop])
