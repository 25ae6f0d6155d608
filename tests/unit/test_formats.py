"""What readers promise: right files come out as they are, wrong ones end in one line that names them."""

import gzip
import hashlib
import io
import math
import re
import struct
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits

from handgrad.common.errors import HandgradError
from handgrad.datasets.data import Bytes
from handgrad.datasets.formats import FORMATS, dataset_files, read_dataset
from handgrad.experiment.registry import EMBEDDED, FORMAT_ROLES, data_digest

REGISTRY = yaml.safe_load((Path(__file__).parents[2] / "config" / "datasets.yaml").read_text())["datasets"]
Change = Callable[[bytes], bytes]


@dataclass
class Tiny:
    """A dataset of a few images: the bytes of its files, and its entry of the registry."""

    folder: Path
    facts: dict[str, Any]
    contents: dict[str, bytes]
    local_dir: str | None = None
    paths: dict[str, Path] = field(init=False)

    def entry(self) -> dict[str, Any]:
        """The entry under which the files, as they are now, have the right size and sha256."""
        self.paths, files = {}, {}
        for role, content in self.contents.items():
            self.paths[role] = self.folder / f"{role}.gz"
            self.paths[role].write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            files[role] = {"name": f"{role}.gz", "size": len(content), "sha256": sha256, "mirrors": []}
        return {
            "local_dir": self.local_dir,
            "files": files,
            "largest": 255,
            "class_names": ["a", "b", "c"],
            **self.facts,
        }

    def read(self) -> Any:
        entry = self.entry()
        return read_dataset(entry, self.paths, "tiny")

    def refusal(self, entry: dict[str, Any] | None = None) -> str:
        """The one line, which begins with a file, with which the dataset is refused; without the folder."""
        entry = entry or self.entry()
        with pytest.raises(HandgradError) as caught:
            read_dataset(entry, self.paths, "tiny")
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(f"{self.folder}/")
        return str(caught.value).removeprefix(f"{self.folder}/")


def images_of(n: int, *shape: int) -> Bytes:
    return np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)


def labels_of(n: int, classes: int) -> Bytes:
    return (np.arange(n) % classes).astype(np.uint8)


# --- idx ---


def idx(values: Bytes) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


@pytest.fixture
def tiny_idx(tmp_path: Path) -> Tiny:
    """Seven training and four test images of 3 x 2 pixels, three classes."""
    contents = {}
    for part, n in (("train", 7), ("test", 4)):
        contents[f"{part}_images"] = gzip.compress(idx(images_of(n, 3, 2)))
        contents[f"{part}_labels"] = gzip.compress(idx(labels_of(n, 3)))
    return Tiny(tmp_path, {"format": "idx", "train": 7, "test": 4, "image_shape": [3, 2]}, contents)


@pytest.mark.parametrize("shape", [[3, 2], [3, 2, 5]])
def test_idx_files_come_out_as_the_uint8_values_that_went_in(tiny_idx: Tiny, shape: list[int]) -> None:
    tiny_idx.facts["image_shape"] = shape
    for part, n in (("train", 7), ("test", 4)):
        tiny_idx.contents[f"{part}_images"] = gzip.compress(idx(images_of(n, *shape)))
    data, entry = tiny_idx.read(), tiny_idx.entry()
    for split, n in ((data.train, 7), (data.test, 4)):
        assert split.x.dtype == split.y.dtype == np.uint8
        np.testing.assert_array_equal(split.x, images_of(n, *shape).reshape(n, -1))
        np.testing.assert_array_equal(split.y, labels_of(n, 3))
    assert (data.image_shape, data.class_names) == (tuple(shape), ("a", "b", "c"))
    assert data.sources == {file["name"]: file["sha256"] for file in entry["files"].values()}
    assert data.digest == data_digest(entry)


def inside(change: Change) -> Change:
    """A change to what a gzip file holds."""
    return lambda content: gzip.compress(change(gzip.decompress(content)))


BROKEN = "broken gzip"
MALFORMED_IDX: dict[str, tuple[str, Change, str]] = {
    "wrong magic": (
        "train_images",
        inside(lambda raw: b"\0\0\x0d\x03" + raw[4:]),
        "(3331, 7, 3, 2), expected (2051",
    ),
    "labels in place of images": (
        "test_images",
        lambda _: gzip.compress(idx(labels_of(4, 3))),
        "expected (2051, 4, 3",
    ),
    "empty": ("test_labels", inside(lambda _: b""), "numbers (), expected (2049, 4)"),
    "half a header": ("train_images", inside(lambda raw: raw[:9]), "(2051, 7), expected (2051, 7"),
    "wrong count": (
        "train_images",
        lambda _: gzip.compress(idx(images_of(6, 3, 2))),
        "(2051, 6, 3, 2), expected (2051, 7",
    ),
    "wrong count of labels": (
        "test_labels",
        lambda _: gzip.compress(idx(labels_of(5, 3))),
        "(2049, 5), expected (2049",
    ),
    "wrong shape": (
        "test_images",
        lambda _: gzip.compress(idx(images_of(4, 2, 3))),
        "(2051, 4, 2, 3), expected (2051, 4",
    ),
    "truncated": ("train_images", inside(lambda raw: raw[:-1]), "after 41 values, expected 42"),
    "trailing bytes": ("train_labels", inside(lambda raw: raw + b"\0"), "goes on after 7 values, expected 7"),
    "label out of range": (
        "train_labels",
        inside(lambda raw: raw[:-3] + b"\x03" + raw[-2:]),
        "example 4 has label 3, expected 0 to 2",
    ),
    "truncated gzip": ("train_images", lambda content: content[:-9], BROKEN),
    "corrupt gzip": ("train_images", lambda content: content[:-8] + bytes(4) + content[-4:], BROKEN),
    "wrong length in gzip": ("train_images", lambda content: content[:-4] + bytes(4), BROKEN),
    "bytes after gzip": ("test_labels", lambda content: content + b"more", BROKEN),
    "a second gzip member": (
        "test_labels",
        lambda content: content + gzip.compress(b"more"),
        "goes on after 4 values",
    ),
    "not gzip": ("test_labels", gzip.decompress, BROKEN),
}


@pytest.mark.parametrize("case", MALFORMED_IDX)
def test_a_malformed_idx_file_is_refused_in_one_line(tiny_idx: Tiny, case: str) -> None:
    role, change, message = MALFORMED_IDX[case]
    tiny_idx.contents[role] = change(tiny_idx.contents[role])
    line = tiny_idx.refusal()
    assert line.startswith(f"{role}.gz: ")
    assert message in line
    assert "datasets.tiny" in line


def test_a_pixel_above_the_largest_value_is_refused(tiny_idx: Tiny) -> None:
    tiny_idx.facts["largest"] = 100
    assert tiny_idx.refusal().startswith(
        f"train_images.gz: has a pixel of {images_of(7, 3, 2).max()}, expected 0 to 100"
    )


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
    assert (asked[-1], sum(filter(None, asked))) == (1, 16 + 42 + 1)


# --- the file that the registry names ---


@pytest.mark.parametrize(
    ("local_dir", "remedy"), [(None, "delete it, and run snakemake again"), ("/data", "local_dir")]
)
def test_a_file_that_is_not_the_registrys_is_refused_before_it_is_read(
    tiny_idx: Tiny, local_dir: str | None, remedy: str
) -> None:
    tiny_idx.local_dir = local_dir
    entry = tiny_idx.entry()
    path, file = tiny_idx.paths["test_labels"], entry["files"]["test_labels"]
    for content, found in ((bytes(file["size"]), "sha256 is "), (b"12345", "found 5, "), (None, "found no file, ")):
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        line = tiny_idx.refusal(entry)
        assert line.startswith(f"test_labels.gz: {found}")
        assert remedy in line
        path.touch()


@pytest.mark.parametrize("kind", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read_is_named_and_never_to_be_deleted(
    tiny_idx: Tiny, monkeypatch: pytest.MonkeyPatch, kind: OSError
) -> None:
    entry, real = tiny_idx.entry(), Path.open

    def refusing(path: Path, mode: str = "r", *how: Any, **named: Any) -> Any:
        if path == tiny_idx.paths["test_images"] and mode == "rb":
            raise type(kind)(kind.errno, kind.strerror, str(path))
        return real(path, mode, *how, **named)

    monkeypatch.setattr(Path, "open", refusing)
    line = tiny_idx.refusal(entry)
    assert line.startswith(f"test_images.gz: {kind.strerror}")
    assert "delete" not in line


# --- cifar-binary ---

FOLDER = "cifar-10-batches-bin"
Member = tuple[str, bytes | tarfile.TarInfo]


def cifar_members() -> list[Member]:
    """Batches of two records out of order, among members that no reader should mind."""
    x, y = images_of(12, 3072), labels_of(12, 3)
    batches = np.concatenate([y[:, None], x], axis=1).reshape(6, 2, 3073)
    names = [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]
    members = [(f"{FOLDER}/{name}", batch.tobytes()) for name, batch in zip(names, batches, strict=True)]
    folder = tarfile.TarInfo(FOLDER)
    folder.type = tarfile.DIRTYPE
    return [(FOLDER, folder), (f"{FOLDER}/readme.html", b"read me"), *members[3:], *members[:3]]


def tar_gz(members: list[Member], **how: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", **how) as tar:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def tiny_cifar(tmp_path: Path) -> Tiny:
    """Ten training and two test images, three classes."""
    facts = {"format": "cifar-binary", "train": 10, "test": 2, "image_shape": [3, 32, 32]}
    return Tiny(tmp_path, facts, {"archive": tar_gz(cifar_members())})


def test_cifar_examples_come_in_the_order_of_batch_number(tiny_cifar: Tiny) -> None:
    data = tiny_cifar.read()
    x, y = images_of(12, 3072), labels_of(12, 3)
    np.testing.assert_array_equal(data.train.x, x[:10])
    np.testing.assert_array_equal(data.train.y, y[:10])
    np.testing.assert_array_equal(data.test.x, x[10:])
    np.testing.assert_array_equal(data.test.y, y[10:])
    assert data.train.x.dtype == data.train.y.dtype == np.uint8


def test_cifar_pixels_stay_planar_all_red_then_green_then_blue(tiny_cifar: Tiny) -> None:
    planes = b"".join(bytes([value]) * 1024 for value in (10, 20, 30))
    members = dict(cifar_members())
    members[f"{FOLDER}/test_batch.bin"] = 2 * (b"\0" + planes)
    tiny_cifar.contents["archive"] = tar_gz(list(members.items()))
    data = tiny_cifar.read()
    image = data.test.x[0].reshape(data.image_shape)
    assert [set(plane.flat) for plane in image] == [{10}, {20}, {30}]


def test_members_that_only_look_like_batches_are_ignored(tiny_cifar: Tiny) -> None:
    lures = ("/data_batch_1.bin", "../data_batch_1.bin", f"../{FOLDER}/data_batch_1.bin", "data_batch_1.bin")
    members = [(name, bytes(6146)) for name in lures]
    tiny_cifar.contents["archive"] = tar_gz([*members, *cifar_members(), *members])
    np.testing.assert_array_equal(tiny_cifar.read().train.x, images_of(12, 3072)[:10])
    assert [path.name for path in tiny_cifar.folder.iterdir()] == ["archive.gz"]


def with_member(name: str, content: bytes | tarfile.TarInfo | None) -> bytes:
    """The archive with another content for a member, or without it."""
    members = dict(cifar_members())
    members.pop(f"{FOLDER}/{name}")
    if content is not None:
        members[f"{FOLDER}/{name}"] = content
    return tar_gz(list(members.items()))


def symlink(name: str, target: str) -> tarfile.TarInfo:
    link = tarfile.TarInfo(f"{FOLDER}/{name}")
    link.type, link.linkname = tarfile.SYMTYPE, target
    return link


MALFORMED_CIFAR: dict[str, tuple[Callable[[], bytes], str]] = {
    "missing member": (lambda: with_member("data_batch_4.bin", None), f": no member {FOLDER}/data_batch_4.bin"),
    "member too short": (
        lambda: with_member("data_batch_2.bin", bytes(6145)),
        f": {FOLDER}/data_batch_2.bin: 6145 bytes, expected 6146 (2 records)",
    ),
    "member too long": (lambda: with_member("test_batch.bin", bytes(9219)), f": {FOLDER}/test_batch.bin: 9219 bytes"),
    "member a symlink": (
        lambda: with_member("test_batch.bin", symlink("test_batch.bin", "data_batch_1.bin")),
        f": {FOLDER}/test_batch.bin: a link or a folder",
    ),
    "label out of range": (
        lambda: with_member("data_batch_5.bin", bytes(3073) + b"\x03" + bytes(3072)),
        f": {FOLDER}/data_batch_5.bin: example 1 has label 3, expected 0 to 2",
    ),
    "truncated": (lambda: tar_gz(cifar_members())[:-2000], ": broken tar.gz"),
    "truncated tar": (lambda: gzip.compress(plain(cifar_members())[:30000]), "before the end of a member"),
    "corrupt gzip": (lambda: tar_gz(cifar_members())[:10] + b"\xff" * 5000, ": broken tar.gz"),
    "not gzip": (lambda: plain(cifar_members()), ": broken tar.gz"),
}


@pytest.mark.parametrize("case", MALFORMED_CIFAR)
def test_a_malformed_cifar_archive_is_refused_in_one_line(tiny_cifar: Tiny, case: str) -> None:
    make, message = MALFORMED_CIFAR[case]
    tiny_cifar.contents["archive"] = make()
    line = tiny_cifar.refusal()
    assert line.startswith("archive.gz: ")
    assert message in line


def plain(members: list[Member], **how: Any) -> bytes:
    """The tar file without gzip."""
    return gzip.decompress(tar_gz(members, **how))


def header(name: str, kind: bytes, content: bytes = b"", size: int | None = None) -> bytes:
    """A member of a tar file, of any type, that may declare another size than it has."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, len(content) if size is None else size
    return member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def pax(key: str, value: str) -> bytes:
    """A pax header that sets this of the next member."""
    record = f" {key}={value}\n"
    length = next(n for n in range(1, 9999) if len(f"{n}{record}") == n)
    return header("pax", tarfile.XHDTYPE, f"{length}{record}".encode())


def tar_before(first: bytes) -> bytes:
    return gzip.compress(first + plain(cifar_members()))


CIFAR = tar_gz(cifar_members())
CIFAR_TAR = plain(cifar_members())
TEST_BATCH = f"{FOLDER}/test_batch.bin"
FILE = header("x", tarfile.REGTYPE)
HOSTILE_CIFAR: dict[str, Callable[[], bytes]] = {
    "wrong gzip checksum": lambda: CIFAR[:-8] + bytes(4) + CIFAR[-4:],
    "wrong gzip length": lambda: CIFAR[:-4] + bytes(4),
    "bytes after gzip": lambda: CIFAR + b"more",
    "a second gzip member": lambda: CIFAR + gzip.compress(b"more"),
    "bytes after the tar": lambda: gzip.compress(CIFAR_TAR + b"more"),
    "a second tar": lambda: gzip.compress(2 * CIFAR_TAR),
    "a member twice": lambda: tar_gz([*cifar_members(), (TEST_BATCH, bytes(6146))]),
    "a batch and a link": lambda: tar_gz([*cifar_members(), (TEST_BATCH, symlink("test_batch.bin", "x"))]),
    "a negative size": lambda: tar_before(header("x", tarfile.REGTYPE, size=-1024)),
    "a negative size in a pax header": lambda: tar_before(pax("size", "-1024") + FILE),
    "a huge size": lambda: tar_before(header("x", tarfile.REGTYPE, size=1 << 60)),
    "a huge size in a pax header": lambda: tar_before(pax("size", str(1 << 60)) + FILE),
    "a huge pax header": lambda: tar_before(header("x", tarfile.XHDTYPE, bytes(1 << 20))),
    "a pax header of a huge size": lambda: tar_before(header("x", tarfile.XHDTYPE, size=1 << 60)),
    "a global pax header that renames": lambda: tar_before(header("x", tarfile.XGLTYPE, b"11 path=ab\n")),
    "a long name of a negative size": lambda: tar_before(header("x", tarfile.GNUTYPE_LONGNAME, size=-512)),
    "a sparse file": lambda: tar_before(header(TEST_BATCH, tarfile.GNUTYPE_SPARSE, size=6146)),
    "a sparse file in a pax header": lambda: tar_before(pax("GNU.sparse.major", "1") + FILE),
    "a bomb in another member": lambda: tar_gz([*cifar_members(), ("bomb", bytes(1 << 25))]),
    "a bomb after the tar": lambda: gzip.compress(CIFAR_TAR + bytes(1 << 25)),
    "a batch renamed by a pax header": lambda: gzip.compress(pax("path", "x") + plain(cifar_members()[2:])),
}


@pytest.mark.parametrize("case", HOSTILE_CIFAR)
def test_a_hostile_cifar_archive_is_refused_within_a_second(tiny_cifar: Tiny, case: str) -> None:
    tiny_cifar.contents["archive"] = HOSTILE_CIFAR[case]()
    began = time.process_time()
    assert tiny_cifar.refusal().startswith("archive.gz: ")
    assert time.process_time() - began < 1


def with_long_name(kind: int) -> bytes:
    return tar_gz([("x" * 150, b"1"), *cifar_members()], format=kind)


HARMLESS_CIFAR: dict[str, Callable[[], bytes]] = {
    "pax headers with times": lambda: tar_before(pax("mtime", "1.5") + FILE),
    "a name in a pax header": lambda: with_long_name(tarfile.PAX_FORMAT),
    "a name in a GNU header": lambda: with_long_name(tarfile.GNU_FORMAT),
    "zeros to fill a tape's record": lambda: gzip.compress(CIFAR_TAR + bytes(1 << 20)),
    "no zeros at the end": lambda: gzip.compress(tar_without_end()),
    "two gzip members": lambda: gzip.compress(CIFAR_TAR[:9000]) + gzip.compress(CIFAR_TAR[9000:]),
}


def tar_without_end() -> bytes:
    end = len(CIFAR_TAR.rstrip(b"\0"))
    return CIFAR_TAR[: end + -end % 512]


@pytest.mark.parametrize("case", HARMLESS_CIFAR)
def test_an_archive_that_tar_and_gzip_programs_write_is_read(tiny_cifar: Tiny, case: str) -> None:
    tiny_cifar.contents["archive"] = HARMLESS_CIFAR[case]()
    np.testing.assert_array_equal(tiny_cifar.read().train.x, images_of(12, 3072)[:10])


def test_more_examples_than_the_file_has_room_for_allocate_nothing(tiny_idx: Tiny, tiny_cifar: Tiny) -> None:
    tiny_idx.contents["train_images"] = gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 10**8, 3, 2))
    for tiny in (tiny_idx, tiny_cifar):
        tiny.facts["train"] = 10**8
        assert "holds at most" in tiny.refusal()


@pytest.mark.parametrize(
    ("fact", "value", "named"), [("image_shape", [28, 28], "28 x 28"), ("train", 11, "11 examples")]
)
def test_an_entry_that_no_cifar_archive_can_match_is_refused(
    tiny_cifar: Tiny, fact: str, value: Any, named: str
) -> None:
    tiny_cifar.facts[fact] = value
    assert named in tiny_cifar.refusal()


# --- sklearn-digits ---


def test_digits_are_those_of_scikit_learn_the_last_360_for_test() -> None:
    entry = REGISTRY["digits"]
    data = read_dataset(entry, dataset_files(entry, {}), "digits")
    x, y = load_digits(return_X_y=True)
    assert data.train.x.dtype == data.train.y.dtype == np.uint8
    np.testing.assert_array_equal(data.train.x, x[:1437])
    np.testing.assert_array_equal(data.train.y, y[:1437])
    np.testing.assert_array_equal(data.test.x, x[-360:])
    np.testing.assert_array_equal(data.test.y, y[-360:])


def test_digits_of_another_scikit_learn_are_refused_with_the_cure() -> None:
    entry = {**REGISTRY["digits"], "files": {"table": {**REGISTRY["digits"]["files"]["table"], "size": 7}}}
    with pytest.raises(HandgradError, match="found 57523, expected 7 bytes; it comes with scikit-learn"):
        read_dataset(entry, dataset_files(entry, {}), "digits")


@pytest.fixture
def tiny_digits(tmp_path: Path) -> Tiny:
    """Two training images and a test image of 2 x 1 pixels, two classes."""
    facts = {"format": "sklearn-digits", "train": 2, "test": 1, "image_shape": [2, 1], "largest": 16}
    table = gzip.compress(b"0,16,0\n5,6,1\n7,8,0\n")
    return Tiny(tmp_path, {**facts, "class_names": ["0", "1"]}, {"table": table})


def test_a_table_of_digits_may_be_the_users_own(tiny_digits: Tiny) -> None:
    assert dataset_files(tiny_digits.entry(), tiny_digits.paths) == tiny_digits.paths
    data = tiny_digits.read()
    assert data.train.x.tolist() == [[0, 16], [5, 6]]
    assert (data.test.x.tolist(), data.test.y.tolist()) == ([[7, 8]], [0])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("0,16,0\n5,6,1\n", "holds 2 x 3, expected 3 x 3"),
        ("0,16,0\n5,6,1\n7,8,0\n1,1,1\n", "holds more than 3 rows, expected 3 x 3"),
        ("0,0\n5,1\n7,0\n", "holds 3 x 2, expected 3 x 3"),
        ("0,17,0\n5,6,1\n7,8,0\n", "has a pixel of 17, expected 0 to 16"),
        ("0,1,0\n5,6,2\n7,8,0\n", "example 1 has label 2, expected 0 to 1"),
        ("0,1,0\n5,300,1\n7,8,0\n", "not a table of small integers"),
        ("0,1,0\n5,-1,1\n7,8,0\n", "not a table of small integers"),
        ("0,16,0\n" * 99, "holds more than 72 bytes, expected at most 72"),
        ("<html>\n", "not a table of small integers"),
    ],
)
def test_a_malformed_table_of_digits_is_refused_in_one_line(tiny_digits: Tiny, table: str, message: str) -> None:
    tiny_digits.contents["table"] = gzip.compress(table.encode())
    assert tiny_digits.refusal().startswith(f"table.gz: {message}")


# --- the registry ---


@pytest.mark.parametrize("name", REGISTRY)
def test_the_registry_names_the_files_that_each_format_needs(name: str) -> None:
    entry = REGISTRY[name]
    assert tuple(entry["files"]) == FORMAT_ROLES[entry["format"]]
    assert set(FORMATS) == set(FORMAT_ROLES)
    for file in entry["files"].values():
        assert re.fullmatch("[0-9a-f]{64}", file["sha256"])
        assert all(mirror.endswith(f"/{file['name']}") for mirror in file["mirrors"])
        assert file["mirrors"] or entry["format"] in EMBEDDED
    assert all(isinstance(label, str) for label in entry["class_names"])
    assert math.prod(entry["image_shape"]) > 0
