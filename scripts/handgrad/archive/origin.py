"""Where the content of an archive comes from: code, packages and times. Facts to be shown, which decide little."""

import functools
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from handgrad.archive.members import FORMAT
from handgrad.common.code_digests import PROJECT, code_digest, digested_rules
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_errors import show
from handgrad.layout.paths import page_file, run_files
from handgrad.storage.provenance import git_revision
from handgrad.storage.run_reader import read_summary

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def provenance(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """Return the content of provenance.json for an experiment whose results are in a folder."""
    return {
        "format": FORMAT,
        "experiment": experiment.name,
        "git_revision": git_revision(PROJECT),
        "versions": dict(installed_versions()),
        "code": {rule: code_digest(rule) for rule in digested_rules()},
        "ended": _ended(folder / page_file(experiment)).isoformat(),
        "runs": {path: _times(folder / path) for path in run_files(experiment)},
    }


def _ended(path: Path) -> datetime:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


def _times(path: Path) -> dict[str, str]:
    """Return when a run started and ended, in UTC, as far as its file shows: an interrupted one started earlier."""
    ended, seconds = _ended(path), round(read_summary(path).seconds)
    return {"started": (ended - timedelta(seconds=seconds)).isoformat(), "ended": ended.isoformat()}


@functools.cache
def installed_versions() -> Mapping[str, str]:
    """Return the versions of Python, and of each package of requirements.txt, that are installed here."""
    pinned = _PIN.findall((PROJECT / "requirements.txt").read_text(encoding="utf-8"))
    installed = {package.name: package.version for package in distributions()}
    return {"Python": platform.python_version()} | {name: installed.get(name, "not installed") for name in pinned}


def other_origin(origin: Mapping[str, Any]) -> str:
    """Return by which other code and packages than those here an archive was packed; nothing if by none."""
    there, here = origin.get("git_revision"), git_revision(PROJECT)
    code = f"; packed by the code of git revision {show(there)}, this is {here!r}: verify it in a clone of that"
    versions, installed = origin["versions"], installed_versions()
    differ = [name for name, one in installed.items() if versions.get(name) != one]
    others = ", ".join(f"{name} {show(versions.get(name))} (here {installed[name]})" for name in differ)
    return (code if there != here else "") + (f"; packed with {others}" if others else "")
