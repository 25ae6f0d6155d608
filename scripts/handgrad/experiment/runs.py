"""What a run is: its axes, its name, and the table of runs that a list of experiments spans.

The standard library alone, because Snakemake parses the workflow again in every job.
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
    """One network to train: a value for every axis (meanings: workflow/schemas/config.schema.yaml).

    The first eight axes always appear in a run's name; the others only where they differ from the
    defaults below, so that a new axis leaves the names of old runs as they are.
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
        """The run's values as ``af_tanh_hu_100_lr_0.001_...``, without the dataset, which is its folder."""
        parts = []
        for axis in NAMED_AXES:
            value = getattr(self, axis.name)
            if axis.default is MISSING or value != axis.default:
                parts += [axis.metadata["token"], canonical_text(value)]
        return "_".join(parts)

    @property
    def can_be_extended(self) -> bool:
        """Whether it is the beginning of a run with more epochs: the schedule does not know the last one."""
        return self.schedule == "constant"

    @classmethod
    def from_name(cls, dataset: str, name: str) -> "Run":
        """The run whose name this is; the inverse of ``name``.

        Raises HandgradError if it is no run's name.
        """
        run = _parse_name(dataset, name)
        if run is None or run.name != name:
            raise HandgradError(f"results/runs/{dataset}/{name}.h5: not a run's name, which looks like {EXAMPLE}.h5")
        return run


AXES: tuple[str, ...] = tuple(axis.name for axis in fields(Run))
NAMED_AXES: tuple[Field[Any], ...] = tuple(axis for axis in fields(Run) if "token" in axis.metadata)
EXAMPLE = "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0"


def canonical_text(value: object) -> str:
    """A value as it stands in names and tables: 0.001, 1e-3 and 1.0e-3 are all ``0.001``; 1.0 is ``1``."""
    if isinstance(value, float):
        text = repr(value).replace("e+", "e")
        return text.removesuffix(".0")
    return str(value)


def _name_pattern() -> re.Pattern[str]:
    """Names of runs, a group an axis. Texts may hold a ``_``, but no axis's token; numbers may not."""
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
    """Return the values of an axis, which may be one alone."""
    return value if isinstance(value, list) else [value]


def run_table(experiments: Iterable[Mapping[str, Any]]) -> tuple[Run, ...]:
    """The runs of some experiments, each distinct run once, in the order in which they are first named.

    An experiment maps every axis to a value or to a list of values; its runs are the Cartesian product,
    the axis written last varying fastest.
    """
    runs: dict[Run, None] = {}
    for experiment in experiments:
        for point in itertools.product(*map(as_list, experiment.values())):
            runs[Run(**dict(zip(experiment, point, strict=True)))] = None
    return tuple(runs)


def training_cost(run: Run, *, inputs: int, classes: int, train_size: int) -> int:
    """Floating-point operations of a run's matrix products, to order runs and to guess at their time."""
    an_example = 2 * run.hidden_units * (2 * (inputs + 1) + 3 * classes)
    return an_example * train_size * run.epochs
