"""Find the number of samples that fits into a time, for ``handgrad plan --budget``."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, duration_text
from handgrad.experiment.config import Experiment, with_samples
from handgrad.experiment.config_errors import ConfigError
from handgrad.layout.jobs import LAST_PART, Job, jobs_of
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.planned_jobs import PlannedJob

#: numbers of samples up to this one are exact; larger ones are at most one percent too small
EXACT = 100


@dataclass(frozen=True)
class Size:
    """An experiment with other numbers of samples: its jobs, and the estimates of those that are to do."""

    experiment: Experiment
    jobs: list[PlannedJob]
    estimates: list[Estimate]

    @property
    def samples(self) -> dict[int, int]:
        """The number of samples of each entry of ``experiments`` that has samples."""
        return samples_of(self.experiment)


def samples_of(experiment: Experiment) -> dict[int, int]:
    """Return the number of samples of each entry of ``experiments`` that has samples."""
    return {i: block.samples for i, block in enumerate(experiment.blocks) if block.samples}


class Sizes:
    """Finds the largest number of samples that fits. With several entries, one factor scales their numbers.

    done: the outputs of jobs that are done. estimate: returns the estimates of jobs. Raises HandgradError if no entry
    has samples.
    """

    def __init__(
        self, experiment: Experiment, done: Collection[str], estimate: Callable[[list[Job]], list[Estimate]]
    ) -> None:
        self.experiment, self.done, self.estimate = experiment, frozenset(done), estimate
        self.own = samples_of(experiment)
        if not self.own:
            raise HandgradError("no entry of experiments has samples, so --budget has nothing to change")
        self.number = max(self.own.values())

    def largest(self, budget: float, wall_seconds: Callable[[list[Estimate]], float]) -> tuple[Size, str | None]:
        """Return the largest size whose jobs end within a time, and why more samples are not possible.

        The reason is None if it is the time. budget: seconds. wall_seconds: returns the time of estimates. Raises
        HandgradError if nothing fits.
        """
        found: dict[int, tuple[Size, float]] = {}
        limits: dict[int, str] = {}

        def fits(number: int) -> bool:
            try:
                size = self.of(number)
            except ConfigError as error:  # too many for the space, or too few for the finalists
                limits[number] = error.mistakes[0]
                return number < self.number
            found[number] = size, wall_seconds(size.estimates)
            return found[number][1] <= budget

        low, high = largest_that(fits, self.number)
        if low not in found:
            smallest = min(found)
            raise HandgradError(
                f"nothing fits into {duration_text(budget)}: even with {counted(smallest, 'sample')}, the jobs take "
                f"about {duration_text(found[smallest][1])}; allow more time"
            )
        return found[low][0], limits.get(high)

    def of(self, number: int) -> Size:
        """Return the size with this number of samples in the largest entry.

        Raises ConfigError if the experiment cannot have it.
        """
        samples = {i: max(1, number * own // self.number) for i, own in self.own.items()}
        experiment = with_samples(self.experiment, samples)
        jobs = [PlannedJob(job, not self._is_done(job, number)) for job in jobs_of(experiment)]
        return Size(experiment, jobs, self.estimate([planned.job for planned in jobs if planned.pending]))

    def _is_done(self, job: Job, number: int) -> bool:
        same = number == self.number or not (job.part == LAST_PART or job.is_ranked)
        return same and self.done.issuperset(job.outputs)


def largest_that(fits: Callable[[int], bool], start: int) -> tuple[int, int]:
    """Return the largest number that fits, 0 if none does, and a number that does not fit.

    All numbers up to the largest one fit. It is exact up to EXACT. start: the first number to try.
    """
    low, high = 0, start
    while fits(high):
        low, high = high, 2 * high
    while high - low > max(1, low // EXACT):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low, high
