"""Readers return the content of valid files, and refuse invalid files with one line that names the file."""

import gzip
import hashlib
import struct
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits

from handgrad.common.errors import HandgradError
from handgrad.datasets import source_files
from handgrad.datasets.data import Bytes, ImageData
from handgrad.datasets.formats import FORMATS, read_dataset
from handgrad.experiment.registry import FORMAT_ROLES, data_digest

REGISTRY = yaml.safe_load((Path(__file__).parents[2] / "config" / "datasets.yaml").read_text())["datasets"]
Change = Callable[[bytes], bytes]


@dataclass
class Tiny:
    """A dataset of a few images: the bytes of its files and its registry entry."""

    folder: Path
    facts: dict[str, Any]
    contents: dict[str, bytes]

    def entry(self) -> dict[str, Any]:
        """Write the files, and return an entry with their size and sha256."""
        files = {}
        for role, content in self.contents.items():
            (self.folder / f"{role}.gz").write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            files[role] = {"name": f"{role}.gz", "size": len(content), "sha256": sha256, "mirrors": []}
        return {"local_dir": None, "files": files, "largest": 255, "class_names": ["a", "b", "c"], **self.facts}

    def read(self, entry: dict[str, Any] | None = None) -> ImageData:
        given = {role: self.folder / f"{role}.gz" for role in self.contents}
        return read_dataset(entry or self.entry(), given, "tiny")

    def refusal(self, entry: dict[str, Any] | None = None) -> str:
        """Return the one-line message with which the dataset is refused, without the folder."""
        with pytest.raises(HandgradError, match=rf"^({self.folder}/|tiny: )[^\n]*$") as caught:
            self.read(entry)
        return str(caught.value).removeprefix(f"{self.folder}/")


def images_of(n: int, *shape: int) -> Bytes:
    return np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)


def labels_of(n: int, classes: int) -> Bytes:
    return (np.arange(n) % classes).astype(np.uint8)


# --- idx ---


def idx(values: Bytes) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def idx_of(folder: Path, *shape: int, zipped: Change = gzip.compress) -> Tiny:
    """Return an idx dataset of seven training and four test images of this shape, with three classes."""
    contents = {}
    for part, n in (("train", 7), ("test", 4)):
        contents[f"{part}_images"] = zipped(idx(images_of(n, *shape)))
        contents[f"{part}_labels"] = zipped(idx(labels_of(n, 3)))
    return Tiny(folder, {"format": "idx", "train": 7, "test": 4, "image_shape": list(shape)}, contents)


@pytest.fixture
def tiny_idx(tmp_path: Path) -> Tiny:
    return idx_of(tmp_path, 3, 2)


@pytest.mark.parametrize("zipped", [gzip.compress, bytes])
@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 5)])
def test_idx_files_come_out_as_the_uint8_values_that_went_in(
    tmp_path: Path, shape: tuple[int, ...], zipped: Change
) -> None:
    tiny = idx_of(tmp_path, *shape, zipped=zipped)
    data, entry = tiny.read(), tiny.entry()
    for split, n in ((data.train, 7), (data.test, 4)):
        assert split.x.dtype == split.y.dtype == np.uint8
        np.testing.assert_array_equal(split.x, images_of(n, *shape).reshape(n, -1))
        np.testing.assert_array_equal(split.y, labels_of(n, 3))
    assert (data.image_shape, data.class_names) == (shape, ("a", "b", "c"))
    assert data.sources == {file["name"]: file["sha256"] for file in entry["files"].values()}
    assert data.digest == data_digest(entry)


def inside(change: Change) -> Change:
    """Return a function that changes the content of a gzip file."""
    return lambda content: gzip.compress(change(gzip.decompress(content)))


def instead(values: Bytes) -> Change:
    return lambda _: gzip.compress(idx(values))


BROKEN = "damaged gzip"
MALFORMED_IDX: list[tuple[str, Change, str]] = [
    ("train_images", inside(lambda raw: b"\0\0\x0d\x03" + raw[4:]), "(3331, 7, 3, 2), expected (2051"),
    ("test_images", instead(labels_of(4, 3)), "(2049, 4, "),
    ("test_images", instead(images_of(4, 2, 3)), "(2051, 4, 2, 3), expected (2051, 4, 3, 2)"),
    ("train_images", instead(images_of(6, 3, 2)), "(2051, 6, 3, 2), expected (2051, 7"),
    ("test_labels", instead(labels_of(5, 3)), "(2049, 5), expected (2049, 4)"),
    ("test_labels", inside(lambda _: b""), "header is (), expected (2049, 4)"),
    ("train_images", inside(lambda raw: raw[:9]), "(2051, 7), expected (2051, 7"),
    ("train_images", inside(lambda raw: raw[:-1]), "41 values, expected 42"),
    ("train_labels", inside(lambda raw: raw + b"\0"), "more than 7 values, expected 7"),
    ("test_labels", lambda content: content + gzip.compress(b"more"), "more than 4 values, expected 4"),
    ("train_images", lambda content: content[:-9], BROKEN),
    ("train_images", lambda content: content[:-8] + bytes(4) + content[-4:], BROKEN),
    ("train_images", lambda content: content[:-4] + bytes(4), BROKEN),
    ("test_labels", lambda content: content + b"more", BROKEN),
    ("test_labels", lambda _: b"<html>", "its header is ("),
]


@pytest.mark.parametrize(("role", "change", "message"), MALFORMED_IDX)
def test_a_malformed_idx_file_is_refused_in_one_line(tiny_idx: Tiny, role: str, change: Change, message: str) -> None:
    tiny_idx.contents[role] = change(tiny_idx.contents[role])
    line = tiny_idx.refusal()
    assert line.startswith(f"{role}.gz: ")
    assert message in line
    assert "datasets.tiny" in line


def test_pixels_and_labels_out_of_range_are_refused(tiny_idx: Tiny) -> None:
    tiny_idx.facts["largest"] = 254
    tiny_idx.contents["test_images"] = gzip.compress(idx(np.full((4, 3, 2), 255, np.uint8)))
    tiny_idx.contents["train_images"] = gzip.compress(idx(np.full((7, 3, 2), 254, np.uint8)))
    assert tiny_idx.refusal().startswith("tiny: test example 0: a pixel of 255, expected 0 to 254; ")
    tiny_idx.facts["largest"] = 255
    change = inside(lambda raw: raw[:-3] + b"\x03" + raw[-2:])
    tiny_idx.contents["train_labels"] = change(tiny_idx.contents["train_labels"])
    assert tiny_idx.refusal().startswith("tiny: training example 4: the label 3, expected 0 to 2; ")


def test_no_more_than_a_byte_is_read_after_what_the_registry_promises(
    tiny_idx: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    read = gzip.GzipFile.read

    def counted(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        asked.append(size)
        return read(self, size)

    tiny_idx.contents["train_images"] = inside(lambda raw: raw + bytes(1 << 20))(tiny_idx.contents["train_images"])
    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    tiny_idx.refusal()
    assert sum(filter(None, asked)) == 16 + 42 + 1


# --- the file that the registry names ---


@pytest.mark.parametrize(("local", "remedy"), [(False, "delete it, and run snakemake again"), (True, "local_dir")])
@pytest.mark.parametrize(
    ("content", "found"), [(b"", "its sha256 is "), (b"12345", "found 5 "), (None, "found no file")]
)
def test_a_file_that_is_not_the_registrys_is_refused_before_it_is_read(
    tiny_idx: Tiny, content: bytes | None, found: str, local: bool, remedy: str
) -> None:
    entry = {**tiny_idx.entry(), "local_dir": str(tiny_idx.folder) if local else None}
    path = tiny_idx.folder / "test_labels.gz"
    size = path.stat().st_size
    path.unlink()
    if content is not None:
        path.write_bytes(content or bytes(size))
    line = tiny_idx.refusal(entry)
    assert line.startswith(f"test_labels.gz: {found}")
    assert remedy in line


def test_a_file_of_another_package_version_is_refused_with_the_cure() -> None:
    entry = {**REGISTRY["digits"], "files": {"table": {**REGISTRY["digits"]["files"]["table"], "size": 7}}}
    with pytest.raises(HandgradError, match=r"digits\.csv\.gz: found 57523 bytes, expected 7 bytes; .*package sklearn"):
        read_dataset(entry, {}, "digits")


def test_a_file_that_cannot_be_read_is_named_and_never_to_be_deleted(
    tiny_idx: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(source_files, "file_sha256", refuse)
    line = tiny_idx.refusal()
    assert line.startswith("train_images.gz: Permission denied")
    assert "delete" not in line


# --- cifar-binary ---

FOLDER = "cifar-10-batches-bin"
TEST_BATCH = f"{FOLDER}/test_batch.bin"
PLAIN, PAX = tarfile.REGTYPE, tarfile.XHDTYPE


def member(
    name: str, content: bytes = b"", kind: bytes = PLAIN, *, size: int | None = None, how: int = tarfile.GNU_FORMAT
) -> bytes:
    """Return a member of a tar file, of any type. size: the declared size, which may be wrong."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content) if size is None else size
    return info.tobuf(how) + content + bytes(-len(content) % 512)


def pax(key: str, value: str) -> bytes:
    """Return a pax header that sets a key of the next member."""
    record = f" {key}={value}\n"
    length = next(n for n in range(1, 9999) if len(f"{n}{record}") == n)
    return member("pax", f"{length}{record}".encode(), PAX)


RECORDS = np.concatenate([labels_of(12, 3)[:, None], images_of(12, 3072)], axis=1).reshape(6, 2, 3073)
NAMES = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
BATCHES = {name: member(f"{FOLDER}/{name}", batch.tobytes()) for name, batch in zip(NAMES, RECORDS, strict=True)}
#: batches of two records, not in order, and members that readers must ignore
MEMBERS = {"": member(FOLDER, kind=tarfile.DIRTYPE), "readme.html": member(f"{FOLDER}/readme.html", b"read me")}
MEMBERS |= dict(sorted(BATCHES.items(), reverse=True))


def tar_of(*members: bytes, **changed: bytes) -> bytes:
    """Return a tar file: these members, then the members of CIFAR-10, some of them changed."""
    whole = b"".join((*members, *(changed.get(name.partition(".")[0], MEMBERS[name]) for name in MEMBERS)))
    return whole + bytes(1024 + -(len(whole) + 1024) % 10240)


def cifar_of(folder: Path, archive: bytes) -> Tiny:
    """Return a cifar-binary dataset of ten training and two test images, with three classes."""
    facts = {"format": "cifar-binary", "train": 10, "test": 2, "image_shape": [3, 32, 32]}
    return Tiny(folder, facts, {"archive": archive})


CIFAR_TAR = tar_of()
CIFAR = gzip.compress(CIFAR_TAR)
FILE = member("x")
SPARSE = member("pax", b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n", PAX)


def test_cifar_examples_are_the_records_in_the_order_of_batch_number(tmp_path: Path) -> None:
    data = cifar_of(tmp_path, CIFAR).read()
    x, y = images_of(12, 3072), labels_of(12, 3)
    for split, rows in ((data.train, slice(0, 10)), (data.test, slice(10, 12))):
        assert split.x.dtype == split.y.dtype == np.uint8
        np.testing.assert_array_equal(split.x, x[rows])
        np.testing.assert_array_equal(split.y, y[rows])


LINK = member(TEST_BATCH, kind=tarfile.SYMTYPE)
SHORT = member(f"{FOLDER}/data_batch_2.bin", bytes(6145))
#: invalid tar files, and a part of their message
REFUSED_TARS: dict[str, tuple[bytes, str]] = {
    "missing member": (tar_of(data_batch_4=b""), f": no member {FOLDER}/data_batch_4.bin"),
    "too short": (tar_of(data_batch_2=SHORT), "data_batch_2.bin: a file of 6145 bytes"),
    "too long": (tar_of(test_batch=member(TEST_BATCH, bytes(9219))), ": a file of 9219 bytes"),
    "a symlink": (tar_of(test_batch=LINK), f"{TEST_BATCH}: not a regular file"),
    "a member twice": (tar_of(member(TEST_BATCH, bytes(6146))), f"{TEST_BATCH}: a second member of this name"),
    "a batch and a link": (tar_of(LINK), TEST_BATCH),
    "truncated tar": (CIFAR_TAR[:30000], ": damaged tar.gz"),
    "not tar": (b"<html>" * 999, ": damaged tar.gz"),
    "bytes after the tar": (CIFAR_TAR + b"more", "after the end of its tar"),
    "a second tar": (2 * CIFAR_TAR, "after the end of its tar"),
    "a negative size": (tar_of(member("x", size=-1024)), ""),
    "back to the start": (tar_of(member("x", size=-512)), ""),
    "a negative size in a pax header": (tar_of(pax("size", "-1024"), FILE), ""),
    "a huge size": (tar_of(member("x", size=1 << 60)), ""),
    "a huge size in a pax header": (tar_of(pax("size", str(1 << 60)), FILE), ""),
    "a pax header of a huge size": (tar_of(member("x", kind=PAX, size=1 << 60)), ""),
    "a thousand pax headers": (tar_of(2000 * pax("mtime", "1"), FILE), ""),
    "a global pax header that renames": (tar_of(member("x", b"11 path=ab\n", tarfile.XGLTYPE)), ""),
    "a long name of a negative size": (tar_of(member("x", kind=tarfile.GNUTYPE_LONGNAME, size=-512)), ""),
    "a sparse file": (tar_of(member(TEST_BATCH, kind=tarfile.GNUTYPE_SPARSE, size=6146)), TEST_BATCH),
    "a sparse file in a pax header": (tar_of(SPARSE, FILE), ""),
    "a sparse map without end": (SPARSE + member("x", b"9\n"), ""),
    "a bomb in another member": (tar_of(member("bomb", bytes(17 << 20))), "holds more than"),
    "a bomb after the tar": (CIFAR_TAR + bytes(17 << 20), "holds more than"),
    "a renamed batch": (tar_of(test_batch=pax("path", "x") + BATCHES["test_batch.bin"]), f"no member {TEST_BATCH}"),
}
REFUSED_GZIPS: dict[str, tuple[bytes, str]] = {
    "truncated": (CIFAR[:-2000], ": damaged tar.gz"),
    "corrupt gzip": (CIFAR[:10] + b"\xff" * 5000, ": damaged tar.gz"),
    "not gzip": (CIFAR_TAR, ": damaged tar.gz"),
    "wrong gzip checksum": (CIFAR[:-8] + bytes(4) + CIFAR[-4:], ": damaged tar.gz"),
    "wrong gzip length": (CIFAR[:-4] + bytes(4), ": damaged tar.gz"),
    "bytes after gzip": (CIFAR + b"more", ": damaged tar.gz"),
    "a second gzip member": (CIFAR + gzip.compress(b"more"), "after the end of its tar"),
}


@pytest.mark.parametrize("case", [*REFUSED_TARS, *REFUSED_GZIPS])
def test_a_damaged_or_hostile_archive_is_refused_within_a_second(tmp_path: Path, case: str) -> None:
    content, message = {**REFUSED_TARS, **REFUSED_GZIPS}[case]
    tiny = cifar_of(tmp_path, gzip.compress(content) if case in REFUSED_TARS else content)
    began = time.process_time()
    line = tiny.refusal()
    assert time.process_time() - began < 1
    assert line.startswith("archive.gz: ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["archive.gz"]


LURES = ("/data_batch_1.bin", "../data_batch_1.bin", f"../{FOLDER}/data_batch_1.bin", "data_batch_1.bin")
HARMLESS: dict[str, bytes] = {
    "members that only look like batches": gzip.compress(tar_of(*(member(name, bytes(6146)) for name in LURES))),
    "pax headers with times": gzip.compress(tar_of(pax("mtime", "1.5"), FILE)),
    "a name in a pax header": gzip.compress(tar_of(member("x" * 150, b"1", how=tarfile.PAX_FORMAT))),
    "a name in a GNU header": gzip.compress(tar_of(member("x" * 150, b"1"))),
    "zeros to fill a tape's record": gzip.compress(CIFAR_TAR + bytes(1 << 20)),
    "no zeros at the end": gzip.compress(CIFAR_TAR[: len(CIFAR_TAR.rstrip(b"\0")) // 512 * 512 + 512]),
    "two gzip members": gzip.compress(CIFAR_TAR[:9000]) + gzip.compress(CIFAR_TAR[9000:]),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_an_archive_that_tar_and_gzip_programs_write_is_read(tmp_path: Path, case: str) -> None:
    np.testing.assert_array_equal(cifar_of(tmp_path, HARMLESS[case]).read().train.x, images_of(12, 3072)[:10])


def test_more_examples_than_the_file_has_room_for_allocate_nothing(tiny_idx: Tiny, tmp_path: Path) -> None:
    tiny_idx.contents["train_images"] = gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 10**8, 3, 2))
    for tiny in (tiny_idx, cifar_of(tmp_path, CIFAR)):
        tiny.facts["train"] = 10**8
        assert "expected" in tiny.refusal()


@pytest.mark.parametrize(
    ("fact", "value", "named"), [("image_shape", [28, 28], "28 x 28"), ("train", 11, "11 examples")]
)
def test_an_entry_that_no_cifar_archive_can_match_is_refused(tmp_path: Path, fact: str, value: Any, named: str) -> None:
    tiny = cifar_of(tmp_path, CIFAR)
    tiny.facts[fact] = value
    assert named in tiny.refusal()


# --- sklearn-digits ---


def test_digits_are_those_of_scikit_learn_the_last_360_for_test() -> None:
    data = read_dataset(REGISTRY["digits"], {}, "digits")
    x, y = load_digits(return_X_y=True)
    for split, rows in ((data.train, slice(0, 1437)), (data.test, slice(-360, None))):
        assert split.x.dtype == split.y.dtype == np.uint8
        np.testing.assert_array_equal(split.x, x[rows])
        np.testing.assert_array_equal(split.y, y[rows])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("0,16,0\n5,6,1\n7,8,0\n", None),
        ("0,16,0\n5,6,1\n", "table.gz: holds 2 x 3, expected 3 x 3"),
        ("0,16,0\n5,6,1\n7,8,0\n1,1,1\n", "table.gz: holds more than 3 rows, expected 3 x 3"),
        ("0,16,0\n" * 99, "table.gz: holds more than 3 rows, expected 3 x 3"),
        ("0,0\n5,1\n7,0\n", "table.gz: holds 3 x 2, expected 3 x 3"),
        ("0,17,0\n5,6,1\n7,8,0\n", "tiny: training example 0: a pixel of 17, expected 0 to 16"),
        ("0,1,0\n5,6,2\n7,8,0\n", "tiny: training example 1: the label 2, expected 0 to 1"),
        ("0,1,0\n5,300,1\n7,8,0\n", "table.gz: not a table of small integers"),
        ("0,1,0\n5,-1,1\n7,8,0\n", "table.gz: not a table of small integers"),
        ("<html>\n", "table.gz: not a table of small integers"),
    ],
)
def test_a_table_of_digits_may_be_the_users_own_if_it_is_whole(tmp_path: Path, table: str, message: str | None) -> None:
    facts = {"format": "sklearn-digits", "train": 2, "test": 1, "image_shape": [2, 1], "largest": 16}
    facts |= {"class_names": ["0", "1"], "local_dir": str(tmp_path)}
    tiny = Tiny(tmp_path, facts, {"table": gzip.compress(table.encode())})
    if message:
        assert tiny.refusal().startswith(message)
    else:
        data = tiny.read()
        assert (data.train.x.tolist(), data.train.y.tolist()) == ([[0, 16], [5, 6]], [0, 1])
        assert (data.test.x.tolist(), data.test.y.tolist()) == ([[7, 8]], [0])


# --- the registry ---


def test_the_registry_names_files_as_their_mirrors_do_for_formats_with_a_reader() -> None:
    files = [file for entry in REGISTRY.values() for file in entry["files"].values()]
    assert all(mirror.endswith(f"/{file['name']}") for file in files for mirror in file["mirrors"])
    assert set(FORMATS) == set(FORMAT_ROLES)
