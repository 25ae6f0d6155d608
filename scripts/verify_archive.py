"""Prove an archive whole, and its tables equal to what its runs say: ``make verify ARCHIVE=quick.tar.gz``.

It needs nothing but the archive, which may come from anywhere, and trusts nothing in it.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import aggregate_best
import aggregate_comparison
import aggregate_gradient_checks
import aggregate_results
import aggregate_seeds
from handgrad.archive.labels import labels_name, write_labels
from handgrad.archive.pack import PUBLISHED, installed_versions
from handgrad.archive.proof import (
    Contents,
    content_mistakes,
    member_mistakes,
    other_code,
    read_contents,
    read_json,
    readme_mistakes,
)
from handgrad.archive.reader import NO_ROOM, unpack
from handgrad.cli.command import as_command, printable
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, size_text
from handgrad.common.hashing import file_sha256
from handgrad.common.logs import logger
from handgrad.experiment.config_errors import show
from handgrad.experiment.registry import data_digest
from handgrad.layout.paths import (
    TABLE_KINDS,
    dataset_names,
    gates,
    gradient_checks,
    run_files,
    table_files,
    table_names,
)

#: what the numbers in tables, and how they are written, depend on
TABLE_PACKAGES = ("Python", "numpy", "pandas", "scipy", "statsmodels", "tabulate", "h5py")


def main(path: Path, *, told: Path | None = None) -> int:
    """Print what an archive is and what is proved of it, or each thing that is wrong. Returns 0 or 1.

    told: what it is called, if that is not its path. Raises HandgradError if the file cannot be read as an
    archive.
    """
    name = told or path
    with temporary_folder() as folder:
        unpacked = unpack(path, folder)
        if mistakes := unpacked.mistakes:
            return refuse(name, mistakes, "its contents were not looked at")
        try:
            contents = read_contents(unpacked)
        except HandgradError as error:
            raise HandgradError(f"{name}: {error}") from error
        elsewhere = other_code(contents.provenance)
        if mistakes := list(member_mistakes(contents, unpacked.sums)):
            return refuse(name, mistakes, f"runs and tables were not looked at{elsewhere}")
        if mistakes := list(content_mistakes(contents)):
            return refuse(name, mistakes, f"no table was made again{elsewhere}")
        if mistakes := [*table_mistakes(contents), *readme_mistakes(contents)]:
            return refuse(name, mistakes, f"all else agrees{elsewhere}")
        print(f"{name}: the experiment {contents.experiment.name}, {size_text(path.stat().st_size)}")
        print_proof(contents, len(unpacked.sums))
        print(f"  sha256 of the archive: {file_sha256(path)}")
    print(
        "Not proved: that the runs were trained as they say (its README.md tells how to run one again); how "
        "large probabilities are; what figures, pages, config/given.yaml, requirements.txt and "
        "environment.yml show; nor which versions, hosts and times runs and provenance.json name."
    )
    return 0


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards. Raises HandgradError if there is no room in it."""
    try:
        with tempfile.TemporaryDirectory(prefix="handgrad-verify-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise HandgradError(
            f"{tempfile.gettempdir()}: no room to unpack the archive and make its tables again "
            f"({error.strerror}); set TMPDIR to a larger folder"
        ) from error


def refuse(name: Path, mistakes: list[str], rest: str) -> int:
    """Say what is wrong, a line each."""
    for mistake in mistakes:
        print(f"{name}: {printable(mistake)}", file=sys.stderr)
    number = f"{counted(len(mistakes), 'thing')}"
    print(f"{name}: NOT proved: {number} wrong; {rest}", file=sys.stderr)
    return 1


def table_mistakes(contents: Contents) -> Iterator[str]:
    """Tables that are not what the runs and checks of an archive give, byte for byte."""
    with temporary_folder() as folder:
        try:
            with quietly():
                make_tables(contents, folder)
        except HandgradError as error:
            reason = str(error).partition("; delete")[0].replace(f"{contents.folder}/", "")
            yield f"the tables cannot be made again from its runs and checks: {reason}"
            return
        except Exception as error:  # the checks may hold anything that JSON can
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            yield f"the tables cannot be made again from its runs and checks: {error!r}"
            return
        reasons = why_else(contents)
        for name in table_files(contents.experiment):
            again = folder / Path(name).name
            if difference := first_difference(contents.folder / name, again):
                yield f"{name}: {difference}{reasons}"


def make_tables(contents: Contents, to: Path) -> None:
    """Make the tables of an archive again, as the workflow makes them, from its runs and checks."""
    folder, experiment = contents.folder, contents.experiment
    names = dataset_names(experiment)
    for dataset in names:
        member = labels_name(dataset)
        write_labels(to / f"data/{dataset}.h5", read_json(folder / member, member))

    def outputs(table: str) -> dict[str, str]:
        return {kind: str(to / f"{table}.{kind}") for kind in TABLE_KINDS}

    aggregate_results.main(
        runs=[str(folder / path) for path in run_files(experiment)],
        data=[str(to / f"data/{dataset}.h5") for dataset in names],
        training=contents.provenance["code"]["train_run"],
        data_digests={dataset: data_digest(experiment.datasets[dataset]) for dataset in names},
        **outputs("results"),
    )
    aggregate_seeds.main(results=str(to / "results.csv"), **outputs("seeds"))
    seeds, published = str(to / "seeds.csv"), str(folder / PUBLISHED)
    theirs = published if experiment.has_published_dataset else None
    aggregate_best.main(seeds=seeds, published=theirs, **outputs("best"))
    aggregate_gradient_checks.main(
        checks=[str(folder / path) for path in gradient_checks(experiment)],
        checking=contents.provenance["code"]["check_gradients"],
        settings=asdict(experiment.gradient_check),
        data_digests={dataset: data_digest(experiment.datasets[dataset]) for dataset in names},
        **outputs("gradient_checks"),
    )
    if experiment.published and experiment.has_published:
        divisors = dict(sorted(experiment.published.loss_divisor.items()))
        aggregate_comparison.main(seeds=seeds, published=published, loss_divisor=divisors, **outputs("comparison"))


@contextmanager
def quietly() -> Iterator[None]:
    """Without what the scripts of rules say in their logs."""
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


def first_difference(found: Path, expected: Path) -> str | None:
    """The first line in which two texts differ, in words; None if they are equal byte for byte."""
    if found.read_bytes() == expected.read_bytes():
        return None
    lines, others = (path.read_bytes().split(b"\n") for path in (found, expected))
    for number, (line, other) in enumerate(zip(lines, others, strict=False), 1):
        if line != other:
            return f"line {number} is {_beginning(line, other)}, its runs give {_beginning(other, line)}"
    return f"has {len(lines)} lines, its runs give {len(others)}"


def _beginning(line: bytes, other: bytes) -> str:
    """A line from shortly before it differs from another, as far as it can be shown."""
    same = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), len(other))
    start = max(0, same - 30)
    return ("..." if start else "") + show(line[start:].decode(errors="replace"))


def why_else(contents: Contents) -> str:
    """What else may be why a table is another here: code or packages that are not those of the archive."""
    code, here = contents.provenance["code"], installed_versions()
    changed = [f"aggregate_{name}" for name in table_names(contents.experiment)]
    reasons = [f"the code of {rule}" for rule in changed if code.get(rule) != code_digest(rule)]
    there = contents.provenance["versions"]
    reasons += [
        f"{name} ({show(there.get(name))} there, {here[name]} here)"
        for name in TABLE_PACKAGES
        if there.get(name) != here[name]
    ]
    return f"; not the same here as there: {', '.join(reasons)}" if reasons else ""


def print_proof(contents: Contents, members: int) -> None:
    """What has been proved of an archive that has so many members."""
    experiment = contents.experiment
    runs, tables = len(experiment.runs), len(table_files(experiment))
    print(f"  whole: {members} members, each listed in SHA256SUMS with its sha256, and none beside")
    print(f"  {counted(runs, 'run')} on {', '.join(dataset_names(experiment))}:")
    print("    the content_sha256 of each made again from its arrays, its faults from its predictions")
    print(f"  gradient checks: {len(gradient_checks(experiment))}, every figure within its limit")
    print(f"  gates: {len(gates(experiment))}, passed, as they say of themselves")
    print(f"  {tables} files of tables, made again from runs and checks: each equal byte for byte")
    trained = contents.provenance["code"]["train_run"]
    if trained != code_digest("train_run"):
        revision = show(contents.provenance.get("git_revision"))
        print(f"  trained by other code than this checkout has: git revision {revision}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        print("make verify: say which archive: make verify ARCHIVE=archives/quick.tar.gz", file=sys.stderr)
        sys.exit(2)
    with as_command():
        sys.exit(main(Path(sys.argv[1])))
