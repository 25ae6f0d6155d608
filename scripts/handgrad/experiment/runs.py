"""Define a run by its axes, and its name.

Every job parses the workflow again, so this module imports only the standard library.
"""

import functools
import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from handgrad.common.errors import HandgradError


def _axis(token: str, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"token": token})


@dataclass(frozen=True, kw_only=True)
class Run:
    """One network to train, with one value for each axis (see workflow/schemas/config.schema.yaml).

    The name of a run contains the first eight axes. It contains another axis only if the value differs from the
    default. A new axis therefore does not change the names of earlier runs. A name that would have more than MAX_NAME
    characters is replaced by its short form.
    """

    dataset: str
    activation: str = _axis("af")
    hidden_units: int = _axis("hu")
    learning_rate: float = _axis("lr")
    batch_size: int = _axis("bs")
    epochs: int = _axis("ep")
    l2: float = _axis("l2")
    seed: int = _axis("seed")
    pixels: str = _axis("pixels", "unit")
    batch_gradient: str = _axis("gradient", "sum")
    momentum: float = _axis("momentum", 0.0)
    schedule: str = _axis("schedule", "constant")
    init: str = _axis("init", "published")
    dtype: str = _axis("dtype", "float32")
    train_size: int | None = _axis("train", None)
    validation_size: int = _axis("validation", 0)

    @property
    def name(self) -> str:
        """The name of the run: ``af_tanh_hu_100_lr_0.001_...``. The dataset is the folder and not part of the name."""
        return _name_of(self)

    def names_with_any_epochs(self) -> tuple[str, str]:
        """Return patterns of the names of all runs that differ only in ``epochs``; ``*`` replaces the number.

        A run with more epochs may need the short form while a run with fewer does not, so there are two patterns.
        """
        values = _named_values(self)
        return _whole_name(values, "*"), _short_name(values, "*")

    @property
    def can_be_extended(self) -> bool:
        """Whether a run with more epochs can continue from this run: the schedule does not depend on ``epochs``."""
        return self.schedule == "constant"

    @classmethod
    def from_name(cls, dataset: str, name: str) -> "Run":
        """Return the run with this name; the inverse of ``name``. Short names do not contain all values.

        Raises HandgradError if it is not a name that contains all values.
        """
        run = _parse_name(dataset, name)
        if run is None or run.name != name:
            raise HandgradError(
                f"results/runs/{dataset}/{name}.h5: not a run's name, expected a name like {EXAMPLE}.h5"
            )
        return run


AXES: tuple[str, ...] = tuple(axis.name for axis in fields(Run))
NAMED_AXES: tuple[Field[Any], ...] = tuple(axis for axis in fields(Run) if "token" in axis.metadata)

#: maximum length of a run name. Paths with suffixes then fit file systems with at most 143 bytes in a file name.
MAX_NAME = 99
_FIRST_PART = MAX_NAME - len("ep_1000000_0123456789abcdef")
EXAMPLE = "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0"


@functools.cache  # planning asks for the name of each run many times
def _name_of(run: Run) -> str:
    values, epochs = _named_values(run), str(run.epochs)
    whole = _whole_name(values, epochs)
    return whole if len(whole) <= MAX_NAME else _short_name(values, epochs)


def _named_values(run: Run) -> dict[str, str]:
    """Return axis -> its part of the name, in the order of the name."""
    values = ((axis, getattr(run, axis.name)) for axis in NAMED_AXES)
    return {
        axis.name: f"{axis.metadata['token']}_{canonical_text(value)}"
        for axis, value in values
        if axis.default is MISSING or value != axis.default
    }


def _whole_name(values: Mapping[str, str], epochs: str) -> str:
    return "_".join({**values, "epochs": f"ep_{epochs}"}.values())


def _short_name(values: Mapping[str, str], epochs: str) -> str:
    """Return the first values of a name, the epochs, and a digest of all values except the epochs."""
    parts = [part for axis, part in values.items() if axis != "epochs"]
    digest = hashlib.sha256("_".join(parts).encode()).hexdigest()[:16]
    ends = itertools.accumulate(len(part) + 1 for part in parts)
    first = [part for part, end in zip(parts, ends, strict=True) if end <= _FIRST_PART]
    return "_".join([*first, f"ep_{epochs}", digest])


def canonical_text(value: object) -> str:
    """Return the text of a value in names and tables: ``0.001`` for 0.001, 1e-3 and 1.0e-3; ``1`` for 1.0."""
    if isinstance(value, float):
        text = repr(value).replace("e+", "e")
        return text.removesuffix(".0")
    return str(value)


@functools.cache  # compiled only if needed: it takes 3 ms, and every job imports this module
def _name_pattern() -> re.Pattern[str]:
    """Return a pattern for run names, with one group for each axis. Texts may contain ``_`` but no token of an axis."""
    pattern = ""
    for axis in NAMED_AXES:
        value = r"[\w.-]+?" if axis.type is str else r"[0-9.e-]+"
        part = f"_{axis.metadata['token']}_(?P<{axis.name}>{value})"
        pattern += part if axis.default is MISSING else f"(?:{part})?"
    return re.compile(pattern.removeprefix("_"), re.ASCII)


_SHORT_NAME = re.compile(r"af_[\w.-]+_ep_[0-9]+_[0-9a-f]{16}", re.ASCII)


def is_short_name(name: str) -> bool:
    """Return whether a name has the form of a short name, which ends in a digest instead of all values."""
    return _SHORT_NAME.fullmatch(name) is not None and len(name) <= MAX_NAME


def _parse_name(dataset: str, name: str) -> Run | None:
    found = _name_pattern().fullmatch(name)
    if found is None:
        return None
    values: dict[str, Any] = {}
    try:
        for axis in NAMED_AXES:
            text = found[axis.name]
            if text is not None:
                kind = axis.type if axis.type in (str, float) else int
                values[axis.name] = kind(text)
    except ValueError:
        return None
    return Run(dataset=dataset, **values)


def training_cost(run: Run, *, inputs: int, classes: int, train_size: int) -> int:
    """Return the floating-point operations in the matrix products of a run, to order runs and estimate their time."""
    an_example = 2 * run.hidden_units * (2 * (inputs + 1) + 3 * classes)
    return an_example * train_size * run.epochs
