"""Packing one finished experiment as an archive; ``members`` says what is in it.

The same results, with their times, make the same bytes, with one version of zlib.
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
from handgrad.layout.paths import DATA, archived_outputs, dataset_names, page_file, report_file
from handgrad.page.context import config_text, shown_config

#: the payload of an archive: what is in a member, a file or bytes
Members = Mapping[str, Path | bytes]

_TIME = 315532800  # 1980-01-01: tar calls earlier times implausible

logging.getLogger("bagit").addHandler(logging.NullHandler())  # it logs what it raises


def pack(path: Path, name: str, members: Members) -> list[str]:
    """Write an archive and return what was verified of it, as lines.

    Raises HandgradError if it would replace one with other content, or does not agree with itself; OSError if a member
    cannot be read or there is no room. An archive that was there stays as it is.
    """
    with whole_file(path) as part:
        write_archive(part, name, members)
        if path.exists() and file_sha256(path) != file_sha256(part):
            raise HandgradError(
                f"{path}: is there with other content than would be packed now; move it, or delete it, and try again"
            )
        return verify_archive(part, path)


def members_of(experiment: Experiment, given: Path, folder: Path) -> dict[str, Path | bytes]:
    """Return the payload of the archive of an experiment whose file is given; folder: of its results.

    Raises HandgradError if a dataset or a run cannot be read.
    """
    files = {path: folder / path for path in archived_outputs(experiment)}
    files |= {name: PROJECT / name for name in COPIED} | {GIVEN: given}
    if has_report(experiment, folder):
        files[report_file(experiment)] = folder / report_file(experiment)
    if experiment.published and experiment.has_published_dataset:
        files[PUBLISHED] = folder / experiment.published.table
    texts = {labels_name(dataset): _labels(experiment, dataset, given, folder) for dataset in dataset_names(experiment)}
    origin = provenance(experiment, folder)
    texts[COMPLETE] = complete_config(experiment)
    texts[PROVENANCE] = json.dumps(origin, indent=1, ensure_ascii=False) + "\n"
    texts[README] = readme(experiment, origin["git_revision"])
    texts[CRATE] = crate_text(experiment, origin, [*files, *texts])
    return {**files, **{name: text.encode() for name, text in texts.items()}}


def _labels(experiment: Experiment, dataset: str, given: Path, folder: Path) -> str:
    path = DATA.format(dataset=dataset)
    try:
        return stored_labels(folder / path, experiment.datasets[dataset]).text()
    except HandgradError as error:  # a plain run of snakemake does not miss the file
        raise HandgradError(f"{error}: snakemake --cores 1 --configfile {given} -- {path}") from error


def has_report(experiment: Experiment, folder: Path) -> bool:
    """Return whether Snakemake's report is there, and no older than the page, so that it shows the same."""
    report, page = folder / report_file(experiment), folder / page_file(experiment)
    return report.is_file() and report.stat().st_mtime_ns >= page.stat().st_mtime_ns


def complete_config(experiment: Experiment) -> str:
    """Return an experiment file with all defaults, as YAML: every key, and the entries of its datasets."""
    config = shown_config(experiment)
    config["checkpoint_seconds"] = experiment.checkpoint_seconds
    config["datasets"] = {name: experiment.datasets[name] for name in dataset_names(experiment)}
    if config["published"]["table"]:
        config["published"]["table"] = PurePath(PUBLISHED).name  # in the same folder
    return config_text(config)


def write_archive(path: Path, name: str, members: Members) -> None:
    """Write an archive without looking at what is in it."""
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=path.parent) as folder:
        bag = Path(folder) / name
        for member, content in members.items():
            (bag / member).parent.mkdir(parents=True, exist_ok=True)
            (bag / member).write_bytes(content.read_bytes() if isinstance(content, Path) else content)
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
