"""One experiment in one file: ``<name>.tar.gz``, whose members lie in a folder ``<name>/``.

README.md, SHA256SUMS         what it is and how to verify it; the sha256 of every other member
provenance.json               git revision, packages, digests of the code
requirements.txt, environment.yml   what to install to run it again
config/given.yaml             the experiment file, byte for byte
config/experiment.yaml        the same with all that it leaves out
config/published.csv          the published table that it is compared with, where there is one
data/<dataset>.json           what a dataset is, and its test labels (``archive_labels``)
results/...                   runs, gradient checks, tables, figures and pages, at their paths in the project

The same members make the same bytes, with one version of zlib.
"""

import gzip
import hashlib
import io
import json
import platform
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any

import yaml

from handgrad.archive.labels import labels_name, labels_text
from handgrad.archive.readme import readme
from handgrad.common.code_digests import PROJECT, code_digest, digested_rules
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.experiment.config import Experiment
from handgrad.layout.paths import (
    archived_outputs,
    dataset_names,
    page_file,
    report_file,
)
from handgrad.page.methods import shown_config
from handgrad.storage.provenance import git_revision

FORMAT = 1
README, SUMS, PROVENANCE = "README.md", "SHA256SUMS", "provenance.json"
GIVEN, COMPLETE, PUBLISHED = "config/given.yaml", "config/experiment.yaml", "config/published.csv"
ENVIRONMENT = ("requirements.txt", "environment.yml")

_TIME = 315532800  # 1980-01-01: tar calls earlier times implausible
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)

#: what a member's content is: a file, or bytes
Members = Mapping[str, Path | bytes]


def members_of(experiment: Experiment, given: Path, folder: Path) -> dict[str, Path | bytes]:
    """All members of the archive of an experiment whose file is given, but for SHA256SUMS.

    Raises HandgradError if a dataset cannot be read.
    """
    members: dict[str, Path | bytes] = {path: folder / path for path in archived_outputs(experiment)}
    if has_report(experiment, folder):
        members[report_file(experiment)] = folder / report_file(experiment)
    members |= {name: PROJECT / name for name in ENVIRONMENT}
    members[GIVEN] = given
    members[COMPLETE] = complete_config(experiment).encode()
    if experiment.published and experiment.has_published_dataset:
        members[PUBLISHED] = folder / experiment.published.table
    for dataset in dataset_names(experiment):
        data = folder / f"results/data/{dataset}.h5"
        members[labels_name(dataset)] = labels_text(data, experiment.datasets[dataset]).encode()
    facts = provenance(experiment)
    members[PROVENANCE] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    members[README] = readme(experiment, facts["git_revision"]).encode()
    return members


def has_report(experiment: Experiment, folder: Path) -> bool:
    """Whether Snakemake's report is there, and no older than the page, so that it tells the same."""
    report, page = folder / report_file(experiment), folder / page_file(experiment)
    return report.is_file() and report.stat().st_mtime_ns >= page.stat().st_mtime_ns


def complete_config(experiment: Experiment) -> str:
    """An experiment file that leaves nothing out, as YAML: every key, and the entries of its datasets."""
    config = yaml.safe_load(shown_config(experiment))
    config["checkpoint_seconds"] = experiment.checkpoint_seconds
    config["datasets"] = {name: experiment.datasets[name] for name in dataset_names(experiment)}
    if config["published"]["table"]:
        config["published"]["table"] = PurePath(PUBLISHED).name  # it is beside this file
    dumper = type("_Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    return yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=None)


def provenance(experiment: Experiment) -> dict[str, Any]:
    """Where an archive's content comes from: code, and the packages that are installed here."""
    return {
        "format": FORMAT,
        "experiment": experiment.name,
        "git_revision": git_revision(PROJECT),
        "versions": installed_versions(),
        "code": {rule: code_digest(rule) for rule in digested_rules()},
    }


def installed_versions() -> dict[str, str]:
    """Python, and each package of requirements.txt, as they are installed here."""
    found = {"Python": platform.python_version()}
    for name in _PIN.findall((PROJECT / "requirements.txt").read_text(encoding="utf-8")):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def sums_text(sums: Mapping[str, str]) -> str:
    """The manifest, which ``sha256sum -c`` takes: a line a member, in the order of their names."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def parse_sums(text: str) -> tuple[dict[str, str], list[str]]:
    """The sha256 of each name in a manifest, and its lines that are none or name a member again."""
    sums: dict[str, str] = {}
    wrong = []
    for line in text.splitlines():
        found = re.fullmatch(r"([0-9a-f]{64})  ([!-~]+)", line)
        if found is None or found[2] in sums:
            wrong.append(line)
        else:
            sums[found[2]] = found[1]
    return sums, wrong


def write_archive(path: Path, name: str, members: Members) -> dict[str, str]:
    """Write an archive with its manifest; returns the sha256 of every member in it.

    Raises HandgradError if a member cannot be read, or changes meanwhile; OSError if there is no room.
    """
    sums = {member: _sha256(content) for member, content in members.items()}
    all_members = {**members, SUMS: sums_text(sums).encode()}
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for member in sorted(all_members):
            _add(tar, f"{name}/{member}", all_members[member], sums.get(member))
    return sums


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HandgradError(f"{path}: cannot be packed ({error.strerror})") from error


def _sha256(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with _reading(content):
        return file_sha256(content)


def _read(content: Path | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    with _reading(content):
        return content.read_bytes()


def _add(tar: tarfile.TarFile, name: str, content: Path | bytes, expected: str | None) -> None:
    """Add a member that tells nothing of who packed it and when."""
    data = _read(content)
    if expected not in (None, hashlib.sha256(data).hexdigest()):
        raise HandgradError(f"{content!s}: changed while it was packed; try again")
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(data), _TIME
    tar.addfile(member, io.BytesIO(data))
