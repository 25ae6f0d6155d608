"""Where each step of an experiment stands: done, running, failed, stopped or waiting; ``handgrad status``."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handgrad.common.formatting import counted, duration_text
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.job_logs import Line, last_lines, position
from handgrad.monitor.jobs import Step
from handgrad.monitor.makespan import makespan
from handgrad.monitor.plan import PARTS, part_of

#: in the order in which they are told
STATES = ("done", "running", "failed", "stopped", "waiting")
#: what becomes of a job whose log has no end
KILLED = "was killed, or its machine has failed"
#: the most steps of a state that are told one by one
MOST_ROWS = 20


@dataclass(frozen=True)
class Status:
    """A step and its state. text: where it is, or why it is not done. left: seconds, of one that runs."""

    step: Step
    state: str
    text: str = ""
    left: float | None = None


def statuses(steps: Iterable[Step], alive: Collection[Path], *, began: float | None, now: float) -> list[Status]:
    """The states of steps. Reads the logs of those that are not done.

    alive: the logs of jobs that are at work. began: when the snakemake that is at work here was started, None
    if none is; what a log says from before is of another attempt, which will be made again.
    """
    return [_status(step, alive, began, now) for step in steps]


def _status(step: Step, alive: Collection[Path], began: float | None, now: float) -> Status:
    if step.log in alive:
        return _running(step, last_lines(step.log), now)
    if step.there and not step.pending:
        return Status(step, "done")
    lines = last_lines(step.log)
    if not lines or (began is not None and lines[-1].at < began):
        return Status(step, "waiting")
    last = lines[-1]
    if last.ended:  # since Snakemake was asked, or before what it depends on has changed
        just_made = not step.there and all(Path(output).exists() for output in step.outputs)
        return Status(step, "done" if just_made else "waiting")
    if last.text.startswith(("stopped by ", "interrupted;")):
        return Status(step, "stopped", last.text)
    if last.level == "ERROR":
        return Status(step, "failed", last.message)
    return Status(step, "failed", f"{KILLED}; its last line: {last.text}")


def _running(step: Step, lines: Sequence[Line], now: float) -> Status:
    where = position(list(lines))
    if where is None:
        return Status(step, "running", "at work")
    left = where.left_at(now)
    if left is None:
        return Status(step, "running", f"goes on after epoch {where.epoch}")
    text = f"epoch {where.epoch} of {where.epochs}, {duration_text(left)} left"
    return Status(step, "running", text, left)


def status_table(found: Sequence[Status]) -> list[str]:
    """A line for each part of the experiment: how many of its steps are in which state."""
    used = [state for state in STATES if any(one.state == state for one in found)]
    lines = [f"{'':<23}" + "".join(f"{state:>9}" for state in used)]
    for part in PARTS:
        own = [one.state for one in found if part_of(one.step.rule) == part]
        if own:
            lines.append(f"{part:<23}" + "".join(f"{own.count(state) or '-':>9}" for state in used))
    return lines


def status_rows(found: Sequence[Status], state: str) -> list[str]:
    """Each step of a state and its text, and the log of one that has failed; of many, the first ones."""
    some = [one for one in found if one.state == state]
    rows = [row for one in some[:MOST_ROWS] for row in _rows(one)]
    hidden = len(some) - MOST_ROWS
    return rows + ([f"  and {hidden} more"] if hidden > 0 else [])


def _rows(one: Status) -> list[str]:
    row = f"  {one.step.rule} {one.step.name}: {one.text}"
    return [row, f"    log: {one.step.log}"] if one.state == "failed" else [row]


def time_left(found: Sequence[Status], estimates: Mapping[Step, Estimate]) -> str:
    """How long all that is not done will take, with as many jobs at once as run now."""
    running = [one for one in found if one.state == "running"]
    at_work = [one.left if one.left is not None else estimates[one.step].seconds for one in running]
    to_come = [estimates[one.step].seconds for one in found if one.state not in ("done", "running")]
    seconds = makespan(to_come, max(1, len(running)), at_work)
    return f"about {duration_text(seconds)} left, with {counted(len(running), 'job')} at once as now"
