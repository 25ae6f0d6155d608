"""A run that stops at each rung of a search and goes on is the same run as one that never stopped."""

from dataclasses import replace
from pathlib import Path

import h5py
import pytest

import finish_candidate
import promote_candidate
import rank_candidates
import train_candidate
import train_run
from factories import digits, run_of
from handgrad.common.code_digests import code_digest
from handgrad.common.sealed_json import write_sealed_json
from handgrad.datasets.data import content_of, write_data
from handgrad.experiment.runs import Run
from handgrad.storage.run_job import RunJob

COUNT = 20


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> RunJob:
    """A job on the digits, whose gate has passed."""
    folder, data = tmp_path_factory.mktemp("digits"), digits()
    write_data(folder / "digits.h5", data)
    passed = {"code_digest": code_digest("check_gate"), "data_digest": data.digest, "data_content": content_of(data)}
    gate = {"dataset": "digits", "activation": "tanh", **passed, "passed": True}
    write_sealed_json(folder / "gate.json", gate)
    return RunJob(
        data=str(folder / "digits.h5"),
        gates={"tanh": str(folder / "gate.json")},
        checkpoints="",
        checkpoint_seconds=10,
        code_digest=code_digest("train_run"),
        data_digest=data.digest,
    )


def search(folder: Path, candidates: list[Run], job: RunJob) -> list[Path]:
    """Run the jobs of a search with rungs after 1 and 3 epochs in which all candidates go on; return the run files."""
    digests = {"training": job.code_digest, "data_digest": job.data_digest}
    results = [str(folder / f"{run.name}.json") for run in candidates]
    for run, path in zip(candidates, results, strict=True):
        train_candidate.main(run, 1, job, path)
    before = None
    for rung, until in enumerate((1, 3)):
        ranking = str(folder / f"ranking_{rung}.json")
        rank_candidates.main(
            results=results,
            before=before,
            seeds=[candidates[0].seed],
            rung=rung,
            until=until,
            promoted=len(candidates),
            dataset="digits",
            **digests,
            out=ranking,
        )
        before, slots = ranking, [(slot, str(folder / f"{rung}_{slot}")) for slot in range(len(candidates))]
        for slot, path in slots:
            place = {"ranking": ranking, "rung": rung, "slot": slot, "seed": candidates[0].seed, "job": job}
            if rung == 0:
                promote_candidate.main(**place, until=3, out=f"{path}.json")
            else:
                finish_candidate.main(**place, out=f"{path}.h5")
        results = [f"{path}.json" for _, path in slots]
    return sorted(folder.glob("*.h5"))


def contents(paths: list[Path]) -> dict[float, str]:
    """Return the content_sha256 of run files by the learning rate of the run."""
    found = {}
    for path in paths:
        with h5py.File(path, locking=False) as file:
            found[float(file.attrs["learning_rate"])] = str(file.attrs["content_sha256"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_promoted_runs_have_the_content_of_runs_trained_alone(
    job: RunJob, tmp_path: Path, schedule: str, momentum: float
) -> None:
    axes = {"schedule": schedule, "momentum": momentum, "epochs": 4, "validation_size": 200}
    candidates = [run_of(learning_rate=round(0.001 * 1.3**n, 5), **axes) for n in range(COUNT)]
    found = contents(search(tmp_path / "search", candidates, replace(job, checkpoints=str(tmp_path / "stopped"))))
    alone = replace(job, checkpoints=str(tmp_path / "never stopped"))
    for run in candidates:
        train_run.main(run, alone, str(tmp_path / "runs" / f"{run.name}.h5"))
    expected = contents(list((tmp_path / "runs").iterdir()))
    assert len(expected) == COUNT
    assert found == expected
