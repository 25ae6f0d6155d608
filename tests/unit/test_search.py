"""Successive halving: results at rungs, rankings, the jobs of a search, and files that do not belong together."""

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import aggregate_search
import finish_candidate
import promote_candidate
import rank_candidates
import train_candidate
import train_run
from factories import USE, image_data, on_validation, run_job, run_of, shown, trained, write_search
from handgrad.common.errors import HandgradError
from handgrad.common.progress_file import ProgressFile
from handgrad.common.sealed_json import sealed_text, write_sealed_json
from handgrad.common.signals import StopSignals
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout.paths import finalist_files, part_files, ranking_file
from handgrad.search.parts import Shape, finalist_runs, read_parts
from handgrad.search.ranking import Ranking, rank, read_ranking, write_ranking
from handgrad.search.rung_files import RungResult, read_result, rung_result, write_rung_file
from handgrad.storage.checkpoint import Checkpoint, Origin
from handgrad.storage.run_job import RunJob
from handgrad.storage.run_reader import read_summary
from handgrad.storage.run_writer import write_run
from handgrad.storage.training_job import run_until
from handgrad.tables.search import SEARCH, search_table
from handgrad.training.loop import TrainingResult, train

DATA = image_data(23, 7, digest="the-data")
RUN = run_of(hidden_units=4, learning_rate=0.05, batch_size=5, epochs=5, validation_size=6)
DIGESTS = {"code_digest": "code", "data_digest": "the-data", "data_content": "content"}
#: of a ranking
CODE_AND_DATA = {name: DIGESTS[name] for name in ("code_digest", "data_digest")}


# --- the result at a rung


def until_epoch(epochs: int, folder: Path, run: Run = RUN) -> Checkpoint:
    """Train a run as a job does, from its furthest checkpoint until it has this number of epochs."""
    how = {"interval": 1e9, "stop": StopSignals(), "progress": ProgressFile(None)}
    return run_until(epochs, Origin(run, "code", "content"), lambda: DATA, folder, **how)


#: what was trained before the job of a rung, which stops after two epochs
BEFORE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "an earlier rung": lambda folder: until_epoch(1, folder),
    "the rung itself": lambda folder: until_epoch(2, folder),
    "a later rung": lambda folder: until_epoch(3, folder),
    "the whole run": lambda folder: until_epoch(RUN.epochs, folder),
    "a shorter run": lambda folder: until_epoch(1, folder, replace(RUN, epochs=1)),
    "a run that ends at the rung": lambda folder: until_epoch(2, folder, replace(RUN, epochs=2)),
    "a run that ends later": lambda folder: until_epoch(3, folder, replace(RUN, epochs=3)),
    "a longer run at the rung": lambda folder: until_epoch(2, folder, replace(RUN, epochs=9)),
    "a longer run that got further": lambda folder: until_epoch(8, folder, replace(RUN, epochs=9)),
}


@pytest.mark.parametrize("before", BEFORE)
def test_the_result_at_a_rung_does_not_depend_on_what_was_trained_before(before: str, tmp_path: Path) -> None:
    BEFORE[before](tmp_path)
    found = rung_result(RUN, 2, until_epoch(2, tmp_path))
    history = train(RUN, DATA, lambda *_: None).state.history[:2]
    faults, losses = (tuple(getattr(one, f"validation_{name}") for one in history) for name in ("faults", "loss"))
    assert found == RungResult(RUN, 2, "stopped", faults, losses)


DIVERGING = replace(RUN, learning_rate=1e4, epochs=40)
DIVERGED_IN = len(train(DIVERGING, DATA, lambda *_: None).state.history)


@pytest.mark.parametrize("further", [False, True])
@pytest.mark.parametrize(("after", "status"), [(-1, "stopped"), (0, "diverged"), (1, "diverged")])
def test_a_run_has_diverged_at_the_rungs_after_its_last_epoch(
    after: int, status: str, *, further: bool, tmp_path: Path
) -> None:
    if further:
        until_epoch(DIVERGING.epochs, tmp_path, DIVERGING)
    found = rung_result(DIVERGING, DIVERGED_IN + after, until_epoch(DIVERGED_IN + after, tmp_path, DIVERGING))
    assert (found.status, found.diverged) == (status, status == "diverged")
    assert len(found.validation_faults) == len(found.validation_loss) == DIVERGED_IN + min(after, 0)
    write_rung_file(tmp_path / "a.json", found, DIGESTS)
    assert read_result(tmp_path / "a.json", found.until, dataset="digits", **DIGESTS)[0] == found


def test_equal_results_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("1", "2"):
        found = rung_result(RUN, 2, until_epoch(2, tmp_path / name))
        write_rung_file(tmp_path / f"{name}.json", found, DIGESTS)
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def rung_file(path: Path, **changes: Any) -> Path:
    """Write a rung file with these values, and its checksum."""
    result = RungResult(RUN, 2, "stopped", (3, 2), (0.7, 0.6))
    write_sealed_json(path, {**asdict(result), **DIGESTS, **changes})
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": 3}, "its until is 3, expected 2"),
        ({"code_digest": "older"}, "its code_digest is 'older', expected 'code'"),
        ({"data_digest": "older"}, "its data_digest is 'older', expected 'the-data'"),
        ({"data_content": "older"}, "its data_content is 'older', expected 'content'"),
        ({"run": asdict(replace(RUN, dataset="wine"))}, "its dataset is 'wine', expected 'digits'"),
        ({"run": {"dataset": "digits"}}, "missing"),
        ({"status": "finished"}, "status 'finished'"),
        ({"validation_faults": [3]}, "1 faults and 2 losses in 2 epochs"),
        ({"validation_faults": [3], "validation_loss": [0.7]}, "1 faults and 1 losses in 2 epochs"),
        ({"validation_faults": [], "validation_loss": [], "status": "diverged"}, "0 faults"),
        ({"validation_faults": [3, 7]}, "whole numbers from 0 to 6"),
        ({"validation_faults": [3, 1.5]}, "whole numbers from 0 to 6"),
        ({"validation_loss": [0.7, None]}, "a loss"),
        ({"validation_loss": [0.7, float("inf")]}, "a loss"),
        ({"validation_loss": [0.7, "0.6"]}, "not supported"),
        ({"validation_loss": 0.7}, "not iterable"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_rung_file_that_is_not_the_expected_one_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = rung_file(tmp_path / "a.json", **changes)
    with pytest.raises(HandgradError, match=rf"^{path}: .*{said}.*; delete it, and run snakemake again$"):
        read_result(path, 2, dataset="digits", **DIGESTS)


@pytest.mark.parametrize("place", range(0, 500, 50))
def test_a_byte_changed_anywhere_in_a_rung_file_is_found(place: int, tmp_path: Path) -> None:
    path = rung_file(tmp_path / "a.json")
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(HandgradError, match=rf"^{path}: not a result of a rung, or changed or damaged"):
        read_result(path, 2, dataset="digits", **DIGESTS)


# --- the order of settings


def at_rung(faults: int, loss: float = 0.5, *, size: int = 10, diverged: bool = False, **axes: Any) -> RungResult:
    """Return the result of a run at the first rung. size: number of validation examples."""
    run = run_of(validation_size=size, **axes)
    return RungResult(run, 1, "diverged" if diverged else "stopped", (faults,), (None if diverged else loss,))


def order(*results: RungResult) -> list[float]:
    """Return the learning rates of the ranked settings."""
    return [ranked.run.learning_rate for ranked in rank(results)]


@pytest.mark.parametrize(
    "results",
    {
        "faults": [at_rung(4, 0.1, learning_rate=0.1), at_rung(5, 0.01, learning_rate=0.2)],
        "share of faults": [at_rung(5, size=20, learning_rate=0.1), at_rung(3, size=10, learning_rate=0.2)],
        "loss of equal faults": [  # the better one has the later name
            at_rung(4, 0.3, activation="tanh", learning_rate=0.1),
            at_rung(4, 0.4, activation="cos", learning_rate=0.2),
        ],
        "name of equal losses": [at_rung(4, learning_rate=0.1), at_rung(4, learning_rate=0.2)],
        "diverged last": [at_rung(9, learning_rate=0.1), at_rung(0, diverged=True, learning_rate=0.2)],
        "all diverged": [at_rung(9, diverged=True, learning_rate=0.1), at_rung(0, diverged=True, learning_rate=0.2)],
        "mean over seeds": [
            *(at_rung(faults, seed=seed, learning_rate=0.1) for seed, faults in enumerate([8, 0])),
            *(at_rung(faults, seed=seed, learning_rate=0.2) for seed, faults in enumerate([5, 4])),
        ],
        "a diverged seed": [
            *(at_rung(9, seed=seed, learning_rate=0.1) for seed in (0, 1)),
            at_rung(0, learning_rate=0.2),
            at_rung(0, seed=1, diverged=True, learning_rate=0.2),
        ],
        "two with a diverged seed": [
            *(at_rung(3, seed=seed, diverged=seed == 1, learning_rate=0.1) for seed in (0, 1)),
            *(at_rung(4, seed=seed, diverged=seed == 0, learning_rate=0.2) for seed in (0, 1)),
        ],
    }.items(),
    ids=lambda case: case[0],
)
def test_the_better_setting_comes_first_whatever_the_order(results: tuple[str, list[RungResult]]) -> None:
    for permuted in itertools.permutations(results[1]):
        assert order(*permuted) == [0.1, 0.2]


def test_figures_of_a_setting_are_means_over_the_seeds_that_did_not_diverge() -> None:
    seeds = [at_rung(4, 0.2, seed=7), at_rung(3, 0.6, seed=3), at_rung(9, seed=5, diverged=True)]
    (found,) = rank(seeds)
    assert (found.run.seed, found.diverged, found.validation_faults) == (3, 1, 3.5)
    assert found.validation_loss == pytest.approx(0.4)
    (none,) = rank([at_rung(4, diverged=True)])
    assert (none.diverged, none.validation_faults, none.validation_loss) == (1, None, None)


def test_a_ranking_is_read_as_it_was_written_and_gives_each_slot_its_run(tmp_path: Path) -> None:
    results = [at_rung(f, 1 / 3, seed=s, learning_rate=r) for f, r in ((3, 0.1), (1, 0.2), (2, 0.3)) for s in (0, 4)]
    ranking = Ranking(0, 2, rank(results))
    write_ranking(tmp_path / "a.json", ranking, CODE_AND_DATA)
    assert read_ranking(tmp_path / "a.json", rung=0, **CODE_AND_DATA) == ranking
    slots = [ranking.run_in_slot(slot, seed) for slot in (0, 1) for seed in (4, 9)]
    assert [(run.learning_rate, run.seed) for run in slots] == [(0.2, 4), (0.2, 9), (0.3, 4), (0.3, 9)]
    assert ranking.slots([4, 9]) == [f"digits/{run.name}" for run in slots]
    for other in ({"rung": 1}, {"promoted": 1}, {"code_digest": "older"}, {"data_digest": "older"}):
        (key,) = other
        with pytest.raises(HandgradError, match=rf"a\.json: a different ranking than expected: its {key} is"):
            read_ranking(tmp_path / "a.json", **{"rung": 0, **CODE_AND_DATA, **other})


# --- the files of a whole search


def searched(run: Run) -> TrainingResult:
    """Return the result of a run: the lower its learning rate, the fewer faults; at a rate of 9, it diverged."""
    result = on_validation(trained(run), min(round(run.learning_rate * 100), 40) + run.seed % 2)
    if run.learning_rate < 9:
        return result
    state = replace(result.state, history=result.state.history[:1])
    return replace(result, status="diverged", test=None, state=state)


RATES = (0.04, 0.02, 9.0, 0.01, 0.03, 0.05)
CANDIDATES = tuple(
    run_of(dataset="digits", epochs=5, validation_size=50, learning_rate=rate, seed=seed)
    for rate in RATES
    for seed in (0, 1)
)
HALVING = Search(
    block=0,
    dataset="digits",
    candidates=CANDIDATES,
    rungs=(1, 3),
    keep=1 / 2,
    finalists=1,
    more_seeds=(5, 6),
)
FINALISTS = replace(HALVING, block=1, rungs=(), finalists=2)
FOLDER = "results/find/search/0/digits"


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    for search in (HALVING, FINALISTS):
        write_search(folder, "find", search, searched, DIGESTS)
    return folder


@pytest.fixture
def folder(_whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project folder with the files of two searches: with halving, and of finalists among whole runs."""
    shutil.copytree(_whole / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parts_of(search: Search) -> Any:
    """Read the parts of a search with halving, in the current folder."""
    results = [path for part in range(len(search.sizes)) for path in part_files("find", search, part)]
    rankings = [ranking_file("find", search, rung) for rung in search.rankings]
    return read_parts(Shape(**search.shape), iter(results), iter(rankings), CODE_AND_DATA, "content")


def finalists_of(search: Search) -> list[Run]:
    """Read the finalists of a search, in the current folder."""
    last = len(search.rungs)
    ranked, finalists = part_files("find", search, last), finalist_files("find", search)
    files = iter(ranked), iter([ranking_file("find", search, last)]), iter(finalists)
    runs = {path: read_summary(path) for path in (*ranked, *finalists)}
    return finalist_runs(Shape(**search.shape), *files, runs, CODE_AND_DATA)


def rates(settings: Any) -> list[float]:
    return [ranked.run.learning_rate for ranked in settings]


@pytest.mark.usefixtures("folder")
def test_the_parts_of_a_search_follow_from_each_other() -> None:
    parts, sums = parts_of(HALVING)
    assert HALVING.sizes == (6, 3, 2)
    assert [(part.number, part.until, part.promoted) for part in parts] == [(0, 1, 3), (1, 3, 2), (2, 5, 1)]
    assert [rates(part.settings) for part in parts] == [
        [0.01, 0.02, 0.03, 0.04, 0.05, 9.0],
        [0.01, 0.02, 0.03],
        [0.01, 0.02],
    ]
    files = [path.relative_to(Path.cwd()).as_posix() for path in Path.cwd().glob(f"{FOLDER}/**/*.*")]
    assert set(sums) == {path for path in files if "/finalists/" not in path}
    assert [(run.learning_rate, run.seed) for run in finalists_of(HALVING)] == [(0.01, 5), (0.01, 6)]
    both = [(0.01, 5), (0.01, 6), (0.02, 5), (0.02, 6)]
    assert [(run.learning_rate, run.seed) for run in finalists_of(FINALISTS)] == both


def swap(one: str, other: str) -> None:
    """Exchange two files."""
    shutil.move(one, "aside")
    shutil.move(other, one)
    shutil.move("aside", other)


def edit(path: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file, and update its checksum."""
    content = json.loads(Path(path).read_text())
    del content["sha256"]
    change(content)
    Path(path).write_text(sealed_text(content))


def rerun(path: str, **changes: Any) -> None:
    """Replace a run file by that of a different run, or of different code or data."""
    axes = {name: value for name, value in changes.items() if name not in DIGESTS}
    digests = {name: changes.get(name, digest) for name, digest in DIGESTS.items()}
    write_run(path, searched(replace(read_summary(path).run, **axes)), [], **digests, **USE)


def first_of_rung_0(seed: int = 0, rate: float = 0.01) -> str:
    name = next(run.name for run in CANDIDATES if (run.learning_rate, run.seed) == (rate, seed))
    return f"{FOLDER}/rung_0/{name}.json"


SLOT = f"{FOLDER}/rung_1/slot_{{}}_seed_{{}}.json"
LAST = f"{FOLDER}/final/slot_{{}}_seed_{{}}.h5"
NEW = f"{FOLDER}/finalists/slot_0_seed_{{}}.h5"
DAMAGE: dict[str, tuple[Callable[[], object], str]] = {
    "two candidates": (
        lambda: swap(first_of_rung_0(0), first_of_rung_0(1)),
        "holds the run digits/.*seed_1.*, expected",
    ),
    "two slots": (
        lambda: swap(SLOT.format(0, 0), SLOT.format(1, 0)),
        "holds the run digits/.*lr_0.02.*, expected .*lr_0.01",
    ),
    "two seeds": (
        lambda: swap(SLOT.format(0, 0), SLOT.format(0, 1)),
        "holds the run digits/.*seed_1.*, expected .*seed_0",
    ),
    "the same slot of the rung before": (
        lambda: shutil.copy(first_of_rung_0(), SLOT.format(0, 0)),
        "its until is 1, expected 3",
    ),
    "figures of a candidate": (
        lambda: edit(first_of_rung_0(rate=0.05), lambda content: content.update(validation_faults=[0])),
        "ranking_0.json: does not follow from the results that it ranks",
    ),
    "the order of a ranking": (
        lambda: edit(f"{FOLDER}/ranking_1.json", lambda content: content["settings"].reverse()),
        "ranking_1.json: does not follow",
    ),
    "a setting less in a ranking": (
        lambda: edit(f"{FOLDER}/ranking_0.json", lambda content: content["settings"].pop()),
        "ranking_0.json: does not follow",
    ),
    "the number that goes on": (
        lambda: edit(f"{FOLDER}/ranking_0.json", lambda content: content.update(promoted=2)),
        "ranking_0.json: does not follow",
    ),
    "a key of a setting": (
        lambda: edit(f"{FOLDER}/ranking_0.json", lambda content: content["settings"][0].pop("diverged")),
        "ranking_0.json: not a ranking of this workflow",
    ),
    "a ranking of the rung before": (
        lambda: shutil.copy(f"{FOLDER}/ranking_0.json", f"{FOLDER}/ranking_1.json"),
        "ranking_1.json: a different ranking than expected: its rung is 0, expected 1",
    ),
    "a ranking of older code": (
        lambda: edit(f"{FOLDER}/ranking_0.json", lambda content: content.update(code_digest="older")),
        "its code_digest is 'older', expected 'code'",
    ),
    "a byte of a ranking": (
        lambda: Path(f"{FOLDER}/ranking_0.json").write_bytes(b"x" + Path(f"{FOLDER}/ranking_0.json").read_bytes()[1:]),
        "ranking_0.json: not a ranking, or changed or damaged",
    ),
    "two last slots": (lambda: swap(LAST.format(0, 0), LAST.format(1, 0)), "holds the run digits/.*lr_0.02"),
    "a last slot of another seed": (lambda: swap(LAST.format(0, 0), LAST.format(0, 1)), "the run is 1, expected 0"),
    "a last slot of another dataset": (
        lambda: rerun(LAST.format(0, 0), dataset="wine"),
        "the data is the-data, expected None",
    ),
    "a last slot of older code": (lambda: rerun(LAST.format(0, 0), code_digest="older"), "older, expected code"),
    "a last slot of older data": (lambda: rerun(LAST.format(0, 0), data_content="older"), "older, expected content"),
    "a last slot that is missing": (lambda: Path(LAST.format(0, 0)).unlink(), "slot_0_seed_0.h5"),
    "a rung file that is missing": (lambda: Path(SLOT.format(0, 0)).unlink(), "slot_0_seed_0.json"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("damage", DAMAGE)
def test_files_that_do_not_belong_together_are_one_clear_error(damage: str) -> None:
    change, said = DAMAGE[damage]
    change()
    with pytest.raises((HandgradError, FileNotFoundError), match=said) as caught:
        parts_of(HALVING)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda: rerun(NEW.format(5), learning_rate=0.02),
            "seed_5.h5: holds the run .*, expected .*lr_0.01",
        ),
        (lambda: rerun(NEW.format(5), seed=0), "holds the run .*seed_0.*, expected .*seed_5"),
        (lambda: rerun(NEW.format(5), dataset="wine"), "holds the run wine/.*, expected digits/"),
        (lambda: rerun(LAST.format(1, 0), learning_rate=0.001), "ranking_2.json: does not follow"),
        (lambda: edit(f"{FOLDER}/ranking_2.json", lambda content: content["settings"].reverse()), "does not follow"),
        (lambda: edit(f"{FOLDER}/ranking_2.json", lambda content: content.update(rung=1)), "its rung is 1, expected 2"),
    ],
)
def test_finalists_that_their_ranking_does_not_name_are_refused(change: Callable[[], object], said: str) -> None:
    change()
    with pytest.raises(HandgradError, match=said):
        finalists_of(HALVING)


@pytest.mark.usefixtures("folder")
def test_a_ranking_of_whole_runs_must_follow_from_them() -> None:
    worst = part_files("find", FINALISTS, 0)[-1]
    rerun(worst, learning_rate=0.001)
    with pytest.raises(HandgradError, match=r"search/1/digits/ranking_0\.json: does not follow"):
        finalists_of(FINALISTS)


# --- the jobs of a search


def run_search(search: Search, job: RunJob, *, forget: bool) -> None:
    """Run all jobs of a search in the current folder. forget: without checkpoints of the parts before."""
    last = len(search.rungs)
    for part in search.rankings:
        files = part_files("find", search, part)
        if forget:
            shutil.rmtree(job.checkpoints, ignore_errors=True)
        before = ranking_file("find", search, part - 1) if part else None
        slots = search.candidates if part == 0 else search.slots(part)
        for slot, path in zip(slots, files, strict=True):
            if isinstance(slot, Run):
                train_candidate.main(slot, search.rungs[0], job, path)
                continue
            at = {"ranking": before, "rung": part - 1, "slot": slot[0], "seed": slot[1], "job": job, "out": path}
            if part < last:
                promote_candidate.main(**at, until=search.rungs[part])
            else:
                finish_candidate.main(**at)
        rank_candidates.main(
            results=files,
            before=before,
            seeds=search.seeds,
            rung=part,
            until=search.until(part, search.candidates[0]),
            promoted=search.promoted[part],
            dataset="digits",
            training=job.code_digest,
            data_digest=job.data_digest,
            out=ranking_file("find", search, part),
        )
    for (slot, seed), path in zip(search.finalist_slots(), finalist_files("find", search), strict=True):
        finish_candidate.main(
            ranking=ranking_file("find", search, last), rung=last, slot=slot, seed=seed, job=job, out=path
        )


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("axes", [{}, {"schedule": "cosine", "momentum": 0.9}], ids=str)
def test_a_search_ends_with_the_runs_that_trained_alone(
    axes: dict[str, Any], *, forget: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [replace(RUN, **axes, learning_rate=rate, seed=seed) for rate in (1e4, 0.001, 0.05, 0.01) for seed in (0, 1)]
    search = replace(HALVING, candidates=tuple(runs), more_seeds=(7,))
    job = run_job(tmp_path, RUN, DATA)
    run_search(search, job, forget=forget)
    alone = replace(job, checkpoints="others")
    ends = [*part_files("find", search, 2), *finalist_files("find", search)]
    assert len(ends) == 3
    for path in ends:
        found = read_summary(path)
        train_run.main(found.run, alone, "alone.h5")
        assert read_summary("alone.h5").content_sha256 == found.content_sha256
    results = [path for part in range(3) for path in part_files("find", search, part)]
    csv = "results/find/tables/search.csv"
    aggregate_search.main(
        results=results,
        rankings=[ranking_file("find", search, rung) for rung in search.rankings],
        shapes=[search.shape],
        data=[job.data],
        training=job.code_digest,
        data_digests={"digits": job.data_digest},
        csv=csv,
    )
    table = SEARCH.read(csv).table
    assert table["rung"].value_counts(sort=False).sort_index().tolist() == list(search.sizes)
    best = read_summary(ends[0]).run
    assert table.iloc[0]["learning_rate"] == best.learning_rate


@pytest.mark.usefixtures("folder")
def test_results_of_a_slot_of_an_older_ranking_are_not_ranked(tmp_path: Path) -> None:
    how = {"seeds": (0, 1), "rung": 1, "until": 3, "promoted": 2, "dataset": "digits"}
    made = {"training": "code", "data_digest": "the-data", "before": f"{FOLDER}/ranking_0.json", "out": "new.json"}
    results = part_files("find", HALVING, 1)
    rank_candidates.main(results=results, **how, **made)
    assert Path("new.json").read_bytes() == Path(f"{FOLDER}/ranking_1.json").read_bytes()
    with pytest.raises(HandgradError, match="its promoted is 3, expected 2"):
        rank_candidates.main(results=results[:4], **how, **made)
    swap(results[0], results[2])
    with pytest.raises(HandgradError, match=r"slot_0_seed_0\.json: holds the run .*lr_0.02"):
        rank_candidates.main(results=results, **how, **made)


# --- the table


def both_searches() -> list[tuple[int, Any]]:
    """Return the parts of two searches: entry 0 with two rungs and the digits, entry 3 with one rung and wine."""
    wine = replace(HALVING, block=3, rungs=(2,), finalists=0, candidates=CANDIDATES[:6:2])
    files = [path for part in range(2) for path in part_files("find", wine, part)]
    write_search(Path(), "find", wine, searched, DIGESTS)
    rankings = [ranking_file("find", wine, 0)]
    return [
        (0, parts_of(HALVING)[0]),
        (3, read_parts(Shape(**wine.shape), iter(files), iter(rankings), CODE_AND_DATA, "content")[0]),
    ]


@pytest.mark.usefixtures("folder")
def test_the_table_has_a_row_for_each_part_that_a_setting_reached() -> None:
    table = search_table(both_searches())
    columns = ["block", "learning_rate", "rung", "until", "rank", "promoted", "seeds", "diverged", "validation_faults"]
    rows = list(table[columns].astype(object).where(table[columns].notna(), None).itertuples(index=False, name=None))
    assert rows == [
        (0, 0.01, 0, 1, 1, "yes", 2, 0, 5.5),
        (0, 0.01, 1, 3, 1, "yes", 2, 0, 3.5),
        (0, 0.01, 2, 5, 1, "yes", 2, 0, 1.5),
        (0, 0.02, 0, 1, 2, "yes", 2, 0, 6.5),
        (0, 0.02, 1, 3, 2, "yes", 2, 0, 4.5),
        (0, 0.02, 2, 5, 2, "no", 2, 0, 2.5),
        (0, 0.03, 0, 1, 3, "yes", 2, 0, 7.5),
        (0, 0.03, 1, 3, 3, "no", 2, 0, 5.5),
        (0, 0.04, 0, 1, 4, "no", 2, 0, 8.5),
        (0, 0.05, 0, 1, 5, "no", 2, 0, 9.5),
        (0, 9.0, 0, 1, 6, "no", 2, 2, None),
        (3, 0.02, 0, 2, 1, "yes", 1, 0, 5.0),
        (3, 0.02, 1, 5, 1, "no", 1, 0, 2.0),
        (3, 0.04, 0, 2, 2, "yes", 1, 0, 7.0),
        (3, 0.04, 1, 5, 2, "no", 1, 0, 4.0),
        (3, 9.0, 0, 2, 3, "no", 1, 1, None),
    ]


@pytest.mark.usefixtures("folder")
def test_people_see_one_row_for_each_setting_with_its_faults_at_each_rung(tmp_path: Path) -> None:
    table = search_table(both_searches())
    SEARCH.write(tmp_path / "search.csv", table, {})
    pd.testing.assert_frame_equal(SEARCH.read(tmp_path / "search.csv").table, table, check_exact=True)
    rows = shown(SEARCH, table)
    page, text = ((tmp_path / f"search.{ending}").read_text(encoding="utf-8") for ending in ("html", "md"))
    assert page.count("<tr") == f"\n{text}".count("\n|") - 1 == len(rows) + 1 == 10
    assert [(row["BLOCK"], row["LR"]) for row in rows[5:7]] == [("0", "9"), ("3", "0.02")]
    by_rung = [tuple(row[f"VALID RUNG {rung}"] for rung in range(3)) for row in rows]
    assert by_rung[:4] == [("5.5", "3.5", "1.5"), ("6.5", "4.5", "2.5"), ("7.5", "5.5", ""), ("8.5", "", "")]
    assert by_rung[5:7] == [("", "", ""), ("5.0", "2.0", "")]
    assert [row["DIVERGED"] for row in rows[4:7]] == ["", "2", ""]
    assert "digits, entry 0: 6 until epoch 1, 3 until epoch 3, 2 until epoch 5" in text
    assert "digits, entry 3: 3 until epoch 2, 2 until epoch 5" in text
