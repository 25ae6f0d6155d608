"""Packing one finished experiment as an archive; ``members`` says what is in it.

The same results, with their times, make the same bytes, with one version of zlib.
"""

import functools
import gzip
import json
import logging
import platform
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any

import bagit  # type: ignore[import-untyped]
import yaml

from handgrad.archive.crate import crate_text
from handgrad.archive.labels import labels_text
from handgrad.archive.members import (
    COMPLETE,
    COPIED,
    CRATE,
    FORMAT,
    GIVEN,
    PROVENANCE,
    PUBLISHED,
    README,
    labels_name,
)
from handgrad.archive.readme import readme
from handgrad.common.code_digests import PROJECT, code_digest, digested_rules
from handgrad.experiment.config import Experiment
from handgrad.layout.paths import archived_outputs, dataset_names, page_file, report_file, run_files
from handgrad.page.methods import shown_config
from handgrad.storage.provenance import git_revision
from handgrad.storage.run_reader import read_summary

_TIME = 315532800  # 1980-01-01: tar calls earlier times implausible
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)

#: the payload of an archive: what is in a member, a file or bytes
Members = dict[str, Path | bytes]

logging.getLogger("bagit").addHandler(logging.NullHandler())  # it logs what it raises


def members_of(experiment: Experiment, given: Path, folder: Path) -> Members:
    """Return the payload of the archive of an experiment whose file is given; folder: of its results.

    Raises HandgradError if a dataset or a run cannot be read.
    """
    members: Members = {path: folder / path for path in archived_outputs(experiment)}
    if has_report(experiment, folder):
        members[report_file(experiment)] = folder / report_file(experiment)
    members |= {name: PROJECT / name for name in COPIED}
    members[GIVEN] = given
    members[COMPLETE] = complete_config(experiment).encode()
    if experiment.published and experiment.has_published_dataset:
        members[PUBLISHED] = folder / experiment.published.table
    for dataset in dataset_names(experiment):
        data = folder / f"results/data/{dataset}.h5"
        members[labels_name(dataset)] = labels_text(data, experiment.datasets[dataset]).encode()
    origin = provenance(experiment, folder)
    members[PROVENANCE] = (json.dumps(origin, indent=1, ensure_ascii=False) + "\n").encode()
    members[README] = readme(experiment, origin["git_revision"]).encode()
    members[CRATE] = crate_text(experiment, origin, members).encode()
    return members


def has_report(experiment: Experiment, folder: Path) -> bool:
    """Return whether Snakemake's report is there, and no older than the page, so that it shows the same."""
    report, page = folder / report_file(experiment), folder / page_file(experiment)
    return report.is_file() and report.stat().st_mtime_ns >= page.stat().st_mtime_ns


def complete_config(experiment: Experiment) -> str:
    """Return an experiment file with all defaults, as YAML: every key, and the entries of its datasets."""
    config = yaml.safe_load(shown_config(experiment))
    config["checkpoint_seconds"] = experiment.checkpoint_seconds
    config["datasets"] = {name: experiment.datasets[name] for name in dataset_names(experiment)}
    if config["published"]["table"]:
        config["published"]["table"] = PurePath(PUBLISHED).name  # in the same folder
    dumper = type("_Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    return yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=None)


def provenance(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """Return where the content of an archive comes from: code, installed packages, and the times of the runs."""
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
    found = {"Python": platform.python_version()}
    for name in _PIN.findall((PROJECT / "requirements.txt").read_text(encoding="utf-8")):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_archive(path: Path, name: str, members: Mapping[str, Path | bytes]) -> None:
    """Write an archive. Raises OSError if a member cannot be read or there is no room."""
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=path.parent) as folder:
        bag = Path(folder) / name
        for member, content in members.items():
            (bag / member).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                (bag / member).write_bytes(content)
            else:
                shutil.copyfile(content, bag / member)
        # without a date, since the same results make the same bytes
        bagit.make_bag(str(bag), {"Bagging-Date": [], "External-Identifier": name}, checksums=["sha256"])
        _sort_tags(bag / "tagmanifest-sha256.txt")
        with (
            path.open("wb") as file,
            gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for source in sorted(source for source in bag.rglob("*") if source.is_file()):
                tar.add(source, source.relative_to(folder).as_posix(), filter=_anonymous)


def _sort_tags(path: Path) -> None:
    """Sort a manifest, which bagit writes in the order of the file system, and write it as sha256sum takes it."""
    lines = sorted(line.split() for line in path.read_text().splitlines())
    path.write_text("".join(f"{sha256}  {name}\n" for sha256, name in lines))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member without who packed it and when."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode, member.mtime = 0o644, _TIME
    return member
