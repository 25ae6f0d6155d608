"""From what Snakemake logs of its jobs to ``progress``: events of its logger interface, by their names."""

import logging
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

from handgrad.common.code_digests import code_digest
from handgrad.experiment.config import Experiment
from handgrad.monitor.display import Display, LiveDisplay, display
from handgrad.monitor.estimates import Estimate, Estimator
from handgrad.monitor.jobs import Step
from handgrad.monitor.progress import Key, Progress

#: events that say no more than what is shown live
SHOWN = {"run_info", "job_info", "group_info", "job_started", "job_finished", "progress", "shellcmd"}
#: messages that say nothing, again and again
EMPTY = {"Select jobs to execute..."}


def step_of_log(log: str) -> Step | None:
    """The job whose log is ``results/logs/<rule>/<name>.log``, whatever its rule is called, or None."""
    parts = PurePath(log).with_suffix("").parts
    if parts[:2] != ("results", "logs") or len(parts) < 4:
        return None
    _, _, rule, *name = parts
    return Step(rule, "/".join(name), outputs=(), pending=True, there=False)


def follow(snakemake_logger: logging.Logger, logs: Iterable[str], experiment: Experiment, workers: int | None) -> None:
    """Show how far Snakemake is from now on, until the process ends.

    logs: those of the jobs that are to be done. workers: how many run at once; None on a cluster. Does
    nothing where Snakemake itself prints nothing, because another logger plugin does.
    """
    printers = [one for one in snakemake_logger.handlers if one.name == "DefaultStreamHandler"]
    if not printers:
        return
    try:
        progress = Progress(_estimates(logs, experiment), workers)
        shown = display(progress)
    except Exception as error:  # noqa: BLE001, what it shows must never end a workflow
        snakemake_logger.warning(f"How far it is cannot be shown: {type(error).__name__}: {error}")
        return
    if isinstance(shown, LiveDisplay):
        for printer in printers:
            printer.addFilter(NotShown())
    snakemake_logger.addHandler(ProgressEvents(progress, shown))


def _estimates(logs: Iterable[str], experiment: Experiment) -> dict[Key, Estimate]:
    estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
    steps = [step for step in map(step_of_log, logs) if step]
    return {(step.rule, step.name): estimator.estimate(step) for step in steps}


def event_of(record: logging.LogRecord) -> str:
    """The name of the event that a record tells of; empty where it is a message."""
    event = getattr(record, "event", None)
    return str(getattr(event, "value", event or ""))


class ProgressEvents(logging.Handler):
    """A handler of Snakemake's logger that keeps ``progress`` up to date."""

    def __init__(self, progress: Progress, display: Display) -> None:
        super().__init__()
        self.progress, self.display = progress, display
        self._keys: dict[int, Key] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take in an event; what is no event of a job is passed over."""
        try:
            self._take(event_of(record), vars(record))
        except Exception:  # noqa: BLE001, what it shows must never end a workflow
            self.handleError(record)

    def _take(self, event: str, facts: dict[str, Any]) -> None:
        if event == "job_info" and facts["log"]:
            step = step_of_log(facts["log"][0])
            if step is None:
                return
            self._keys[facts["jobid"]] = step.rule, step.name
            self.progress.begin((step.rule, step.name))
        elif event == "job_finished" and facts["job_id"] in self._keys:
            key = self._keys[facts["job_id"]]
            seconds = self.progress.finish(key)  # on a cluster, with the time in the queue
            self.display.say(f"{key[0]} {key[1]}: done" + (f" in {seconds:.1f} s" if self.progress.workers else ""))
        elif event == "job_error" and facts["jobid"] in self._keys:
            self.progress.fail(self._keys[facts["jobid"]])
        elif event == "group_error":
            for job in facts["job_error_info"]:
                if job["jobid"] in self._keys:
                    self.progress.fail(self._keys[job["jobid"]])

    def close(self) -> None:
        """The end, which logging calls when the process ends."""
        self.display.stop()
        super().close()


class NotShown(logging.Filter):
    """Keeps from a terminal what is shown there live."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is printed: what is shown live is not, but that all is done, which then stays."""
        if event_of(record) == "progress" and vars(record)["done"] == vars(record)["total"]:
            return True
        return event_of(record) not in SHOWN and record.msg not in EMPTY
