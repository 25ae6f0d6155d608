"""Pack one finished experiment into one file: ``make archive CONFIG=mine.yaml``.

To be run where Snakemake is run. The archive is proved, as ``make verify`` does, before it takes its name.
"""

import sys
from pathlib import Path

import verify_archive
from handgrad.archive.pack import Members, has_report, members_of, write_archive
from handgrad.archive.readme import is_committed
from handgrad.cli.command import as_command
from handgrad.common.atomic import whole_file
from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.experiment.config import Experiment
from handgrad.experiment.experiment_file import read_experiment
from handgrad.layout.paths import data_files, report_file
from handgrad.monitor.jobs import jobs_of
from handgrad.monitor.recovery import require_idle
from handgrad.storage.provenance import git_revision

ARCHIVES = Path("archives")


def main(folder: Path, config: str) -> None:
    """Pack the experiment of a file into archives/<name>.tar.gz.

    Raises HandgradError if a snakemake is at work, if the experiment is not finished and up to date, or if an
    archive of that name holds something else.
    """
    require_idle(folder)
    _, experiment = read_experiment(Path(config))
    require_up_to_date(config)
    require_data(folder, experiment, config)
    to = ARCHIVES / f"{experiment.name}.tar.gz"
    if report_is_old(experiment, folder):
        print(f"{report_file(experiment)}: older than the page, so it is left out (make report CONFIG={config})")
    members = read_members(folder, experiment, config)
    write_proved(folder, to, members)
    print(f"Written: {to}")
    print("Keep it where results are kept. To prove it again, in any clone with the same code:")
    print(f"make verify ARCHIVE={to}")
    if not is_committed(revision := git_revision(PROJECT)):
        print(f"The code is in no git revision ({revision}): commit, then archive, or nobody can run it again")


def write_proved(folder: Path, to: Path, members: Members) -> None:
    """Write an archive if it proves itself, else raise HandgradError; OSError if there is no room."""
    with whole_file(folder / to) as part:
        write_archive(part, to.name.removesuffix(".tar.gz"), members)
        require_same(folder, to, part)
        if verify_archive.main(part, told=to):
            raise HandgradError(f"{to}: not written, since what it would hold does not agree with itself")


def require_up_to_date(config: str) -> None:
    """Raise HandgradError if snakemake would make anything of an experiment now."""
    steps = jobs_of(Path(config))
    if pending := [step for step in steps if step.pending]:
        raise HandgradError(
            f"{config}: not finished, or not up to date: {len(pending)} of {len(steps)} steps are to do, "
            f"the first {pending[0].rule} {pending[0].name}; run snakemake --configfile {config} first"
        )


def require_data(folder: Path, experiment: Experiment, config: str) -> None:
    """Raise HandgradError if a dataset is not there, which Snakemake does not miss once all else is."""
    for path in data_files(experiment):
        if not (folder / path).is_file():
            raise HandgradError(f"{path}: not there, and the archive takes its labels; {again(path, config)}")


def again(path: str, config: str) -> str:
    """How to make a dataset again, which a plain snakemake does not where all that is made from it exists."""
    return f"to make it again: snakemake --cores 1 --configfile {config} -- {path}"


def read_members(folder: Path, experiment: Experiment, config: str) -> Members:
    """What the archive will hold. Raises HandgradError if a dataset is not as it was written."""
    try:
        return members_of(experiment, Path(config), folder)
    except HandgradError as error:
        reason, _, delete = str(error).removeprefix(f"{folder}/").partition("; delete it")
        if not delete:
            raise
        raise HandgradError(f"{reason}; delete it; {again(reason.partition(': ')[0], config)}") from error


def report_is_old(experiment: Experiment, folder: Path) -> bool:
    """Whether Snakemake's report is there, and of earlier results."""
    return (folder / report_file(experiment)).exists() and not has_report(experiment, folder)


def require_same(folder: Path, to: Path, new: Path) -> None:
    """Raise HandgradError if an archive is there that holds something else, which may be nowhere else."""
    if (folder / to).exists() and file_sha256(folder / to) != file_sha256(new):
        raise HandgradError(
            f"{to}: is there and holds something else than would be packed now; move it to another name, "
            "or delete it, and try again"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("make archive: say which experiment: make archive CONFIG=mine.yaml", file=sys.stderr)
        sys.exit(2)
    with as_command():
        main(Path.cwd(), sys.argv[1])
