"""Archives: the same content makes the same bytes, and nothing harmful or half is taken for one."""

import errno
import gzip
import hashlib
import io
import json
import os
import runpy
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

import archive_experiment
import verify_archive
from handgrad.archive import reader as archive_reader
from handgrad.archive.checks import figure_mistakes
from handgrad.archive.labels import label_mistakes, labels_text
from handgrad.archive.pack import SUMS, complete_config, parse_sums, sums_text, write_archive
from handgrad.archive.proof import Contents, other_code
from handgrad.archive.reader import Unpacked, unpack
from handgrad.archive.readme import readme
from handgrad.archive.runs import Made, run_mistakes
from handgrad.cli.command import as_command
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import seal
from handgrad.datasets.data import ImageData, Split, write_data
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_files import merge
from handgrad.experiment.experiment_file import read_config, read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.gradient_check.results import PARTS
from handgrad.network.activations import ACTIVATIONS, Activation
from handgrad.network.model import Weights
from handgrad.storage.run_reader import _plain
from handgrad.storage.run_writer import content_sha256, write_run
from handgrad.training.loop import Epoch, Evaluation, State, TrainingResult

ROOT = Path(__file__).parents[2]
MEMBERS = {"README.md": b"read\n", "results/a.csv": b"1,2\n", "results/runs/b.h5": bytes(2000)}


# --- writing


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MEMBERS["results/a.csv"])
    os.utime(tmp_path / "file", (5, 5))
    write_archive(tmp_path / "one.tar.gz", "x", MEMBERS)
    again = dict(reversed([*MEMBERS.items(), ("results/a.csv", tmp_path / "file")]))
    write_archive(tmp_path / "two.tar.gz", "x", again)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_members_are_sorted_and_tell_nothing_of_who_packed_them(tmp_path: Path) -> None:
    write_archive(tmp_path / "one.tar.gz", "x", MEMBERS)
    with tarfile.open(tmp_path / "one.tar.gz") as tar:
        members = tar.getmembers()
    assert [m.name for m in members] == [f"x/{name}" for name in sorted([*MEMBERS, SUMS])]
    assert {(m.uid, m.gid, m.uname, m.gname, m.mode, m.mtime) for m in members} == {(0, 0, "", "", 0o644, 315532800)}


def test_a_file_that_changes_while_it_is_packed_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"before")
    monkeypatch.setattr("handgrad.archive.pack.file_sha256", lambda _: "of what was there before")
    with pytest.raises(HandgradError, match="changed while it was packed"):
        write_archive(tmp_path / "one.tar.gz", "x", {"a": tmp_path / "file"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HandgradError, match="gone: cannot be packed"):
        write_archive(tmp_path / "one.tar.gz", "x", {"a": tmp_path / "gone"})


def test_a_manifest_is_read_as_it_is_written() -> None:
    sums = {"b/c.csv": "1" * 64, "a": "0" * 64}
    assert sums_text(sums).splitlines()[0] == f"{'0' * 64}  a"
    assert parse_sums(sums_text(sums)) == (sums, [])
    twice = f"{'2' * 64}  a"
    assert parse_sums(f"{sums_text(sums)}{twice}\nnonsense\n") == (sums, [twice, "nonsense"])


@pytest.mark.parametrize("shipped", ["config/config.yaml", "config/improved.yaml", "config/quick.yaml"])
def test_the_complete_file_means_the_same_experiment(shipped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    experiment = read_experiment(Path(shipped))[1]
    again = load_experiment(yaml.safe_load(complete_config(experiment)), files=False)
    assert (again.runs, again.gradient_check, again.name) == (
        experiment.runs,
        experiment.gradient_check,
        experiment.name,
    )
    assert again.checkpoint_seconds == experiment.checkpoint_seconds
    for name, entry in again.datasets.items():
        assert entry == experiment.datasets[name]


# --- unpacking


def packed(path: Path, add: Callable[[tarfile.TarFile], None]) -> Path:
    """An archive of MEMBERS and what somebody adds; the manifest lists all files by their names."""
    with tarfile.open(path, "w:gz") as tar:
        for name, data in {**MEMBERS, SUMS: sums_text(sums()).encode()}.items():
            put(tar, f"x/{name}", data)
        add(tar)
    return path


def sums() -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in MEMBERS.items()}


def put(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(data), kind, "/etc/passwd"
    tar.addfile(member, io.BytesIO(data))


def unpacked(path: Path) -> Unpacked:
    to = path.parent / "unpacked"
    to.mkdir()
    return unpack(path, to)


def everything(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def test_an_archive_unpacks_to_what_was_packed(tmp_path: Path) -> None:
    write_archive(tmp_path / "one.tar.gz", "x", MEMBERS)
    found = unpacked(tmp_path / "one.tar.gz")
    assert (found.name, found.mistakes) == ("x", [])
    assert everything(found.folder) == sorted([*MEMBERS, SUMS])
    assert (found.folder / "results/a.csv").read_bytes() == b"1,2\n"


def test_names_of_any_length_are_packed_and_unpacked(tmp_path: Path) -> None:
    members = {f"results/runs/d/af_{'x' * 200}.h5": b"1"}
    write_archive(tmp_path / "one.tar.gz", "x", members)
    assert unpacked(tmp_path / "one.tar.gz").mistakes == []


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("../x", tarfile.REGTYPE, "'../x': not a name"),
        ("x/../../y", tarfile.REGTYPE, "'x/../../y': not a name"),
        ("/etc/x", tarfile.REGTYPE, "'/etc/x': not a name"),
        ("x/a\x1b[2Jb", tarfile.REGTYPE, r"'x/a\x1b[2Jb': not a name"),
        ("x/.hidden", tarfile.REGTYPE, "'x/.hidden': not a name"),
        ("x//a", tarfile.REGTYPE, "'x//a': not a name"),
        ("y/a", tarfile.REGTYPE, "'y/a': lies outside the folder x/"),
        ("x/results/A.csv", tarfile.REGTYPE, "'x/results/A.csv': stands there twice"),
        ("x/link", tarfile.SYMTYPE, "'x/link': is a symbolic link, expected a plain file"),
        ("x/link", tarfile.LNKTYPE, "'x/link': is a hard link"),
        ("x/null", tarfile.CHRTYPE, "'x/null': is a device"),
        ("x/pipe", tarfile.FIFOTYPE, "'x/pipe': is a pipe"),
        ("x/folder", tarfile.DIRTYPE, "'x/folder': is a folder"),
        ("x/sparse", tarfile.GNUTYPE_SPARSE, "'x/sparse': is of a special kind"),
        ("x/virus.exe", tarfile.REGTYPE, "virus.exe: extra, SHA256SUMS does not list it"),
    ],
)
def test_a_strange_member_is_named_and_leaves_nothing_outside(
    tmp_path: Path, name: str, kind: bytes, said: str
) -> None:
    path = packed(tmp_path / "one.tar.gz", lambda tar: put(tar, name, kind=kind))
    found = unpacked(path)
    assert len(found.mistakes) == 1
    assert found.mistakes[0].startswith(said)
    allowed = {f"unpacked/{member}" for member in (*MEMBERS, SUMS, "virus.exe")}
    assert set(everything(tmp_path)) <= {"one.tar.gz", *allowed}


def test_a_missing_and_a_changed_member_are_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "one.tar.gz", "w:gz") as tar:
        put(tar, f"x/{SUMS}", sums_text(sums()).encode())
        put(tar, "x/README.md", b"another\n")
        put(tar, "x/results/runs/b.h5", MEMBERS["results/runs/b.h5"])
    missing, changed = unpacked(tmp_path / "one.tar.gz").mistakes
    assert missing == "results/a.csv: missing, SHA256SUMS lists it"
    assert changed.startswith("README.md: its sha256 is ")
    assert changed.endswith(f"SHA256SUMS has {sums()['README.md']}")


def test_without_a_manifest_nothing_is_proved(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "one.tar.gz", "w:gz") as tar:
        put(tar, "x/README.md")
    assert unpacked(tmp_path / "one.tar.gz").mistakes == ["SHA256SUMS: missing, so nothing can be held against it"]


def test_an_archive_cut_off_anywhere_is_found_out(tmp_path: Path) -> None:
    write_archive(tmp_path / "whole.tar.gz", "x", {**MEMBERS, "noise": os.urandom(3000)})
    whole = (tmp_path / "whole.tar.gz").read_bytes()
    for length in (0, 5, 100, 1000, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        path = tmp_path / f"{length}.tar.gz"
        path.write_bytes(whole[:length])
        with pytest.raises(HandgradError, match=rf"{length}\.tar\.gz: (cut off|not a \.tar\.gz)"):
            unpack(path, tmp_path / str(length))


def test_an_archive_with_a_flipped_bit_is_found_out(tmp_path: Path) -> None:
    write_archive(tmp_path / "whole.tar.gz", "x", {**MEMBERS, "noise": os.urandom(3000)})
    whole = bytearray((tmp_path / "whole.tar.gz").read_bytes())
    whole[len(whole) // 2] ^= 4
    (tmp_path / "flipped.tar.gz").write_bytes(whole)
    with pytest.raises(HandgradError, match=r"flipped\.tar\.gz: "):
        unpack(tmp_path / "flipped.tar.gz", tmp_path / "to")


def test_what_follows_the_last_member_is_named(tmp_path: Path) -> None:
    write_archive(tmp_path / "one.tar.gz", "x", MEMBERS)
    hidden = io.BytesIO()
    with tarfile.open(fileobj=hidden, mode="w") as tar:
        put(tar, "x/hidden", b"unseen")
    with (tmp_path / "one.tar.gz").open("ab") as file:
        file.write(gzip.compress(hidden.getvalue()))
    assert unpacked(tmp_path / "one.tar.gz").mistakes == ["something follows the last member, expected nothing"]


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.tar.gz").write_text("hello")
    with pytest.raises(HandgradError, match=r"not a \.tar\.gz"):
        unpacked(tmp_path / "one.tar.gz")
    with pytest.raises(HandgradError, match=r"gone: cannot be read \(No such file"):
        unpack(tmp_path / "gone", tmp_path)


def test_an_archive_that_unpacks_to_far_more_than_its_size_is_not_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_reader, "ALWAYS_ALLOWED", 100_000)
    write_archive(tmp_path / "one.tar.gz", "x", {"zeros": bytes(5_000_000)})
    with pytest.raises(HandgradError, match="unpacks to more than"):
        unpacked(tmp_path / "one.tar.gz")
    assert sum(path.stat().st_size for path in (tmp_path / "unpacked").rglob("*")) < 5_000_000


# --- labels


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    config = read_config([Path("config/quick.yaml")])
    small = {"datasets": {"digits": {"train": 50, "test": 4, "class_names": ["a", "b", "c"]}}}
    return dict(load_experiment(merge(config, small)).datasets["digits"])


def labels(tmp_path: Path, entry: dict[str, Any]) -> dict[str, Any]:
    split = [Split(np.zeros((n, 64), np.uint8), np.arange(n, dtype=np.uint8) % 3) for n in (50, 4)]
    files = {file["name"]: file["sha256"] for file in entry["files"].values()}
    data = ImageData(*split, (8, 8), 16, tuple(entry["class_names"]), files, data_digest(entry))
    write_data(tmp_path / "digits.h5", data)
    content = json.loads(labels_text(tmp_path / "digits.h5", entry))
    assert content["test_labels"] == [0, 1, 2, 0]
    return dict(content)


def test_what_an_archive_tells_of_a_dataset_is_right(tmp_path: Path, entry: dict[str, Any]) -> None:
    assert list(label_mistakes(labels(tmp_path, entry), entry)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_labels": [0, 1, 2, 3]}, "test_labels are not all from 0 to 2"),
        ({"test_labels": [0, 1, 2, True]}, "test_labels are not all from 0 to 2"),
        ({"test_labels": [0, 1, 2]}, "test_labels are not the 4 labels of the test images"),
        ({"source_sha256": {}}, "source_sha256 is '{}', expected "),
        ({"data_digest": "0"}, "data_digest is '0', expected "),
        ({"class_names": ["a"]}, "class_names is "),
    ],
)
def test_labels_that_are_not_the_datasets_are_named(
    tmp_path: Path, entry: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    (mistake,) = list(label_mistakes({**labels(tmp_path, entry), **change}, entry))
    assert mistake.startswith(said)


# --- runs

RUN = Run(
    dataset="digits",
    activation="tanh",
    hidden_units=2,
    learning_rate=0.001,
    batch_size=10,
    epochs=2,
    l2=0.01,
    seed=3,
)
Y = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], np.float32)
MADE = Made("code", "data", np.array([0, 1, 1], np.uint8), 2, "content")


def run_file(path: Path, **changes: Any) -> Path:
    W = Weights(np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((2, 3), np.float32))
    history = [Epoch(-1.0, 0.2, 0.7, faults, np.nan, -1, 0.5) for faults in (2, 1)]
    test = Evaluation(0.5, 1, Y.argmax(axis=1).astype(np.uint8), Y)
    whole = TrainingResult(RUN, "finished", State(W, history), test, train_examples=20, test_examples=3)
    write_run(path, replace(whole, **changes), [], code_digest="code", data_digest="data", data_content="content")
    return path


def test_a_run_as_it_was_written_has_nothing_wrong(tmp_path: Path) -> None:
    assert list(run_mistakes(run_file(tmp_path / "run.h5"), RUN, MADE)) == []


def test_a_run_that_diverged_has_nothing_wrong(tmp_path: Path) -> None:
    path = run_file(tmp_path / "run.h5", status="diverged", test=None)
    assert list(run_mistakes(path, RUN, MADE)) == []


@pytest.mark.parametrize(
    ("run", "made", "said"),
    [
        (replace(RUN, seed=4), MADE, "the run is digits/af_tanh"),
        (RUN, replace(MADE, code="other"), "code_digest is code, expected other"),
        (RUN, replace(MADE, data="other"), "data_digest is data, expected other"),
        (RUN, replace(MADE, content="other"), "data_content is content, expected other"),
        (RUN, replace(MADE, labels=np.zeros(3, np.uint8)), "on the test labels"),
        (RUN, replace(MADE, labels=np.zeros(4, np.uint8)), "test_examples is 3, expected 4"),
    ],
)
def test_a_run_that_is_another_is_named(tmp_path: Path, run: Run, made: Made, said: str) -> None:
    if "on the test labels" in said:
        made = replace(made, labels=np.array([1, 1, 1], np.uint8))
    (mistake,) = list(run_mistakes(run_file(tmp_path / "run.h5"), run, made))
    assert said in mistake


def replaced(file: h5py.File, name: str, content: Any, *, rehash: bool) -> None:
    del file[name]
    file[name] = content
    if rehash:
        names = [f"{g}/{n}" for g in file for n in file[g]]
        facts = {key: _plain(value) for key, value in file.attrs.items()}
        file.attrs["content_sha256"] = content_sha256({n: file[n][:] for n in names}, facts)


@contextmanager
def changed(path: Path) -> Iterator[h5py.File]:
    """Change a file, as somebody would who also writes a seal that fits."""
    with h5py.File(path, "r+", locking=False) as file:
        yield file
    seal(path)


@pytest.mark.parametrize(
    ("name", "content", "rehash", "said"),
    [
        ("test/predictions", np.array([0, 1, 1], np.uint8), False, "content_sha256 is "),
        ("weights/W1", np.ones((2, 3), np.float32), False, "content_sha256 is "),
        ("history/test_loss", np.array([0.7, 0.6]), False, "content_sha256 is "),
        ("test/predictions", np.array([0, 0, 1], np.uint8), True, "test/probabilities has another largest"),
        ("test/predictions", np.array([0, 1, 7], np.uint8), True, "has the class 7, expected 0 to 1"),
        ("test/predictions", np.array([0, 1], np.uint8), True, "have the shapes (2,) and (3, 2)"),
        ("test/predictions", np.array([0.0, 1, 1]), True, "is float64, expected uint8"),
        (
            "history/test_faults",
            np.array([2, 0]),
            True,
            "give 1 faults on the test labels, its history has 0",
        ),
        ("weights/W1", "text", False, "weights/W1 is not an array of numbers"),
        ("weights/W3", np.ones(3), False, "holds weights/W3, which no run does"),
    ],
)
def test_a_tampered_run_is_named(tmp_path: Path, name: str, content: Any, said: str, *, rehash: bool) -> None:
    path = run_file(tmp_path / "run.h5")
    with changed(path) as file:
        if name not in file:
            file[name] = content
        else:
            replaced(file, name, content, rehash=rehash)
    (mistake,) = list(run_mistakes(path, RUN, MADE))
    assert said in mistake


def test_the_epochs_of_a_run_are_counted(tmp_path: Path) -> None:
    path = run_file(tmp_path / "run.h5")
    with changed(path) as file:
        for name in list(file["history"]):
            replaced(file, f"history/{name}", file[f"history/{name}"][:1], rehash=True)
        file["history/test_faults"][0] = 1
        replaced(file, "history/test_loss", [0.7], rehash=True)
    assert next(iter(run_mistakes(path, RUN, MADE))) == "its epochs is 1 (finished), expected 2 (finished)"


def external_link(file: h5py.File) -> None:
    file["weights/W1"] = h5py.ExternalLink("/etc/passwd", "/")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("weights/W1", (9,), "u1", external=[("/etc/passwd", 0, 9)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((9,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (9,))
    file.create_virtual_dataset("weights/W1", layout)


def bomb(file: h5py.File) -> None:
    file.create_dataset("weights/W1", (10**12,), "u1", chunks=(10**6,), compression="gzip")


def unwritten(file: h5py.File) -> None:
    file.create_dataset("weights/W1", (10**12,), "u1")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (external_link, "W1 is a link"),
        (external_storage, "weights/W1 is not stored as it is"),
        (virtual, "weights/W1 is not stored as it is"),
        (bomb, "weights/W1 is not stored as it is"),
        (unwritten, "weights/W1 is larger than its file"),
    ],
)
def test_nothing_but_plain_arrays_is_read(tmp_path: Path, make: Callable[[h5py.File], None], said: str) -> None:
    path = run_file(tmp_path / "run.h5")
    with changed(path) as file:
        del file["weights/W1"]
        make(file)
    assert list(run_mistakes(path, RUN, MADE)) == [f"not a run file of this workflow ({said})"]


def test_strange_attributes_are_not_read(tmp_path: Path) -> None:
    path = run_file(tmp_path / "run.h5")
    with changed(path) as file:
        file.attrs["more"] = np.zeros(5)
    assert "the attribute more is not one value" in next(iter(run_mistakes(path, RUN, MADE)))


def test_what_is_no_hdf5_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.h5").write_bytes(b"hello")
    (mistake,) = list(run_mistakes(tmp_path / "run.h5", RUN, MADE))
    assert "\n" not in mistake


def test_a_run_whose_seal_does_not_fit_is_not_given_to_hdf5(tmp_path: Path) -> None:
    path = run_file(tmp_path / "run.h5")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (mistake,) = list(run_mistakes(path, RUN, MADE))
    assert mistake.startswith("damaged, or changed")


# --- the README


@pytest.mark.parametrize(
    ("revision", "has_checkout"),
    [
        ("a704b42f" * 5, True),
        (f"{'a704b42f' * 5}, with changes that are not committed", False),
        ("not known: the workflow is no git checkout of its own", False),
    ],
)
def test_the_readme_tells_to_check_out_only_what_was_committed(
    revision: str, monkeypatch: pytest.MonkeyPatch, *, has_checkout: bool
) -> None:
    monkeypatch.chdir(ROOT)
    text = readme(read_experiment(Path("config/quick.yaml"))[1], revision)
    assert f"git revision: {revision}." in text
    assert ("git checkout <the revision above>\n    snakemake" in text) is has_checkout
    assert ("which no git revision has" in text) is not has_checkout
    assert "\n    snakemake --cores 8 --configfile /path/to/quick/config/experiment.yaml\n" in text


# --- other code


def test_only_of_an_archive_of_other_code_is_told_where_to_verify_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handgrad.archive.proof.git_revision", lambda _: "a704b42f")
    assert other_code({"git_revision": "a704b42f"}) == ""
    assert "packed by the code of git revision '63258345', this is 'a704b42f'" in other_code(
        {"git_revision": "63258345"}
    )


# --- gradient checks


def check(**changes: Any) -> dict[str, Any]:
    """The figures of a gradient check that passed; changes: of one part of W2, by the part's name."""
    passed = {part: {"max_rel_difference": 1e-12, "limit": 1e-10} for part in PARTS}
    return {"passed": True, "blocks": {"W1": passed, "W2": {**passed, **changes}}}


def test_a_check_whose_figures_are_within_their_limits_has_nothing_wrong() -> None:
    assert list(figure_mistakes(check(central={"max_rel_difference": 1e-4, "limit": 1e-3}), "tanh")) == []


@pytest.mark.parametrize(
    ("part", "found", "said"),
    [
        ("central", {"max_rel_difference": 0.5, "limit": 1e-6}, "difference is 0.5, its limit 1e-06; "),
        ("central", {"max_rel_difference": 0.5, "limit": 1}, "expected a limit of at most 0.001, and"),
        ("step", {"max_rel_difference": 1e-7, "limit": 1e-6}, "expected a limit of at most 1e-10, and"),
        ("samples", {"max_rel_difference": float("nan"), "limit": 1e-6}, "difference is .nan, its"),
        ("samples", {"max_rel_difference": -0.5, "limit": 1e-6}, "difference is -0.5, its"),
        ("complex", None, "difference is null, its limit null"),
        ("momentum", [], "difference is null, its limit null"),
    ],
)
def test_a_check_that_says_it_passed_and_whose_figures_do_not_is_named(part: str, found: Any, said: str) -> None:
    (mistake,) = figure_mistakes(check(**{part: found}), "tanh")
    assert mistake.startswith(f"W2, {PARTS[part]}: ")
    assert said in mistake


def test_a_check_needs_both_blocks() -> None:
    whole = check()
    del whole["blocks"]["W1"]
    assert len(list(figure_mistakes(whole, "tanh"))) == len(PARTS)


def test_an_activation_without_a_complex_form_has_no_complex_step(monkeypatch: pytest.MonkeyPatch) -> None:
    relu = Activation(np.abs, np.sign, None)
    monkeypatch.setitem(ACTIVATIONS, "relu", relu)
    assert list(figure_mistakes(check(complex=None), "relu")) == []


# --- the commands


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "where", "said"),
    [
        ("verify_archive", "handgrad.archive.reader.unpack", "make verify: interrupted; nothing is proved\n"),
        (
            "archive_experiment",
            "recover_workflow.refuse_while_at_work",
            "make archive: interrupted; give the same command again\n",
        ),
    ],
)
def test_ctrl_c_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, where: str, said: str
) -> None:
    monkeypatch.setattr(where, interrupt)
    monkeypatch.setattr("sys.argv", [name, "x"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / f"scripts/{name}.py"), run_name="__main__")
    assert caught.value.code == 130
    assert capsys.readouterr().err == said


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that make archive takes for one in which config/quick.yaml is finished."""
    monkeypatch.chdir(ROOT)
    for name in ("refuse_while_at_work", "require_up_to_date", "require_data"):
        monkeypatch.setattr(archive_experiment, name, lambda *_: None)
    monkeypatch.setattr(archive_experiment, "members_of", lambda *_: MEMBERS)
    return tmp_path


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The line with which make archive refuses."""
    with pytest.raises(SystemExit), as_command("make archive"):
        archive_experiment.main(folder, "config/quick.yaml")
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_archives_that_is_no_folder_is_named(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (finished / "archives").write_text("")
    assert refused(finished, capsys).startswith(f"make archive: {finished}/archives: File exists; ")


def test_a_full_disk_is_told_by_the_name_of_the_archive(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gzip.GzipFile.write", no_room)
    line = refused(finished, capsys)
    assert line.startswith(f"make archive: {finished}/archives/quick.tar.gz: No space left on device; ")
    assert everything(finished) == []


def test_a_full_temporary_folder_is_not_blamed_on_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_archive(tmp_path / "one.tar.gz", "x", MEMBERS)
    monkeypatch.setattr("handgrad.archive.reader._write", no_room)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(HandgradError, match=r"no room to unpack .*; set TMPDIR to a larger") as caught:
        verify_archive.main(tmp_path / "one.tar.gz")
    assert str(caught.value).startswith(f"{tmp_path}: ")
    assert everything(tmp_path) == ["one.tar.gz"]


def test_no_room_for_tables_is_no_mistake_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_archive, "make_tables", no_room)
    monkeypatch.chdir(ROOT)
    experiment = read_experiment(Path("config/quick.yaml"))[1]
    with pytest.raises(HandgradError, match="no room to unpack the archive and make its tables again"):
        list(verify_archive.table_mistakes(Contents(tmp_path, experiment, {})))


def no_room(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
