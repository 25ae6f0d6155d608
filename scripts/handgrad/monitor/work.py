"""What a training job still has to train: which run, from which epoch, until which epoch."""

import functools
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout import paths
from handgrad.layout.jobs import RANKING_RULE, Job
from handgrad.monitor.checkpoints import Checkpoints
from handgrad.search.ranking import Ranking, read_ranking


@dataclass(frozen=True, eq=False)  # compared by identity, because it may hold many runs
class Work:
    """The work of a training job.

    runs: the run that it trains and the epochs that it has at the start; all runs that it may train, if the ranking
    that decides between them does not exist yet. until: the epochs that it has at the end.
    """

    runs: tuple[tuple[Run, float], ...]
    until: int


class RemainingWork:
    """Finds the work of training jobs. to_do: all jobs that are to do. training: digest of the training code."""

    def __init__(
        self, experiment: Experiment, folder: Path, training: str, checkpoints: Checkpoints, to_do: Iterable[Job]
    ) -> None:
        self.experiment, self.folder, self.training, self.checkpoints = experiment, folder, training, checkpoints
        self._to_do = {(job.rule, job.search, job.rung) for job in to_do}
        self._candidates = {job.run for job in to_do if job.rule == "train_candidate"}
        self._ranking = functools.cache(self._current_ranking)
        self._possible_work = functools.cache(self._work_of_unknown_run)

    def of(self, job: Job) -> Work:
        """Return the work of a training job."""
        if job.run:
            until = job.run.epochs if job.search is None else job.search.until(0, job.run)
            return Work(((job.run, self._passed(job.run)),), until)
        assert job.search, "a training job without a run belongs to a search"
        assert job.rung is not None
        assert job.slot is not None
        ranking = self._ranking(job.search, job.rung - 1)
        if ranking is None:
            return self._possible_work(job.search, job.rung)
        run = ranking.run_in_slot(*job.slot)
        return Work(((run, self._at_start(run, job.search, job.rung)),), _until(job.search, job.rung, run))

    def _work_of_unknown_run(self, search: Search, rung: int) -> Work:
        runs = search.settings if rung > len(search.rungs) else search.candidates
        starts = (0.0 if rung > len(search.rungs) else self._at_start(run, search, rung) for run in runs)
        return Work(tuple(zip(runs, starts, strict=True)), _until(search, rung, runs[0]))

    def _at_start(self, run: Run, search: Search, rung: int) -> float:
        """Return the epochs that a run has when its slot starts: those of its checkpoint, or of the rung before."""
        if rung > len(search.rungs):  # a new seed
            return self._passed(run)
        trained = run in self._candidates if rung == 1 else ("promote_candidate", search, rung - 1) in self._to_do
        return max(self._passed(run), search.rungs[rung - 1] if trained else 0)

    def _passed(self, run: Run) -> float:
        return self.checkpoints.passed(run, self.experiment.datasets[run.dataset])

    def _current_ranking(self, search: Search, rung: int) -> Ranking | None:
        """Return a ranking; None if it will be made, or made again."""
        path = self.folder / paths.ranking_file(self.experiment.name, search, rung)
        digests = {"code_digest": self.training, "data_digest": data_digest(self.experiment.datasets[search.dataset])}
        with suppress(HandgradError, OSError):
            if (RANKING_RULE, search, rung) not in self._to_do:
                return read_ranking(path, rung=rung, **digests)
        return None


def _until(search: Search, rung: int, run: Run) -> int:
    return search.until(min(rung, len(search.rungs)), run)
