"""Define the command ``handgrad``: its subcommands, their options and their help texts.

Each subcommand imports its modules when it runs, so that help and completion stay fast.
"""

import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli import archive, data_commands
from handgrad.cli.command import as_command
from handgrad.cli.compare import compare
from handgrad.cli.options import (
    DEFAULT,
    AsJson,
    Changes,
    ExperimentFile,
    TrainedRun,
    budget_seconds,
    number_of_cores,
)
from handgrad.common.code_digests import PROJECT

app = typer.Typer(
    rich_markup_mode=None,  # plain text loads faster and keeps the lines of examples
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command of this process and exit with status 0, 1 (failure) or 2 (wrong usage)."""
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
    """Check, plan, watch, report, use, archive and clean up experiments of this Snakemake workflow.

    The commands work on results/ in the working directory. To run an experiment, use snakemake.
    """


@app.command()
def check(
    file: ExperimentFile = DEFAULT,
    changes: Changes = None,
    as_json: AsJson = False,
) -> int:
    """Check an experiment file and print every mistake.

    Nothing is run. The file is merged over config/config.yaml and config/datasets.yaml, as in Snakemake, and then
    checked. Shows how many runs a grid, zip, samples and exclude give and take.

    \b
    Examples:
      handgrad check mine.yaml
      handgrad check mine.yaml --json
      handgrad check mine.yaml --set learning_rate=0.1 --set gradient_check.examples=10
    """
    from handgrad.cli.check import check_file

    return check_file(file, changes or (), as_json=as_json)


@app.command()
def plan(
    file: ExperimentFile = DEFAULT,
    cores: Annotated[str, typer.Option(help="Cores of this machine to use.")] = "all",
    profile: Annotated[Path | None, typer.Option(help="Plan for the cluster of this profile.")] = None,
    changes: Changes = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Show the number of samples that fits, e.g. 90m, 2h, 1d.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which jobs an experiment needs, and their cost.

    Time, memory and disk space are estimates. Snakemake determines the jobs that are still to do. Nothing is changed.
    With --budget, shows the largest `samples:` whose jobs end within this wall time, and its plan.

    \b
    Examples:
      handgrad plan mine.yaml --cores 8
      handgrad plan mine.yaml --profile profiles/slurm
      handgrad plan mine.yaml --set "seed=[0, 1, 2, 3, 4]"
      handgrad plan mine.yaml --cores 8 --budget 2h
    """
    from handgrad.cli.plan import show_plan

    seconds = None if budget is None else budget_seconds(budget)
    show_plan(file, number_of_cores(cores), profile, seconds, changes or (), as_json=as_json)


@app.command()
def status(file: ExperimentFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show the progress of an experiment.

    Counts the jobs that are done, running, failed, stopped and waiting. Shows the remaining time of running jobs and
    the error of failed jobs. Includes jobs on this machine and SLURM jobs of this user. Works in any terminal, during
    and after a run of Snakemake. Nothing is changed.

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
    cores: Annotated[str, typer.Option(help="Cores to use for outdated results.")] = "all",
) -> int:
    """Make the page of an experiment and Snakemake's report.

    The files are summary.html and report.html in results/<name>/. Outdated results, including runs, are computed
    again first.

    \b
    Example:
      handgrad report mine.yaml
    """
    from handgrad.cli.report import make_report

    return make_report(file, cores)


app.command("archive")(archive.archive)
app.command("verify")(archive.verify)
app.command("compare")(compare)
app.add_typer(data_commands.data, name="data")


@app.command()
def predict(
    run: TrainedRun,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Images, tables, or arrays (npy, npz, h5).")],
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of CSV.")] = False,
) -> None:
    """Classify new examples with a trained run.

    Writes the class and the probability of each class, one line for each image or row. Inputs are scaled as in
    training. Files that do not fit the training data are refused.

    \b
    Examples:
      handgrad predict mine:flowers:best photo1.jpg photo2.png
      handgrad predict mine:wine:best new.csv --out predictions.csv
      handgrad predict results/runs/mnist/af_tanh_hu_100_....h5 images.npy --json
    """
    from handgrad.cli.predict import predict_files

    predict_files(run, files, out=out, as_json=as_json)


@app.command()
def export(
    run: TrainedRun,
    onnx: Annotated[Path, typer.Option("--onnx", metavar="FILE", help="The ONNX file to write.", show_default=False)],
) -> None:
    """Export a trained run as an ONNX model.

    The model contains the scaling of inputs and the names of the classes. A model card, in Markdown, is written next
    to it.

    \b
    Example:
      handgrad export mine:flowers:best --onnx flowers.onnx
    """
    from handgrad.cli.export import export_run

    export_run(run, onnx)


@app.command()
def prune(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="All experiments to keep.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="List the files and remove nothing.")] = False,
) -> None:
    """Remove the files in results/ that no experiment needs.

    Lists the files and asks for confirmation. Removes only files that the workflow has written. Downloads stay.

    \b
    Examples:
      handgrad prune --dry-run config/config.yaml mine.yaml
      handgrad prune config/config.yaml mine.yaml
    """
    from handgrad.cli.prune import prune_results

    prune_results(files, yes=yes, dry_run=dry_run)


@app.command()
def recover() -> None:
    """Clean up after snakemake was killed.

    Ends the remaining SLURM jobs and local processes, unlocks the folder and removes unfinished files. The next
    snakemake then completes the experiment. If snakemake is still running here, the command stops with an error.
    It can be repeated safely.

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

    Finished results stay. Unfinished runs, and finished runs that get more epochs, start again from epoch 1.

    \b
    Example:
      handgrad clean-checkpoints
    """
    from handgrad.cli.prune import remove_checkpoints

    remove_checkpoints()
