"""Define a run by its axes, its name, and the run table of an experiment.

Every job parses the workflow again, so this module imports only the standard library.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from handgrad.common.errors import HandgradError


def _axis(token: str, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"token": token})


@dataclass(frozen=True, kw_only=True)
class Run:
    """One network to train, with one value for each axis (see workflow/schemas/config.schema.yaml).

    The name of a run always contains the first eight axes. It contains another axis only if the value differs from
    the default. A new axis therefore does not change the names of earlier runs.
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
        parts = []
        for axis in NAMED_AXES:
            value = getattr(self, axis.name)
            if axis.default is MISSING or value != axis.default:
                parts += [axis.metadata["token"], canonical_text(value)]
        return "_".join(parts)

    @property
    def can_be_extended(self) -> bool:
        """Whether a run with more epochs can continue from this run: the schedule does not depend on ``epochs``."""
        return self.schedule == "constant"

    @classmethod
    def from_name(cls, dataset: str, name: str) -> "Run":
        """Return the run with this name; the inverse of ``name``. Raises HandgradError if it is not a run name."""
        run = _parse_name(dataset, name)
        if run is None or run.name != name:
            raise HandgradError(
                f"results/runs/{dataset}/{name}.h5: not a run's name, expected a name like {EXAMPLE}.h5"
            )
        return run


AXES: tuple[str, ...] = tuple(axis.name for axis in fields(Run))
NAMED_AXES: tuple[Field[Any], ...] = tuple(axis for axis in fields(Run) if "token" in axis.metadata)
EXAMPLE = "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0"


def canonical_text(value: object) -> str:
    """Return the text of a value in names and tables: ``0.001`` for 0.001, 1e-3 and 1.0e-3; ``1`` for 1.0."""
    if isinstance(value, float):
        text = repr(value).replace("e+", "e")
        return text.removesuffix(".0")
    return str(value)


def _name_pattern() -> re.Pattern[str]:
    """Return a pattern for run names, with one group for each axis. Texts may contain ``_`` but no token of an axis."""
    pattern = ""
    for axis in NAMED_AXES:
        value = r"[\w.-]+?" if axis.type is str else r"[0-9.e-]+"
        part = f"_{axis.metadata['token']}_(?P<{axis.name}>{value})"
        pattern += part if axis.default is MISSING else f"(?:{part})?"
    return re.compile(pattern.removeprefix("_"), re.ASCII)


_NAME = _name_pattern()


def _parse_name(dataset: str, name: str) -> Run | None:
    found = _NAME.fullmatch(name)
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


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and any other value as a list of one item."""
    return value if isinstance(value, list) else [value]


def run_table(experiments: Iterable[Mapping[str, Any]]) -> tuple[Run, ...]:
    """Return the distinct runs of some experiments, in the order of first occurrence.

    An experiment maps every axis to a value or to a list of values. Its runs are the Cartesian product of these
    lists; the last axis varies fastest.
    """
    runs: dict[Run, None] = {}
    for experiment in experiments:
        for point in itertools.product(*map(as_list, experiment.values())):
            runs[Run(**dict(zip(experiment, point, strict=True)))] = None
    return tuple(runs)


def training_cost(run: Run, *, inputs: int, classes: int, train_size: int) -> int:
    """Return the floating-point operations in the matrix products of a run, to order runs and estimate their time."""
    an_example = 2 * run.hidden_units * (2 * (inputs + 1) + 3 * classes)
    return an_example * train_size * run.epochs
