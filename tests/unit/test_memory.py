"""The memory of the machine, and the check for runs that do not fit into it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories import run_of
from handgrad.layout.memory import group_limits, too_large
from handgrad.layout.resources import min_megabytes, run_megabytes

SCRIPTS = Path(__file__).parents[2] / "scripts"
FACTS: dict[str, Any] = {
    "image_shape": [3, 32, 32],
    "largest": 255,
    "train": 60,
    "test": 20,
    "class_names": list("0123456789"),
}
RUN = run_of(dataset="x", hidden_units=9000, learning_rate=1e-4, batch_size=20, epochs=1)


@pytest.mark.parametrize(
    ("groups", "files", "limits"),
    [
        ("4:memory:/x\n0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "500", "cpu.max": "7"}, [500]),
        ("0::/\n", {"memory.max": "900"}, [900]),  # a container sees its own group as the root
        ("0::/a\n", {}, []),
    ],
)
def test_a_limit_of_any_control_group_around_a_process_is_found(
    tmp_path: Path, groups: str, files: dict[str, str], limits: list[int]
) -> None:
    (tmp_path / "groups").write_text(groups)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert list(group_limits(tmp_path / "groups", tmp_path / "fs")) == limits


def test_only_a_run_that_cannot_fit_is_named_and_the_remedy_fits() -> None:
    least = min_megabytes(RUN, FACTS)
    assert too_large([RUN], {"x": FACTS}, least) is None
    line = too_large([RUN, replace(RUN, hidden_units=10)], {"x": FACTS}, least - 10)
    assert line
    assert "\n" not in line
    assert RUN.name in line
    units = int(line.partition("at most ")[2].split()[0])
    assert 8000 < units < 9000
    assert too_large([replace(RUN, hidden_units=units)], {"x": FACTS}, least - 10) is None


JOB = """
import sys, os
import numpy as np
from handgrad.common import code_digests as digests
from handgrad.experiment.runs import Run
from handgrad.datasets.data import Dataset, Split, write_data
from handgrad.datasets.inputs import InputSpec
from handgrad.storage import run_job
import train_run

def split(n):
    rng = np.random.default_rng(0)
    return Split(rng.integers(0, 255, (n, 3072), dtype=np.uint8), np.arange(n, dtype=np.uint8) % 10)

spec = InputSpec(image_shape=(3, 32, 32), max_value=255)
write_data("x.h5", Dataset(split(60), split(20), spec, tuple("0123456789"), {}, "d"))
os.mkdir("runs")
run_job.read_check = lambda *_: None
job = run_job.RunJob(data="x.h5", gates={"tanh": "none"}, checkpoints="kept", checkpoint_seconds=0.001,
                     data_digest="d", code_digest=digests.code_digest("train_run"))
train_run.main(Run.from_name("x", sys.argv[1]), job, "runs/r.h5")
# ru_maxrss would include the memory of the parent process
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) * 1024 // 10**6)
"""


@pytest.mark.slow
@pytest.mark.parametrize("axes", [{}, {"dtype": "float64", "momentum": 0.9}], ids=str)
def test_a_run_needs_what_it_is_said_to_need(tmp_path: Path, axes: dict[str, Any]) -> None:
    run = replace(RUN, hidden_units=4500, **axes)
    done = subprocess.run(
        [sys.executable, "-c", JOB, run.name],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SCRIPTS), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    peak = int(done.stdout)
    assert 0.8 * min_megabytes(run, FACTS) < peak < run_megabytes(run, FACTS)
