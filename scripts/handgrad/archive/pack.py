"""Packing a finished experiment as an archive; ``members`` lists its content.

Equal results with equal times give equal bytes, with the same version of zlib.
"""

import gzip
import json
import logging
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePath

import bagit

from handgrad.archive.descriptions import crate_text, provenance
from handgrad.archive.labels import stored_labels
from handgrad.archive.members import COMPLETE, COPIED, CRATE, GIVEN, PROVENANCE, PUBLISHED, README, labels_name
from handgrad.archive.readme import readme
from handgrad.archive.verify import verify_archive
from handgrad.common.atomic import whole_file
from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.experiment.config import Experiment
from handgrad.layout.paths import DATA, archived_outputs, dataset_names, page_file, report_file, run_files
from handgrad.page.context import config_text, shown_config
from handgrad.storage.run_reader import read_summary

#: the payload of an archive: the content of each member, as a file or as bytes
Members = Mapping[str, Path | bytes]

_TIME = 315532800  # 1980-01-01: tar warns about earlier times

logging.getLogger("bagit").addHandler(logging.NullHandler())  # bagit also raises what it logs


def pack(path: Path, name: str, members: Members) -> list[str]:
    """Write an archive, verify it, and return the lines of the verification.

    Raises HandgradError if the archive exists with different content or if verification fails. Raises OSError if a
    member cannot be read or the disk is full. An existing archive is never changed.
    """
    with whole_file(path) as part:
        write_archive(part, name, members)
        if path.exists() and file_sha256(path) != file_sha256(part):
            raise HandgradError(
                f"{path}: exists with different content than the results have now; move or delete it, then try again"
            )
        return verify_archive(part, path)


def members_of(experiment: Experiment, given: Path, folder: Path) -> dict[str, Path | bytes]:
    """Return the payload of the archive of an experiment.

    given: the experiment file. folder: the project folder with its results.
    Raises HandgradError if a dataset or a run cannot be read.
    """
    files = {path: folder / path for path in archived_outputs(experiment)}
    files |= {name: PROJECT / name for name in COPIED} | {GIVEN: given}
    if has_report(experiment, folder):
        files[report_file(experiment)] = folder / report_file(experiment)
    if experiment.published and experiment.has_published_dataset:
        files[PUBLISHED] = folder / experiment.published.table
    texts = {labels_name(dataset): _labels(experiment, dataset, given, folder) for dataset in dataset_names(experiment)}
    runs = {path: read_summary(folder / path) for path in run_files(experiment)}
    origin = provenance(experiment, folder, runs)
    texts[COMPLETE] = complete_config(experiment)
    texts[PROVENANCE] = json.dumps(origin, indent=1, ensure_ascii=False) + "\n"
    texts[README] = readme(experiment, origin["git_revision"])
    texts[CRATE] = crate_text(experiment, origin, {path: one.run for path, one in runs.items()}, [*files, *texts])
    return {**files, **{name: text.encode() for name, text in texts.items()}}


def _labels(experiment: Experiment, dataset: str, given: Path, folder: Path) -> str:
    path = DATA.format(dataset=dataset)
    try:
        return stored_labels(folder / path, experiment.datasets[dataset]).text()
    except HandgradError as error:  # snakemake makes the file again only if the command names it
        raise HandgradError(f"{error}: snakemake --cores 1 --configfile {given} -- {path}") from error


def has_report(experiment: Experiment, folder: Path) -> bool:
    """Return whether Snakemake's report exists and is not older than the page."""
    report, page = folder / report_file(experiment), folder / page_file(experiment)
    return report.is_file() and report.stat().st_mtime_ns >= page.stat().st_mtime_ns


def complete_config(experiment: Experiment) -> str:
    """Return the experiment file as YAML with every key, all defaults and the registry entries of its datasets."""
    config = shown_config(experiment)
    config["checkpoint_seconds"] = experiment.checkpoint_seconds
    config["datasets"] = {name: experiment.datasets[name] for name in dataset_names(experiment)}
    if config["published"]["table"]:
        config["published"]["table"] = PurePath(PUBLISHED).name  # in the archive, next to the experiment file
    return config_text(config)


def write_archive(path: Path, name: str, members: Members) -> None:
    """Write an archive without verification."""
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=path.parent) as folder:
        bag = Path(folder) / name
        for member, content in members.items():
            (bag / member).parent.mkdir(parents=True, exist_ok=True)
            (bag / member).write_bytes(content.read_bytes() if isinstance(content, Path) else content)
        # without a date, so that equal results give equal bytes
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
    """Sort the lines of a manifest and write it in the format of sha256sum. bagit uses the file system's order."""
    lines = sorted(line.split() for line in path.read_text().splitlines())
    path.write_text("".join(f"{sha256}  {name}\n" for sha256, name in lines))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the user, the group and the time from a member, and return it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode, member.mtime = 0o644, _TIME
    return member
