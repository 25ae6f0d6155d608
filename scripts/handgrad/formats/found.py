"""What a reader finds in the files of a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import InputSpec

EXACT = 1 << 53  # integers below this are exact in float64
MOST_ROUNDING = 1e-4  # by float32, of the standard deviation of an input

Entry = Mapping[str, Any]
Paths = Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the files of a dataset hold.

    test: None if the files have no test split. class_names: None if the files do not name the classes. notes: sentences
    for the user.
    """

    train: Split
    test: Split | None
    spec: InputSpec
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


#: It maps the completed registry entry, and the path of each role, to what the files hold. It raises Mismatch.
Reader = Callable[[Entry, Paths], Found]
