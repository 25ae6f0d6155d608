"""``handgrad archive`` and ``handgrad verify``: pack an experiment into one file, and verify that file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.options import DEFAULT, ExperimentFile
from handgrad.common.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment

ARCHIVES = Path("archives")


def archive(file: ExperimentFile = DEFAULT) -> None:
    """Pack a finished experiment into one file, archives/<name>.tar.gz.

    The archive is verified before it gets its final name. It never replaces an archive with different content. It is a
    BagIt bag with Workflow Run RO-Crate metadata (docs/how-to/archive.md).

    \b
    Example:
      handgrad archive mine.yaml
    """
    from handgrad.archive.pack import has_report, members_of, pack
    from handgrad.common.code_digests import PROJECT
    from handgrad.experiment.config import read_experiment
    from handgrad.layout.paths import report_file
    from handgrad.monitor.recovery import require_idle
    from handgrad.storage.provenance import git_revision

    folder = Path.cwd()
    require_idle(folder)
    _, experiment = read_experiment(file)
    require_finished(file, experiment)
    report = report_file(experiment)
    if (folder / report).exists() and not has_report(experiment, folder):
        print(f"{report}: older than the page, so it is left out; to include it, run handgrad report {file}")
    to = ARCHIVES / f"{experiment.name}.tar.gz"
    print(*pack(to, experiment.name, members_of(experiment, file, Path())), sep="\n")
    print(f"Written: {to}")
    print(f"Store it with your results. To verify it again, in any clone with the same code:\nhandgrad verify {to}")
    print(f"The archive does not contain the code. The code is git revision: {git_revision(PROJECT)}")


def require_finished(file: Path, experiment: "Experiment") -> None:
    """Raise HandgradError if snakemake would run any job of an experiment now."""
    from handgrad.monitor.planned_jobs import planned_jobs

    jobs = planned_jobs(file, experiment)
    if pending := [planned.job.title for planned in jobs if planned.pending]:
        raise HandgradError(
            f"{file}: not finished, or not up to date: {len(pending)} of {len(jobs)} steps still to do, the first is "
            f"{pending[0]}; run snakemake --configfile {file} first"
        )


def verify(archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="An archive, .tar.gz.")]) -> None:
    """Check that an archive is complete and that its tables agree with its runs.

    Needs only the archive and trusts none of its content. Validates the bag, computes the content_sha256 of each run
    from its arrays again, and makes each table from the runs again. Prints one line for each mistake.

    \b
    Example:
      handgrad verify archives/mine.tar.gz
    """
    from handgrad.archive.verify import verify_archive

    print(*verify_archive(archive, archive), sep="\n")
