"""Read the binary versions of CIFAR-10 and CIFAR-100: a tar.gz file.

A record is a label, or in CIFAR-100 the coarse and the fine label, and 3,072 values: all red values, then all green,
then all blue. CIFAR-10 has five training files and one test file, CIFAR-100 one of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import InputSpec
from handgrad.formats.containers import Mismatch, MissingMember, read_members
from handgrad.formats.found import Entry, Found, Paths

IMAGE_SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
NAMES_BYTES = 1 << 16  # the most bytes of a file of class names


@dataclass(frozen=True)
class Version:
    """The members of an archive. labels: the number of labels in a record. remedy: for an archive without them."""

    train: tuple[str, ...]
    test: str
    labels: int
    remedy: str


CIFAR_10 = Version(
    tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)),
    "cifar-10-batches-bin/test_batch.bin",
    1,
    "for CIFAR-100, set labels: fine or coarse",
)
CIFAR_100 = Version(
    ("cifar-100-binary/train.bin",), "cifar-100-binary/test.bin", 2, "for CIFAR-10, remove the option labels"
)
#: the place of a label in a record of CIFAR-100
LABELS = {None: 0, "coarse": 0, "fine": 1}


def read(entry: Entry, paths: Paths) -> Found:
    """Read images and labels; see ``found.Reader``. Raises Mismatch."""
    path, kind = paths["archive"], entry["labels"]
    version = CIFAR_10 if kind is None else CIFAR_100
    train, test = (entry["train"], entry["test"]) if entry["train"] else (50_000, 10_000)
    parts, record = len(version.train), version.labels + PIXELS
    if train % parts or not isinstance(test, int):
        raise Mismatch(path, f"train is {train} and test is {test}", f"a multiple of {parts}, and a whole number")
    sizes = {**dict.fromkeys(version.train, train // parts * record), version.test: test * record}
    names = f"cifar-100-binary/{kind}_label_names.txt"
    wants_names = kind is not None and entry["class_names"] is None
    try:
        members = read_members(path, sizes, {names: NAMES_BYTES} if wants_names else {})
    except MissingMember as error:
        raise Mismatch(path, error.found, f"{error.expected}; {version.remedy}") from error

    def split(files: Sequence[str]) -> Split:
        records = np.concatenate([np.frombuffer(members[file], np.uint8) for file in files]).reshape(-1, record)
        return Split(records[:, version.labels :].copy(), records[:, LABELS[kind]].copy())

    return Found(
        train=split(version.train),
        test=split([version.test]),
        spec=InputSpec(image_shape=IMAGE_SHAPE, max_value=entry["largest"]),
        class_names=tuple(members[names].decode("ascii", "replace").split()) if wants_names else None,
    )
