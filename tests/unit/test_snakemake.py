"""Undocumented parts of Snakemake that this project uses; a version without one of them fails here."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handgrad.monitor.events import SHOWN

ROOT = Path(__file__).parents[2]

#: a workflow with a successful and a failing job; it records each event and each missing attribute in ``found``
SNAKEFILE = """
import json, logging, operator, sys
names, found = json.loads(sys.stdin.read() or "[]"), []

class Notes(logging.Handler):
    def emit(self, record):
        event = getattr(record, "event", None)
        if event:
            found.append([event.value, sorted(vars(record))])

def note(names):
    for name in names:
        try:
            operator.attrgetter(name)(workflow)
        except AttributeError:
            found.append(["missing", name])

LATE = ("dag", "execution_settings", "scheduler", "scheduling_settings") # Snakemake makes them after parsing
note(name for name in names if not name.startswith(LATE))

rule all:
    input: "good", "bad"

rule good:
    output: "good"
    log: "good.log"
    shell: "touch good"

rule bad:
    output: "bad"
    log: "bad.log"
    shell: "false"

onstart:
    note(name for name in names if name.startswith(LATE))
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    found.append(["limit", [limit.max_jobs, limit.timespan]])
    streams = [handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)]
    found.append(["printers", sum(not isinstance(handler, logging.FileHandler) for handler in streams)])
    found.append(["logs", sorted(str(job.log) for job in workflow.dag.needrun_jobs())])
    logger.addHandler(Notes())

onerror:
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """The records of one run of the workflow."""
    folder = tmp_path_factory.mktemp("snakemake")
    (folder / "Snakefile").write_text(SNAKEFILE)
    text = "".join((ROOT / f"workflow/rules/{file}.smk").read_text(encoding="utf-8") for file in ("common", "start"))
    names = sorted(set(re.findall(r"\bworkflow\.([a-z_]+(?:\.[a-z_]+)*)", text)) - {"rst"})  # workflow.rst is a file
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--keep-going"]
    done = subprocess.run(command, cwd=folder, input=json.dumps(names), capture_output=True, text=True, check=False)
    result: list[list[Any]] = json.loads(done.stdout)
    return result


def test_snakemake_has_every_attribute_that_the_rules_use(found: list[list[Any]]) -> None:
    assert [name for kind, name in found if kind == "missing"] == []
    assert ["logs", ["", "bad.log", "good.log"]] in found
    assert ["printers", 1] in found
    assert ["limit", [100, 1]] in found  # the default that start.smk removes


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("job_info", {"jobid", "log"}),
        ("job_finished", {"job_id"}),
        ("job_error", {"jobid"}),
        ("progress", {"done", "total"}),
    ],
)
def test_events_have_the_fields_that_the_display_reads(event: str, fields: set[str], found: list[list[Any]]) -> None:
    events = [set(facts) for kind, facts in found if kind == event]
    assert events
    assert all(fields <= facts for facts in events)


def test_snakemake_has_every_event_name_that_the_display_uses() -> None:
    from snakemake_interface_logger_plugins.common import LogEvent

    assert SHOWN | {"job_error", "group_error"} <= {event.value for event in LogEvent}
