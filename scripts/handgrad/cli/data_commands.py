"""The commands ``handgrad data add`` and ``handgrad data inspect``, and their options."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from handgrad.cli.options import DEFAULT
from handgrad.common.errors import HandgradError
from handgrad.experiment.registry import ALL_OPTIONS

data = typer.Typer(
    help="""Add your own data to an experiment file, and describe datasets.

    \b
    Example:
      handgrad data add flowers/ --size 32x32
    """,
)


@data.command()
def add(
    path: Annotated[Path | None, typer.Argument(help="Folder or file with the data.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the dataset; by default the name of the file.")] = None,
    to: Annotated[Path | None, typer.Option(help="Experiment file; by default NAME.yaml.")] = None,
    update: Annotated[str | None, typer.Option(metavar="NAME", help="Look again at the files of this dataset.")] = None,
    test: Annotated[float | None, typer.Option(help="Share or number of examples to draw for the test split.")] = None,
    label: Annotated[str | None, typer.Option(help="Column with the classes of a table.")] = None,
    size: Annotated[str | None, typer.Option(help="Height and width to which images are resized: 32x32.")] = None,
    channels: Annotated[int | None, typer.Option(help="1 for grey images, 3 for colour.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Another key of the entry; can be repeated.")
    ] = None,
) -> None:
    """Look at a folder or file with data, and write its entry into an experiment file.

    The format is recognized: class folders of images (or a zip of them), CSV, TSV, Parquet, npz, npy, HDF5, IDX and
    CIFAR. Prints what was found. A new file gets an experiment with usual settings. Nothing is trained.

    \b
    Examples:
      handgrad data add flowers/ --size 32x32
      handgrad data add wine.csv --label class --to wine.yaml
      handgrad data add --update wine --to wine.yaml
    """
    from handgrad.cli import data as data_entries

    given = {"label": label, "size": parse_size(size), "channels": channels}
    options = parse_options(option or [])
    options |= {key: value for key, value in given.items() if value is not None}
    if test is not None:
        options["test"] = int(test) if test.is_integer() else test
    if update is not None and path is not None:
        raise typer.BadParameter("not together with --update, which looks at the files of the entry", param_hint="PATH")
    if update is not None:
        data_entries.update(update, to, options)
    elif path is not None:
        data_entries.add(path, name, to, options)
    else:
        raise typer.BadParameter("missing: give a folder or a file, or --update NAME", param_hint="PATH")


@data.command()
def inspect(
    name: Annotated[str, typer.Argument(help="Name of a dataset.")],
    file: Annotated[Path, typer.Option("--file", help="Experiment file with the dataset.")] = DEFAULT,
    picture: Annotated[Path | None, typer.Option(help="PNG with examples of each class; by default NAME.png.")] = None,
) -> None:
    """Describe a dataset: examples, inputs, classes with their counts, and what is unusual.

    For images, also writes a picture with examples of each class.

    \b
    Examples:
      handgrad data inspect digits
      handgrad data inspect flowers --file flowers.yaml
    """
    from handgrad.cli.data import inspect as inspect_dataset

    inspect_dataset(name, file, picture)


def parse_size(text: str | None) -> list[int] | None:
    """Return [height, width] for a text such as ``32x48``. Raises HandgradError for other texts."""
    if text is None:
        return None
    if not (found := re.fullmatch(r"([1-9][0-9]*)x([1-9][0-9]*)", text)):
        raise HandgradError(f"--size {text}: expected HEIGHTxWIDTH, such as 32x32")
    return [int(found[1]), int(found[2])]


def parse_options(texts: list[str]) -> dict[str, Any]:
    """Return the options of ``--option KEY=VALUE``; values are YAML. Raises HandgradError for an unknown key."""
    options = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key not in (*ALL_OPTIONS, "largest", "class_names"):
            raise HandgradError(f"--option {text}: expected KEY=VALUE with one of the keys {', '.join(ALL_OPTIONS)}")
        try:
            options[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise HandgradError(f"--option {text}: the value is not YAML, such as 3, text or [a, b]") from error
    return options
