"""The cluster commands of docs/tutorial.md work as the page shows."""

import sys
from contextlib import closing
from pathlib import Path

from ..workflow.tutorial import CLUSTER, PAGE, Reader, blocks
from .cluster import FOLDER, SLURM_CONF


def test_every_cluster_command_has_the_output_of_the_page(cluster: None, tmp_path: Path) -> None:
    # the cluster of the page is already running, and other tests may use it
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
