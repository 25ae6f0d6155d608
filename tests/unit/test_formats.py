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
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from handgrad.common.errors import HandgradError
from handgrad.datasets import source_files
from handgrad.datasets.data import Dataset
from handgrad.datasets.inputs import Array, Bytes
from handgrad.experiment.config_schema import completed_entry
from handgrad.experiment.registry import OPTIONS, ROLES, data_digest
from handgrad.formats.dataset_reader import FORMATS, read_dataset

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
        return completed_entry({"files": files, "class_names": ["a", "b", "c"], **self.facts})

    def read(self, entry: dict[str, Any] | None = None) -> Dataset:
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
    assert (data.spec.image_shape, data.class_names) == (shape, ("a", "b", "c"))
    assert data.sources == {file["name"]: file["sha256"] for file in entry["files"].values()}
    assert data.digest == data_digest(entry)


def inside(change: Change) -> Change:
    """Return a function that changes the content of a gzip file."""
    return lambda content: gzip.compress(change(gzip.decompress(content)))


def instead(values: Bytes) -> Change:
    return lambda _: gzip.compress(idx(values))


BROKEN = "damaged gzip"
MALFORMED_IDX: list[tuple[str, Change, str]] = [
    ("train_images", inside(lambda raw: b"\0\0\x0d\x03" + raw[4:]), "42 bytes of values, expected 168"),
    ("train_images", inside(lambda raw: b"\0\0\x0a\x03" + raw[4:]), "its header is b'\\x00\\x00\\n\\x03'"),
    ("test_images", instead(labels_of(4, 3)), "its header is 4 values, expected 4 x 3 x 2"),
    ("test_images", instead(images_of(4, 2, 3)), "4 x 2 x 3 values, expected 4 x 3 x 2"),
    ("train_images", instead(images_of(6, 3, 2)), "6 x 3 x 2 values, expected 7 x 3 x 2"),
    ("test_labels", instead(labels_of(5, 3)), "its header is 5 values, expected 4"),
    ("test_labels", inside(lambda _: b""), "its header is b''"),
    ("train_images", inside(lambda raw: raw[:9]), "its header is 7 values, expected 7 x 3 x 2"),
    ("train_images", inside(lambda raw: raw[:-1]), "41 bytes of values, expected 42"),
    ("train_labels", inside(lambda raw: raw + b"\0"), "more than 7 bytes of values, expected 7"),
    ("test_labels", lambda content: content + gzip.compress(b"more"), "more than 4 bytes of values, expected 4"),
    ("train_images", lambda content: content[:-9], BROKEN),
    ("train_images", lambda content: content[:-8] + bytes(4) + content[-4:], BROKEN),
    ("train_images", lambda content: content[:-4] + bytes(4), BROKEN),
    ("test_labels", lambda content: content + b"more", BROKEN),
    ("test_labels", lambda _: b"<html>", "its header is b'<htm'"),
]


@pytest.mark.parametrize(("role", "change", "message"), MALFORMED_IDX)
def test_a_malformed_idx_file_is_refused_in_one_line(tiny_idx: Tiny, role: str, change: Change, message: str) -> None:
    tiny_idx.contents[role] = change(tiny_idx.contents[role])
    line = tiny_idx.refusal()
    assert line.startswith(f"{role}.gz: ")
    assert message in line
    assert "datasets.tiny" in line


def typed_idx(values: Array, kind: int) -> bytes:
    """Return an idx file of the type with this number."""
    header = bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def test_emnist_files_come_out_upright_with_labels_from_0(tmp_path: Path) -> None:
    tiny = idx_of(tmp_path, 3, 2)
    for part, n in (("train", 7), ("test", 4)):
        tiny.contents[f"{part}_images"] = gzip.compress(idx(images_of(n, 3, 2).transpose(0, 2, 1)))
        tiny.contents[f"{part}_labels"] = gzip.compress(idx(labels_of(n, 3) + 1))
    tiny.facts |= {"label_offset": 1, "transpose": True}
    data = tiny.read()
    np.testing.assert_array_equal(data.train.x, images_of(7, 6))
    np.testing.assert_array_equal(data.test.y, labels_of(4, 3))
    assert data.spec.image_shape == (3, 2)


@pytest.mark.parametrize("facts", [{}, {"class_names": None}, {"class_names": None, "train": None, "test": None}])
def test_labels_from_1_are_refused_with_the_options_of_emnist(tiny_idx: Tiny, facts: dict[str, Any]) -> None:
    for part, n in (("train", 7), ("test", 4)):
        tiny_idx.contents[f"{part}_labels"] = gzip.compress(idx(labels_of(n, 3) + 1))
    tiny_idx.facts |= facts
    line = tiny_idx.refusal()
    assert line.startswith("train_labels.gz: labels from 1 to 3")
    assert "label_offset: 1" in line
    assert "transpose: true" in line


@pytest.mark.parametrize("facts", [{"label_offset": 0, "class_names": None}, {"class_names": list("abcd")}])
def test_labels_from_1_are_read_as_they_are_if_the_entry_says_so(tiny_idx: Tiny, facts: dict[str, Any]) -> None:
    for part, n in (("train", 7), ("test", 4)):
        tiny_idx.contents[f"{part}_labels"] = gzip.compress(idx(labels_of(n, 3) + 1))
    tiny_idx.facts |= facts
    data = tiny_idx.read()
    assert data.train.y.tolist() == [1, 2, 3, 1, 2, 3, 1]
    assert data.classes == 4


@pytest.mark.parametrize(("offset", "kind", "dtype", "labels"), [(1, 8, "u1", 0), (0, 12, "i4", 256), (0, 9, "i1", -1)])
def test_a_label_that_is_no_class_number_is_refused_with_its_place(
    tiny_idx: Tiny, offset: int, kind: int, dtype: str, labels: int
) -> None:
    values = np.array([2, 1, labels, 1, 2, 1, 2], dtype)
    tiny_idx.contents["train_labels"] = gzip.compress(typed_idx(values, kind))
    tiny_idx.facts |= {"label_offset": offset}
    assert tiny_idx.refusal().startswith(f"train_labels.gz: index [2]: the label {labels}, expected integers from ")


@pytest.mark.parametrize(("kind", "dtype"), [(9, "i1"), (11, "i2"), (12, "i4")])
def test_idx_integers_from_0_to_255_are_pixels_and_labels(tiny_idx: Tiny, kind: int, dtype: str) -> None:
    for part, n in (("train", 7), ("test", 4)):
        tiny_idx.contents[f"{part}_images"] = typed_idx((images_of(n, 3, 2) // 2).astype(dtype), kind)
        tiny_idx.contents[f"{part}_labels"] = typed_idx(labels_of(n, 3).astype(dtype), kind)
    data = tiny_idx.read()
    assert (data.train.x.dtype, data.spec.max_value) == (np.uint8, 255)
    np.testing.assert_array_equal(data.train.x, images_of(7, 6) // 2)
    np.testing.assert_array_equal(data.test.y, labels_of(4, 3))


@pytest.mark.parametrize(("kind", "dtype"), [(13, "f4"), (14, "f8")])
def test_floating_point_idx_images_are_float32_without_a_largest_pixel(tiny_idx: Tiny, kind: int, dtype: str) -> None:
    for part, n in (("train", 7), ("test", 4)):
        tiny_idx.contents[f"{part}_images"] = typed_idx((images_of(n, 3, 2) / 255).astype(dtype), kind)
    data = tiny_idx.read()
    assert (data.train.x.dtype, data.spec.max_value, data.spec.image_shape) == (np.float32, None, (3, 2))
    np.testing.assert_array_equal(data.train.x, (images_of(7, 6) / 255).astype(np.float32))
    tiny_idx.contents["train_images"] = typed_idx(np.full((7, 3, 2), np.nan, dtype), kind)
    assert tiny_idx.refusal().startswith("train_images.gz: index [0, 0, 0]: nan, expected a finite number")


HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 1 << 31, 1 << 31, 1 << 31)
#: role, content, and a part of the message; the entry has no facts
UNKNOWN_IDX: list[tuple[str, bytes, str]] = [
    ("test_images", idx(images_of(4, 2, 3)), "images of 2 x 3, expected 3 x 2, as in training"),
    ("train_labels", typed_idx(labels_of(7, 3).astype("f4"), 13), "the label 0.0, expected integers"),
    ("train_images", idx(images_of(0, 3, 2)), "its header is 0 x 3 x 2 values"),
    ("train_images", idx(images_of(7, 3, 2))[:12], "its header is 7 x 3 values"),
    ("train_images", HUGE, "0 bytes of values, expected "),
    ("train_labels", idx(labels_of(6, 3)), "its header is 6 values, expected 7"),
]


@pytest.mark.parametrize(("role", "content", "message"), UNKNOWN_IDX)
def test_idx_files_without_facts_are_refused_if_they_disagree(
    tiny_idx: Tiny, role: str, content: bytes, message: str
) -> None:
    tiny_idx.facts |= {"train": None, "test": None, "image_shape": None, "class_names": None}
    tiny_idx.contents[role] = content
    line = tiny_idx.refusal()
    assert line.startswith(f"{role}.gz")
    assert message in line


@pytest.mark.parametrize("test", [4, 4 / 11])
def test_the_test_split_of_idx_files_for_training_alone_is_drawn(tmp_path: Path, test: float) -> None:
    contents = {"train_images": idx(images_of(11, 3, 2)), "train_labels": idx(labels_of(11, 3))}
    facts = {"format": "idx", "train": 7, "test": test, "image_shape": [3, 2]}
    data = Tiny(tmp_path, facts, contents).read()
    for split, n in ((data.train, 7), (data.test, 4)):
        assert split.rows is not None
        assert len(split.rows) == n
        np.testing.assert_array_equal(split.x, images_of(11, 6)[split.rows])
        np.testing.assert_array_equal(split.y, labels_of(11, 3)[split.rows])


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
    assert sum(filter(None, asked)) == 4 + 16 + (16 + 42 + 1)  # the type, the header, all


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
    def refuse(path: Path) -> tuple[int, str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(source_files, "size_and_sha256", refuse)
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
    ("fact", "value", "named"), [("image_shape", [28, 28], "[28, 28]"), ("train", 11, "train is 11")]
)
def test_an_entry_that_no_cifar_archive_can_match_is_refused(tmp_path: Path, fact: str, value: Any, named: str) -> None:
    tiny = cifar_of(tmp_path, CIFAR)
    tiny.facts[fact] = value
    assert named in tiny.refusal()


CIFAR_100 = np.concatenate([labels_of(9, 2)[:, None], labels_of(9, 3)[:, None], images_of(9, 3072)], axis=1)
NAMES_100 = {"coarse": b"fish\ntrees\n", "fine": b"carp\nelm\noak\n\n"}


def cifar_100_of(folder: Path, names: dict[str, bytes] = NAMES_100, **facts: Any) -> Tiny:
    """Return a CIFAR-100 archive of six training and three test images, with two superclasses and three classes."""
    members = {"train.bin": CIFAR_100[:6].tobytes(), "test.bin": CIFAR_100[6:].tobytes()}
    members |= {f"{kind}_label_names.txt": content for kind, content in names.items()}
    archive = b"".join(member(f"cifar-100-binary/{name}", content) for name, content in members.items()) + bytes(1024)
    entry = {"format": "cifar-binary", "train": 6, "test": 3, "image_shape": [3, 32, 32], "class_names": None, **facts}
    return Tiny(folder, entry, {"archive": gzip.compress(archive)})


@pytest.mark.parametrize(
    ("labels", "classes", "names"), [("coarse", 2, ("fish", "trees")), ("fine", 3, ("carp", "elm", "oak"))]
)
def test_cifar_100_has_fine_and_coarse_labels_with_the_names_of_its_archive(
    tmp_path: Path, labels: str, classes: int, names: tuple[str, ...]
) -> None:
    data = cifar_100_of(tmp_path, labels=labels).read()
    assert data.class_names == names
    for split, rows in ((data.train, slice(0, 6)), (data.test, slice(6, 9))):
        np.testing.assert_array_equal(split.x, images_of(9, 3072)[rows])
        np.testing.assert_array_equal(split.y, labels_of(9, classes)[rows])


def test_cifar_100_without_files_of_names_is_read_with_the_names_of_the_entry(tmp_path: Path) -> None:
    names = ["x", "y", "z"]
    assert cifar_100_of(tmp_path, {}, labels="fine", class_names=names).read().class_names == tuple(names)


@pytest.mark.parametrize(
    ("names", "facts", "message"),
    [
        (NAMES_100, {"class_names": ["a", "b", "c"], "train": 5}, "for CIFAR-100, set labels: fine or coarse"),
        ({}, {"labels": "fine"}, "no member cifar-100-binary/fine_label_names.txt"),
        ({"fine": b"a\n" * 40_000}, {"labels": "fine"}, "a file of 80000 bytes, expected one file of 65536 bytes"),
        (NAMES_100, {"labels": "fine", "class_names": ["a", "b"]}, "the label 2, expected 0 to 1"),
        (NAMES_100, {"labels": "fine", "test": 0.2}, "test is 0.2"),
    ],
)
def test_an_archive_that_is_not_the_cifar_of_its_entry_is_refused(
    tmp_path: Path, names: dict[str, bytes], facts: dict[str, Any], message: str
) -> None:
    assert message in cifar_100_of(tmp_path, names, **facts).refusal()


def test_a_cifar_10_archive_read_as_cifar_100_is_refused_with_the_remedy(tmp_path: Path) -> None:
    tiny = cifar_of(tmp_path, CIFAR)
    tiny.facts |= {"labels": "fine"}
    assert "for CIFAR-10, remove the option labels" in tiny.refusal()


# --- scikit-learn's datasets ---


@pytest.mark.parametrize(
    ("name", "load"), [("iris", load_iris), ("wine", load_wine), ("breast_cancer", load_breast_cancer)]
)
def test_tables_are_those_of_scikit_learn_with_a_drawn_test_split(name: str, load: Callable[[], Any]) -> None:
    data, bunch = read_dataset(completed_entry(REGISTRY[name]), {}, name), load()
    assert data.spec.names == tuple(bunch.feature_names)
    assert data.class_names == tuple(bunch.target_names) == tuple(REGISTRY[name]["class_names"])
    assert (data.spec.image_shape, data.spec.max_value, data.train.x.dtype) == (None, None, np.float32)
    rows = [split.rows for split in (data.train, data.test) if split.rows is not None]
    assert sorted(np.concatenate(rows)) == list(range(len(bunch.target)))
    for split, chosen in zip((data.train, data.test), rows, strict=True):
        np.testing.assert_array_equal(split.x, bunch.data[chosen].astype(np.float32))
        np.testing.assert_array_equal(split.y, bunch.target[chosen])


IRIS = "4,4,a,b\n1,2,3,4,0\n1,2,3,5,1\n1,2,3,6,0\n1,2,3,7,1\n"


@pytest.mark.parametrize(
    ("table", "name", "message"),
    [
        (IRIS, "iris.csv", None),
        (IRIS.replace("4,4", "5,4"), "iris.csv", "a table of 4 x 5 values with the first line '5,4,a,b'"),
        (IRIS, "wine_data.csv", "a table of 4 x 5 values"),
        (IRIS.replace("1,2,3", "1,2,3,3"), "iris.csv", "a table of 4 x 6 values"),
        (IRIS, "mine.csv", "one of iris.csv"),
        (IRIS.replace("5,1", "5,2"), "iris.csv", "3 different labels from 0 to 2"),
        (IRIS.replace("5,1", "nan,1"), "iris.csv", "index [1, 3]: nan"),
        (IRIS.replace("5,1", "x,1"), "iris.csv", "not a table of numbers"),
        ("", "iris.csv", "no examples"),
    ],
)
def test_a_table_of_scikit_learn_may_be_the_users_own_if_it_is_whole(
    tmp_path: Path, table: str, name: str, message: str | None
) -> None:
    (tmp_path / name).write_text(table)
    file = {"name": name, "size": len(table), "sha256": hashlib.sha256(table.encode()).hexdigest()}
    facts = {"format": "sklearn-table", "test": 2, "local_dir": str(tmp_path), "files": {"table": file}}
    tiny = Tiny(tmp_path, {}, {})
    if message is None:
        data = tiny.read(completed_entry(facts))
        assert data.class_names == ("a", "b")
        assert sorted(data.train.x[:, 3].tolist() + data.test.x[:, 3].tolist()) == [4, 5, 6, 7]
    else:
        assert message in tiny.refusal(completed_entry(facts))


# --- sklearn-digits ---


def test_digits_are_those_of_scikit_learn_the_last_360_for_test() -> None:
    data = read_dataset(completed_entry(REGISTRY["digits"]), {}, "digits")
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
    assert set(FORMATS) <= set(ROLES) == set(OPTIONS)
    assert {entry["format"] for entry in REGISTRY.values()} <= set(FORMATS)


def test_class_names_that_differ_from_those_in_the_files_are_refused() -> None:
    iris = completed_entry(REGISTRY["iris"])
    assert read_dataset(iris, {}, "iris").class_names == ("setosa", "versicolor", "virginica")
    with pytest.raises(HandgradError, match=r"^class_names: [^\n]*setosa[^\n]*$"):
        read_dataset({**iris, "class_names": ["virginica", "setosa", "versicolor"]}, {}, "iris")
