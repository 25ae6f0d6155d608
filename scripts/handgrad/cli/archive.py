"""``handgrad archive`` and ``handgrad verify``: one experiment in one file."""

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

    The archive is verified before it takes its name, and replaces none with other content. It is a BagIt bag with
    Workflow Run RO-Crate metadata (docs/archive.md).

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
        print(f"{report}: older than the page, so it is left out (handgrad report {file})")
    to = ARCHIVES / f"{experiment.name}.tar.gz"
    print(*pack(to, experiment.name, members_of(experiment, file, Path())), sep="\n")
    print(f"Written: {to}")
    print(f"Keep it where results are kept. To verify it again, in any clone with the same code:\nhandgrad verify {to}")
    print(f"The code is not in it. It is that of git revision: {git_revision(PROJECT)}")


def require_finished(file: Path, experiment: "Experiment") -> None:
    """Raise HandgradError if snakemake would make anything of an experiment now."""
    from handgrad.monitor.planned_jobs import planned_jobs

    jobs = planned_jobs(file, experiment)
    if pending := [planned.job.title for planned in jobs if planned.pending]:
        raise HandgradError(
            f"{file}: not finished, or not up to date: {len(pending)} of {len(jobs)} steps are to do, the first "
            f"{pending[0]}; run snakemake --configfile {file} first"
        )


def verify(archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="An archive, .tar.gz.")]) -> None:
    """Check that an archive is complete and that its tables are what its runs say.

    Nothing but the archive is needed, and nothing in it is trusted: the bag is validated, the content_sha256 of each
    run is made again from its arrays, and each table from the runs. Each mistake is a line.

    \b
    Example:
      handgrad verify archives/mine.tar.gz
    """
    from handgrad.archive.verify import verify_archive

    print(*verify_archive(archive, archive), sep="\n")
