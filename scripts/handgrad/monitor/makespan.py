"""How long jobs take side by side."""

import heapq
from collections.abc import Iterable


def makespan(seconds: Iterable[float], workers: int, at_work: Iterable[float] = ()) -> float:
    """When the last of some jobs ends, if each begins as soon as one of the workers is free, longest first.

    seconds: what each takes. at_work: what is left of jobs that workers are at already. The
    longest-processing-time rule; Graham, "Bounds on multiprocessing timing anomalies", 1969.
    """
    busy = list(at_work)
    busy += [0.0] * (max(1, workers) - len(busy))
    heapq.heapify(busy)
    for job in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + job)
    return max(busy)
