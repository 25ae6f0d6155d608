"""Which settings (runs without their seeds) are enough to estimate the importance of axes.

Every job parses the workflow again, so this module imports only the standard library.
"""

from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from handgrad.experiment.runs import AXES, Run

#: with fewer settings on a dataset, or fewer axes that vary, the importance of axes has no meaning
FEWEST_SETTINGS, FEWEST_AXES = 8, 2

_values = attrgetter(*(axis for axis in AXES if axis not in ("dataset", "seed")))


def enough_settings(runs: Iterable[Run]) -> bool:
    """Return whether the importance of axes can be estimated on at least one dataset of these runs."""
    settings: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for run in runs:
        settings[run.dataset].add(_values(run))
    return any(len(own) >= FEWEST_SETTINGS and _varying(own) >= FEWEST_AXES for own in settings.values())


def _varying(settings: Iterable[tuple[Any, ...]]) -> int:
    """Return the number of axes that vary."""
    return sum(len(set(values)) > 1 for values in zip(*settings, strict=True))
