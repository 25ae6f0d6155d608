"""Pass the job events that Snakemake logs to ``progress``. Event names are those of Snakemake's logger interface."""

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

#: events that the live display already shows
SHOWN = {"run_info", "job_info", "group_info", "job_started", "job_finished", "progress", "shellcmd"}
#: repeated messages without information
EMPTY = {"Select jobs to execute..."}


def follow(snakemake_logger: logging.Logger, logs: Iterable[str], experiment: Experiment, workers: int | None) -> None:
    """Show the progress of Snakemake until the process ends.

    logs: log paths of the jobs to do. workers: number of jobs at once; None on a cluster. If another logger plugin
    replaces Snakemake's own output, nothing is shown.
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
        planned = {one.job: one for one in estimator.estimates(jobs[log] for log in logs if log in jobs)}
        events = ProgressEvents(Progress(planned, workers), jobs)
    except Exception as error:  # noqa: BLE001, a display error must not end the workflow
        snakemake_logger.warning(f"Progress cannot be shown: {type(error).__name__}: {error}")
        return
    for printer in printers if events.display.is_live else ():
        printer.addFilter(is_printed)
    snakemake_logger.addHandler(events)


def event_of(record: logging.LogRecord) -> str:
    """Return the event name of a log record; empty for a message."""
    event = getattr(record, "event", None)
    return str(getattr(event, "value", event or ""))


def is_printed(record: logging.LogRecord) -> bool:
    """Return whether a record is printed above the live display. Of the progress events, only the last is printed."""
    event, facts = event_of(record), vars(record)
    if event == "progress":
        return bool(facts["done"] == facts["total"])
    return event not in SHOWN and record.msg not in EMPTY


class ProgressEvents(logging.Handler):
    """A handler of Snakemake's logger that updates and shows ``progress``. jobs: log path -> job."""

    def __init__(self, progress: Progress, jobs: Mapping[str, Job]) -> None:
        super().__init__()
        self.progress, self.display, self.jobs = progress, display(progress), jobs
        self._begun: dict[int, Job] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Update the progress for a job event; ignore other records."""
        try:
            self._take(event_of(record), vars(record))
        except Exception:  # noqa: BLE001, a display error must not end the workflow
            self.handleError(record)

    def _take(self, event: str, facts: dict[str, Any]) -> None:
        if event == "job_info" and facts["log"]:
            if job := self.jobs.get(str(facts["log"][0])):
                self._begun[facts["jobid"]] = job
                self.progress.begin(job)
        elif event == "job_finished" and facts["job_id"] in self._begun:
            job = self._begun[facts["job_id"]]
            seconds = self.progress.finish(job)  # on a cluster, this includes the time in the queue
            self.display.say(f"{job.title}: done" + (f" in {seconds:.1f} s" if self.progress.workers else ""))
        elif event in ("job_error", "group_error"):
            for failed in facts["job_error_info"] if event == "group_error" else [facts]:
                if failed["jobid"] in self._begun:
                    self.progress.fail(self._begun[failed["jobid"]])

    def close(self) -> None:
        """End the display when logging ends."""
        self.display.stop()
        super().close()
