"""How long jobs take side by side."""

import heapq
from collections.abc import Iterable


def makespan(seconds: Iterable[float], workers: int, running: Iterable[float] = ()) -> float:
    """Return when the last of some jobs ends, if each begins as soon as one of the workers is free, longest first.

    seconds: what each takes. running: what is left of jobs that run already. The
    longest-processing-time rule; Graham, "Bounds on multiprocessing timing anomalies", 1969.
    """
    busy = list(running)
    busy += [0.0] * (max(1, workers) - len(busy))
    heapq.heapify(busy)
    for job in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + job)
    return max(busy)
