"""The command ``handgrad``: its subcommands, with their options and help.

The modules that do the work are imported when their command is given, so that help and completion stay quick.
"""

import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli import archive
from handgrad.cli.command import as_command
from handgrad.cli.options import DEFAULT, AsJson, ExperimentFile, number_of_cores
from handgrad.common.code_digests import PROJECT

app = typer.Typer(
    rich_markup_mode=None,  # plain text, which needs no time to load and keeps the lines of examples
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command that the process was started with; exit status 0, 1 (it failed) or 2 (wrong usage)."""
    with as_command():
        status = app(prog_name="handgrad", standalone_mode=False)
    sys.exit(status)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
        raise typer.Exit


@app.callback()
def handgrad(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Check, plan, watch, report, archive and tidy up experiments of this Snakemake workflow.

    The commands act on results/ of the working directory. Snakemake itself runs the experiments.
    """


@app.command()
def check(file: ExperimentFile = DEFAULT, as_json: AsJson = False) -> int:
    """Name every mistake in an experiment file.

    Nothing runs. The file is checked as Snakemake merges it, over config/config.yaml and config/datasets.yaml.

    \b
    Examples:
      handgrad check mine.yaml
      handgrad check mine.yaml --json
    """
    from handgrad.cli.check import check_file

    return check_file(file, as_json=as_json)


@app.command()
def plan(
    file: ExperimentFile = DEFAULT,
    cores: Annotated[str, typer.Option(help="Cores of this machine to use.")] = "all",
    profile: Annotated[Path | None, typer.Option(help="Profile of a cluster, instead of this machine.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an experiment would run, and what that costs.

    Time, memory and room on disk are estimates. Snakemake itself is asked what is still to be done; nothing changes.

    \b
    Examples:
      handgrad plan mine.yaml --cores 8
      handgrad plan mine.yaml --profile profiles/slurm
    """
    from handgrad.cli.plan import show_plan

    show_plan(file, number_of_cores(cores), profile, as_json=as_json)


@app.command()
def status(file: ExperimentFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show how far an experiment is.

    Lists what is done, running with the time left, failed and why, stopped, and waiting. From any terminal, while
    Snakemake runs and after it; looks for jobs of this machine and for SLURM jobs of this user. Nothing changes.

    \b
    Examples:
      handgrad status mine.yaml
      handgrad status mine.yaml --json | jq .counts
    """
    from handgrad.cli.status import show_status

    show_status(file, as_json=as_json)


@app.command()
def report(
    file: ExperimentFile = DEFAULT,
    cores: Annotated[str, typer.Option(help="Cores for what is made again.")] = "all",
) -> int:
    """Make the page of an experiment and Snakemake's report.

    They are summary.html and report.html in results/<name>/. Whatever is not up to date is made again first, runs too.

    \b
    Example:
      handgrad report mine.yaml
    """
    from handgrad.cli.report import make_report

    return make_report(file, cores)


app.command("archive")(archive.archive)
app.command("verify")(archive.verify)


@app.command()
def prune(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="All experiments whose results you keep.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="List it, and remove nothing.")] = False,
) -> None:
    """Remove what of results/ no experiment needs.

    Lists it and asks first. Only what the workflow itself has written is removed; downloads stay.

    \b
    Examples:
      handgrad prune --dry-run config/config.yaml mine.yaml
      handgrad prune config/config.yaml mine.yaml
    """
    from handgrad.cli.prune import prune_results

    prune_results(files, yes=yes, dry_run=dry_run)


@app.command()
def recover() -> None:
    """Clean up after a snakemake that was killed.

    Ends the SLURM jobs and local processes that it left, unlocks the folder and removes unfinished files, so that the
    next snakemake completes the rest. Refuses while a snakemake is running here; to call it again is safe.

    \b
    Example:
      handgrad recover && snakemake --cores 8
    """
    from handgrad.monitor import recovery

    for line in recovery.recover(Path.cwd()):
        print(line, flush=True)


@app.command("clean-checkpoints")
def clean_checkpoints() -> None:
    """Remove the checkpoints of all runs.

    Finished results stay. A run that was not finished, or gets more epochs, begins again.

    \b
    Example:
      handgrad clean-checkpoints
    """
    from handgrad.cli.prune import remove_checkpoints

    remove_checkpoints()
