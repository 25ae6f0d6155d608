"""The command ``handgrad``: its subcommands and how it ends."""

import sys
import tomllib
from typing import Annotated

import typer

from handgrad.cli import archive, check, plan, prune, recover, report, status
from handgrad.cli.command import as_command
from handgrad.common.code_digests import PROJECT

app = typer.Typer(
    name="handgrad",
    rich_markup_mode=None,  # plain text, which needs no time to load and keeps the lines of examples
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("check")(check.check)
app.command("plan")(plan.plan)
app.command("status")(status.status)
app.command("report")(report.report)
app.command("archive")(archive.archive)
app.command("verify")(archive.verify)
app.command("prune")(prune.prune)
app.command("recover")(recover.recover)
app.command("clean-checkpoints")(recover.clean_checkpoints)


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


def main() -> None:
    """Run the command that the process was started with; exit status 0, 1 (it failed) or 2 (wrong usage)."""
    with as_command():
        status = app(prog_name="handgrad", standalone_mode=False)
    sys.exit(status)
