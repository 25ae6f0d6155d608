"""From the events that Snakemake logs of its jobs to ``progress``, by the names of its logger interface."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from handgrad.common.code_digests import code_digest
from handgrad.experiment.config import Experiment
from handgrad.layout.jobs import Job, jobs_of
from handgrad.monitor.display import display
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.progress import Progress

#: events that say no more than what is shown live
SHOWN = {"run_info", "job_info", "group_info", "job_started", "job_finished", "progress", "shellcmd"}
#: messages that say nothing, again and again
EMPTY = {"Select jobs to execute..."}


def follow(snakemake_logger: logging.Logger, logs: Iterable[str], experiment: Experiment, workers: int | None) -> None:
    """Show how far Snakemake is from now on, until the process ends.

    logs: those of the jobs that are to be done. workers: how many run at once; None on a cluster. Does
    nothing where Snakemake itself prints nothing, because another logger plugin does.
    """
    printers = [
        handler
        for handler in snakemake_logger.handlers
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
    ]
    if not printers:
        return
    try:
        jobs = {str(job.log): job for job in jobs_of(experiment)}
        estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
        planned = {jobs[log]: estimator.estimate(jobs[log]) for log in logs if log in jobs}
        events = ProgressEvents(Progress(planned, workers), jobs)
    except Exception as error:  # noqa: BLE001, what is shown must never end a workflow
        snakemake_logger.warning(f"Progress cannot be shown: {type(error).__name__}: {error}")
        return
    for printer in printers if events.display.is_live else ():
        printer.addFilter(is_printed)
    snakemake_logger.addHandler(events)


def event_of(record: logging.LogRecord) -> str:
    """Return the name of the event of a record; empty where it is a message."""
    event = getattr(record, "event", None)
    return str(getattr(event, "value", event or ""))


def is_printed(record: logging.LogRecord) -> bool:
    """Return whether a record is printed beside the live part; that all is done is, since it then stays."""
    event, facts = event_of(record), vars(record)
    if event == "progress":
        return bool(facts["done"] == facts["total"])
    return event not in SHOWN and record.msg not in EMPTY


class ProgressEvents(logging.Handler):
    """A handler of Snakemake's logger that keeps ``progress`` up to date and shown. jobs: by their logs."""

    def __init__(self, progress: Progress, jobs: Mapping[str, Job]) -> None:
        super().__init__()
        self.progress, self.display, self.jobs = progress, display(progress), jobs
        self._begun: dict[int, Job] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take in an event; all others are ignored."""
        try:
            self._take(event_of(record), vars(record))
        except Exception:  # noqa: BLE001, what is shown must never end a workflow
            self.handleError(record)

    def _take(self, event: str, facts: dict[str, Any]) -> None:
        if event == "job_info" and facts["log"]:
            if job := self.jobs.get(str(facts["log"][0])):
                self._begun[facts["jobid"]] = job
                self.progress.begin(job)
        elif event == "job_finished" and facts["job_id"] in self._begun:
            job = self._begun[facts["job_id"]]
            seconds = self.progress.finish(job)  # on a cluster, with the time in the queue
            self.display.say(f"{job.title}: done" + (f" in {seconds:.1f} s" if self.progress.workers else ""))
        elif event in ("job_error", "group_error"):
            for failed in facts["job_error_info"] if event == "group_error" else [facts]:
                if failed["jobid"] in self._begun:
                    self.progress.fail(self._begun[failed["jobid"]])

    def close(self) -> None:
        """End the display, when logging ends."""
        self.display.stop()
        super().close()
