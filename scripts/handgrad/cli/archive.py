"""``handgrad archive`` and ``handgrad verify``: one experiment in one file."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.command import printable
from handgrad.cli.options import DEFAULT, ExperimentFile
from handgrad.common.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.archive.verify import Contents
    from handgrad.experiment.config import Experiment

ARCHIVES = Path("archives")


def archive(file: ExperimentFile = DEFAULT) -> None:
    """Pack a finished experiment into one file, archives/<name>.tar.gz.

    The archive is verified before it takes its name, and replaces none with other content. It is a BagIt bag with
    Workflow Run RO-Crate metadata (docs/archive.md).

    \b
    Example:
      handgrad archive mine.yaml
    """
    from handgrad.archive.pack import has_report
    from handgrad.archive.readme import is_committed
    from handgrad.common.code_digests import PROJECT
    from handgrad.experiment.experiment_file import read_experiment
    from handgrad.layout.paths import report_file
    from handgrad.monitor.recovery import require_idle
    from handgrad.storage.provenance import git_revision

    folder = Path.cwd()
    require_idle(folder)
    _, experiment = read_experiment(file)
    require_finished(folder, experiment, file)
    report = report_file(experiment)
    if (folder / report).exists() and not has_report(experiment, folder):
        print(f"{report}: older than the page, so it is left out (handgrad report {file})")
    to = ARCHIVES / f"{experiment.name}.tar.gz"
    write_verified(folder, to, experiment, file)
    print(f"Written: {to}")
    print("Keep it where results are kept. To verify it again, in any clone with the same code:")
    print(f"handgrad verify {to}")
    if not is_committed(revision := git_revision(PROJECT)):
        print(f"The code is in no git revision ({revision}): commit, then archive, or nobody can run it again")


def require_finished(folder: Path, experiment: "Experiment", file: Path) -> None:
    """Raise HandgradError if snakemake would make anything of an experiment now, or if a dataset is missing."""
    from handgrad.layout.paths import data_files
    from handgrad.monitor.jobs import steps_of

    steps = steps_of(file)
    if pending := [step for step in steps if step.pending]:
        raise HandgradError(
            f"{file}: not finished, or not up to date: {len(pending)} of {len(steps)} steps are to do, the first "
            f"{pending[0].rule} {pending[0].name}; run snakemake --configfile {file} first"
        )
    for path in data_files(experiment):  # which Snakemake does not miss once all else is there
        if not (folder / path).is_file():
            raise HandgradError(f"{path}: not there, and the archive takes its labels; {_again(path, file)}")


def _again(path: str, file: Path) -> str:
    return f"to make it again: snakemake --cores 1 --configfile {file} -- {path}"


def write_verified(folder: Path, to: Path, experiment: "Experiment", file: Path) -> None:
    """Write an archive. Raises HandgradError if it would replace one with other content, or is not verified."""
    from handgrad.archive.pack import members_of, write_archive
    from handgrad.common.atomic import whole_file
    from handgrad.common.hashing import file_sha256

    try:
        members = members_of(experiment, file, folder)
    except HandgradError as error:
        reason = str(error).removeprefix(f"{folder}/").partition("; delete it")[0]
        raise HandgradError(f"{reason}; delete it; {_again(reason.partition(': ')[0], file)}") from error
    with whole_file(folder / to) as part:
        write_archive(part, experiment.name, members)
        if (folder / to).exists() and file_sha256(folder / to) != file_sha256(part):
            raise HandgradError(
                f"{to}: is there with other content than would be packed now; move it, or delete it, and try again"
            )
        if print_verified(part, to):
            raise HandgradError(f"{to}: not written, since what it would hold does not agree with itself")


def verify(archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="An archive, .tar.gz.")]) -> int:
    """Check that an archive is complete and that its tables are what its runs say.

    Nothing but the archive is needed, and nothing in it is trusted: the bag is validated, the content_sha256 of each
    run is made again from its arrays, and each table from the runs. Each mistake is a line.

    \b
    Example:
      handgrad verify archives/mine.tar.gz
    """
    return print_verified(archive, archive)


def print_verified(path: Path, name: Path) -> int:
    """Print what was verified of an archive that people know by a name, or each mistake; returns 0 or 1.

    Raises HandgradError if it cannot be read as an archive.
    """
    from handgrad.archive.verify import find_mistakes, other_origin, read_archive
    from handgrad.common.formatting import counted, size_text
    from handgrad.common.hashing import file_sha256

    with tempfile.TemporaryDirectory(prefix="handgrad-verify-") as folder:
        try:
            contents = read_archive(path, Path(folder))
        except HandgradError as error:
            raise HandgradError(f"{name}: {error}") from error.__cause__
        mistakes = find_mistakes(contents)
    if mistakes:
        for line in mistakes:
            print(f"{name}: {printable(line)}", file=sys.stderr)
        origin = other_origin(contents.provenance)
        print(f"{name}: NOT verified: {counted(len(mistakes), 'mistake')}{origin}", file=sys.stderr)
        return 1
    print(f"{name}: the experiment {contents.experiment.name}, {size_text(path.stat().st_size)}")
    _print_verified(contents)
    print(f"  sha256 of the archive: {file_sha256(path)}")
    print("Verification cannot detect runs that were fabricated consistently (docs/archive.md).")
    return 0


def _print_verified(contents: "Contents") -> None:
    from handgrad.common.code_digests import code_digest
    from handgrad.common.formatting import counted
    from handgrad.layout.paths import dataset_names, gates, gradient_checks, table_files

    experiment, provenance = contents.experiment, contents.provenance
    tables = len(table_files(experiment))
    print(f"  complete: a BagIt bag of {len(contents.members)} files, each with its sha256")
    print(f"  {counted(len(experiment.runs), 'run')} on {', '.join(dataset_names(experiment))}:")
    print("    content_sha256 and misclassified examples of each agree with its arrays")
    print(f"  gradient checks: {len(gradient_checks(experiment))}, every figure within its limit")
    print(f"  gates: {len(gates(experiment))}, passed by their own verdict; they hold no figures")
    print(f"  {tables} files of tables, README.md and ro-crate-metadata.json: equal when made again")
    if provenance["code"]["train_run"] != code_digest("train_run"):
        print(f"  trained by other code than this clone has: git revision {provenance.get('git_revision')!s:.99}")
