"""Digests that decide what runs again: of library files, and of data.

Snakemake does not notice that a module which a script imports has changed. Each rule therefore has the
digest of the library files that its result depends on as a param, and its script compares that with
the files as they are when it starts. A test holds each list equal to what is imported.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.errors import HandgradError

LIBRARY = Path(__file__).parent

#: plumbing that scripts import and that no result depends on. A change of how digests are made shows in
#: the digests; a list that grows below must not run again what it does not concern.
PLUMBING = frozenset({"digests", "logs"})

_BASE = ("__init__", "errors", "atomic")
_MODEL = ("activations", "model", "randomness")
_TRAINING = (*_MODEL, "data", "runs", "training")
_RESULTS = ("result_tables", "runs", "tables")

#: the modules that each script imports, beside PLUMBING, by the script's name
IMPORTS: dict[str, tuple[str, ...]] = {
    "preprocess_dataset": (*_BASE, "data", "formats", "randomness", "registry"),
    "check_gradients": (*_BASE, *_MODEL, "check_report", "data", "gradient_check", "numeric_gradients"),
    "train_run": (*_BASE, *_TRAINING, "runfile"),
    "aggregate_results": (*_BASE, *_TRAINING, *_RESULTS, "run_reader"),
    "aggregate_comparison": (*_BASE, *_RESULTS, "comparison_tables", "published"),
    "aggregate_gradient_checks": (*_BASE, "check_tables", "runs", "tables"),
    "plot_learning_curves": (*_BASE, *_TRAINING, "plot_style", "run_plots", "run_reader"),
    "plot_accuracy": (*_BASE, *_RESULTS, "plot_style", "run_plots"),
    "plot_confusion": (*_BASE, *_TRAINING, *_RESULTS, "run_reader", "confusion_plots", "plot_style"),
    "plot_comparison": (
        *_BASE,
        "comparison_plots",
        "comparison_tables",
        "plot_style",
        "published",
        "runs",
        "tables",
    ),
}


def library_digest(script: str) -> str:
    """Digest of the library files that ``scripts/<script>.py`` imports."""
    digest = hashlib.sha256()
    for module in sorted(set(IMPORTS[script])):
        digest.update(module.encode() + b"\0")
        digest.update(hashlib.sha256((LIBRARY / f"{module}.py").read_bytes()).digest())
    return digest.hexdigest()[:16]


def require_library(script: str, expected: str) -> None:
    """Raise HandgradError if the library files of a script are not those that the job was planned with."""
    found = library_digest(script)
    if found != expected:
        raise HandgradError(
            f"scripts/handgrad: the code changed while this job waited (digest {found}, planned with "
            f"{expected}); run snakemake again"
        )


def data_digest(entry: Mapping[str, Any]) -> str:
    """Digest of what a dataset is: its registry entry without the places that its files may come from."""
    files = {role: file["sha256"] for role, file in entry["files"].items()}
    facts = {key: entry[key] for key in ("format", "train", "test", "image_shape", "largest", "class_names")}
    text = json.dumps({**facts, "files": files}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_sha256(path: str | Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
