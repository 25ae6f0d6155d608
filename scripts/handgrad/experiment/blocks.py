"""The entries of ``experiments`` in an experiment file, and the run table.

Every job builds the run table again, so this module imports little.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from handgrad.experiment.runs import Run
from handgrad.experiment.sampling import Distribution, draw_samples

#: the ends of a range in ``exclude``: above, below, or both
Range = Mapping[str, float]

_FLOAT_AXES = frozenset(axis.name for axis in fields(Run) if axis.type is float)


@dataclass(frozen=True)
class BlockTable:
    """The runs of a block. excluded: for each item of ``exclude``, the number of combinations that it leaves out.

    samples: the number of samples; fewer than requested if there are not enough different ones.
    """

    runs: tuple[Run, ...]
    excluded: tuple[int, ...]
    samples: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """An entry of ``experiments`` (see workflow/schemas/config.schema.yaml). axes: for each axis its values."""

    axes: Mapping[str, list[Any] | Distribution]
    samples: int | None = None
    sampling: str = "random"
    sampling_seed: int = 0
    zip: Sequence[Sequence[str]] = field(default_factory=list)
    exclude: Sequence[Mapping[str, list[Any] | Range]] = field(default_factory=list)
    halving: Mapping[str, Any] | None = None
    finalists: Mapping[str, Any] | None = None

    @property
    def drawn(self) -> dict[str, Distribution]:
        """The axes whose values are drawn."""
        return {axis: values for axis, values in self.axes.items() if isinstance(values, Mapping)}

    @functools.cached_property
    def sizes(self) -> dict[tuple[str, ...], int]:
        """The axes that advance together -> the number of their values, in the order of their first axis.

        These are the drawn axes, each group of ``zip``, and each remaining axis.
        """
        together = {axis: tuple(group) for group in (*self.zip, tuple(self.drawn)) for axis in group}
        groups = dict.fromkeys(together.get(axis, (axis,)) for axis in self.axes)
        drawn = tuple(self.drawn)
        return {axes: self.samples or 0 if axes == drawn else len(self.axes[axes[0]]) for axes in groups}

    @property
    def combinations(self) -> int:
        """The number of combinations before any is left out."""
        return math.prod(self.sizes.values())

    @functools.cached_property
    def table(self) -> BlockTable:
        """The runs, each once, in the order of their first occurrence. The axes named last vary fastest."""
        parts = [self._rows(axes) for axes in self.sizes]
        names = [axis for axes in self.sizes for axis in axes]
        excluded = [0] * len(self.exclude)
        left_out = [{axis: _contains(values) for axis, values in entry.items()} for entry in self.exclude]
        runs: dict[Run, None] = {}
        for rows in itertools.product(*parts):
            point = dict(zip(names, itertools.chain.from_iterable(rows), strict=True))
            entry = next((i for i, one in enumerate(left_out) if _matches(point, one)), None)
            if entry is None:
                runs[Run(**point)] = None
            else:
                excluded[entry] += 1
        samples = len(parts[list(self.sizes).index(tuple(self.drawn))]) if self.drawn else 0
        return BlockTable(tuple(runs), tuple(excluded), samples)

    def _rows(self, axes: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """Return the values of axes that advance together, one row for each step."""
        drawn = self.drawn
        if axes == tuple(drawn):
            return draw_samples(drawn, self.samples or 0, self.sampling, self.sampling_seed)
        return list(zip(*(self.axes[axis] for axis in axes), strict=True))

    def as_config(self) -> dict[str, Any]:
        """Return the block as in an experiment file, with all axes, and with the other keys that are not default."""
        others = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "axes"}
        default = vars(Block(axes={}))
        return {**self.axes, **{name: value for name, value in others.items() if value != default[name]}}


def _matches(point: Mapping[str, Any], entry: Mapping[str, Callable[[Any], bool]]) -> bool:
    return all(contains(point[axis]) for axis, contains in entry.items())


def _contains(values: list[Any] | Range) -> Callable[[Any], bool]:
    """Return whether a value is in a list, or between the ends of a range; null is in no range."""
    if isinstance(values, list):
        return frozenset(values).__contains__
    above, below = values.get("above", -math.inf), values.get("below", math.inf)
    return lambda value: value is not None and above < value < below


CLAUSES = tuple(one.name for one in fields(Block) if one.name != "axes")


def block_of(config: Mapping[str, Any]) -> Block:
    """Return the block for an entry of ``experiments``."""
    clauses = {key: config[key] for key in CLAUSES if key in config}
    if "exclude" in clauses:
        clauses["exclude"] = [{axis: _excluded(axis, one[axis]) for axis in one} for one in clauses["exclude"]]
    axes = {axis: _values(axis, value) for axis, value in config.items() if axis not in CLAUSES}
    return Block(axes=axes, **clauses)


def _values(axis: str, value: Any) -> Any:
    """Return the values of an axis as a list or a distribution.

    A float axis gets floats, so that 1 and 1.0, or 0.0 and -0.0, are the same run.
    """
    if isinstance(value, Mapping):
        return {name: _values(axis, list(values)) for name, values in value.items()}
    values = as_list(value)
    return [float(number) + 0.0 for number in values] if axis in _FLOAT_AXES else values


def _excluded(axis: str, value: Any) -> list[Any] | Range:
    return value if isinstance(value, Mapping) else _values(axis, value)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and any other value as a list of one item."""
    return value if isinstance(value, list) else [value]


def named_values(value: Any) -> list[Any]:
    """Return the values that an axis of an experiment file names: one value, a list, or those of a distribution."""
    return as_list(next(iter(value.values()))) if isinstance(value, Mapping) else as_list(value)


def run_table(blocks: Iterable[Block]) -> tuple[Run, ...]:
    """Return the distinct runs of some blocks, in the order of their first occurrence."""
    return tuple(dict.fromkeys(run for block in blocks for run in block.table.runs))
