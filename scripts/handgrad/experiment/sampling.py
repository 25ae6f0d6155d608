"""Draw the values of axes from distributions.

The values are the same on every machine and with every version of NumPy and Python, because they come from the raw bits
of PCG64 and from decimal arithmetic. Both are fully specified, while exp and log differ between C libraries. Drawing is
cheap, so every job draws again when it parses the workflow. This module therefore imports only NumPy.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np

from handgrad.experiment.runs import AXES
from handgrad.experiment.sobol import BITS, sobol

#: name of a distribution -> its two ends, or the values to choose from
Distribution = Mapping[str, Sequence[Any]]

#: how often a sample is drawn again if it equals an earlier one
REDRAWS = 1000
_EXACT, _THREE_DIGITS = Context(prec=20), Context(prec=3)


def draw_samples(axes: Mapping[str, Distribution], count: int, sampling: str, seed: int) -> list[tuple[Any, ...]]:
    """Return this number of different samples, each with one value for each axis.

    A value depends on the seed, its axis and the number of the sample. Samples are therefore kept if more are drawn or
    if another axis is added. A sample that equals an earlier one is drawn again; in this case alone, its values also
    depend on the other axes. Fewer samples are returned if REDRAWS draws find no new one.

    sampling: ``random``, or ``sobol``, which shifts the Sobol sequence by a random number for each axis.
    """
    quantiles = [quantile_function(distribution) for distribution in axes.values()]
    numbers = [_numbers(axis, count, sampling, seed) for axis in axes]
    found: dict[tuple[Any, ...], None] = {}
    for number, drawn in enumerate(zip(*numbers, strict=True)):
        candidates = (_values(quantiles, one) for one in _draws(list(axes), number, drawn, seed))
        sample = next((one for one in candidates if one not in found), None)
        if sample is None:
            break
        found[sample] = None
    return list(found)


def _values(quantiles: Sequence[Callable[[int], Any]], numbers: Sequence[int]) -> tuple[Any, ...]:
    return tuple(quantile(number) for quantile, number in zip(quantiles, numbers, strict=True))


def _numbers(axis: str, count: int, sampling: str, seed: int) -> list[int]:
    """Return 32-bit numbers for the samples of an axis; the first ones do not depend on the count."""
    if sampling == "random":
        return _random(seed, axis, count=count)
    (shift,) = _random(seed, axis, count=1)
    points: list[int] = (sobol(AXES.index(axis), count) ^ np.uint32(shift)).tolist()
    return points


def _draws(axes: Sequence[str], number: int, first: Sequence[int], seed: int) -> Iterator[Sequence[int]]:
    """Yield the numbers of one sample, then those of REDRAWS further draws."""
    yield first
    yield from zip(*(_random(seed, axis, 0, number, count=REDRAWS) for axis in axes), strict=True)


def _random(seed: int, axis: str, *key: int, count: int) -> list[int]:
    sequence = np.random.SeedSequence(seed, spawn_key=(*axis.encode(), *key))
    numbers: list[int] = (np.random.PCG64(sequence).random_raw(count) >> np.uint64(64 - BITS)).tolist()
    return numbers


def quantile_function(distribution: Distribution) -> Callable[[int], Any]:
    """Return the function from a 32-bit number to a value of a distribution.

    Numbers are rounded to three significant digits, but not beyond the ends of the distribution. If both ends are whole
    numbers, the value is one too.
    """
    ((name, values),) = distribution.items()
    if name == "choice":
        return lambda number: values[number * len(values) >> BITS]
    low, high = (Decimal(str(end)) for end in values)
    kind = int if all(isinstance(end, int) for end in values) else float
    inner = _INNER[name](low, high)

    def quantile(number: int) -> Any:
        rounded = _THREE_DIGITS.plus(inner(number))
        return kind(min(max(rounded.to_integral_value() if kind is int else rounded, low), high))

    return quantile


def _uniform(low: Decimal, high: Decimal) -> Callable[[int], Decimal]:
    step = _EXACT.divide(_EXACT.subtract(high, low), Decimal(2 << BITS))
    return lambda number: _EXACT.fma(2 * number + 1, step, low)


def _log_uniform(low: Decimal, high: Decimal) -> Callable[[int], Decimal]:
    exponent = _uniform(_EXACT.ln(low), _EXACT.ln(high))
    return lambda number: _EXACT.exp(exponent(number))


def _int_uniform(low: Decimal, high: Decimal) -> Callable[[int], Decimal]:
    first, count = int(low), int(high - low) + 1
    return lambda number: Decimal(first + (number * count >> BITS))


_INNER = {"uniform": _uniform, "log_uniform": _log_uniform, "int_uniform": _int_uniform}
