"""Digests that decide what runs again: of code, and of data.

Snakemake does not notice that a module which a script imports has changed, and takes a script for changed
when only its time has. So each rule has the digest of its script and of the library files that its result
depends on as a param; its script compares that with the files as they are when it starts. A test holds
each list equal to what is imported.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from handgrad.errors import HandgradError

LIBRARY = Path(__file__).parent
PROJECT = LIBRARY.parents[1]

#: plumbing that scripts import and that no result depends on. A change of how digests are made shows in
#: the digests; a list that grows below must not run again what it does not concern.
PLUMBING = frozenset({"__init__", "digests", "logs", "stopping", "system_errors"})

_BASE = ("errors", "atomic")
_FORMATS = ("containers", "formats", "registry")
_MODEL = ("activations", "model", "randomness")
_DATA = ("data", "randomness", "sealed")
_STEP = (*_MODEL, *_DATA, "batch", "momentum")
_TRAINING = (*_STEP, "runs", "training")
_CHECK = (
    *_TRAINING,
    *("activation_check", "check_files", "check_problem", "check_results", "gradient_check", "held"),
    *("model_check", "numeric_gradients", "rounding", "step_gradients", "training_check"),
)
_RESULTS = ("made_tables", "result_tables", "runs", "selection", "tables")
_COMPARISON = (*_RESULTS, "comparison_tables", "published", "seed_tables", "text_files")
_BEST = (*_RESULTS, "best_tables", "published", "seed_tables", "statistics", "text_files")
_ANSWERS = (*_TRAINING, *_RESULTS, "answers", "run_reader")
_PLOT = ("figure_files", "plot_style")
_BEST_RUN = (*_PLOT, "best_run")

_PAGE = (
    "captions",
    "check_files",
    "check_tables",
    "figure_files",
    "job_costs",
    "methods",
    "page_parts",
    "provenance",
    "run_reader",
    "summary_page",
)

#: the modules that the script of each rule imports, beside PLUMBING
IMPORTS: dict[str, tuple[str, ...]] = {
    "preprocess_dataset": (*_BASE, *_DATA, *_FORMATS, "data_warnings"),
    "check_gate": (*_BASE, *_CHECK),
    "check_gradients": (*_BASE, *_CHECK, "check_report"),
    "train_run": (*_BASE, *_TRAINING, "check_files", "checkpoint", "runfile"),
    "aggregate_results": (*_BASE, *_ANSWERS, "result_statistics", "statistics"),
    "aggregate_seeds": (*_BASE, *_RESULTS, "seed_tables"),
    "aggregate_comparison": (*_BASE, *_COMPARISON),
    "aggregate_best": (*_BASE, *_BEST),
    "aggregate_gradient_checks": (*_BASE, "check_files", "check_tables", "made_tables", "runs", "tables"),
    "plot_learning_curves": (*_BASE, *_TRAINING, *_PLOT, "run_plots", "run_reader"),
    "plot_accuracy": (*_BASE, *_RESULTS, *_PLOT, "run_plots"),
    "plot_heat_maps": (*_BASE, *_RESULTS, *_PLOT, "heat_map_plots", "seed_tables"),
    "plot_cost": (*_BASE, *_RESULTS, *_PLOT, "cost_plots"),
    "plot_confusion": (*_BASE, *_ANSWERS, *_BEST_RUN, "confusion_plots", "text_lines"),
    "plot_mistakes": (*_BASE, *_ANSWERS, *_BEST_RUN, "mistake_plots", "pictures", "text_lines"),
    "plot_weights": (
        *(*_BASE, *_TRAINING, *_RESULTS, *_BEST_RUN),
        *("pictures", "run_reader", "text_lines", "weight_plots"),
    ),
    "plot_comparison": (*_BASE, *_COMPARISON, *_PLOT, "comparison_plots"),
    "render_summary": (*_BASE, *_TRAINING, *_COMPARISON, *_BEST, *_PAGE),
    "plot_best": (*_BASE, *_BEST, *_PLOT, "best_plots"),
}

#: files that are not code and that a rule's result depends on, as patterns in the folder of the project
ASSETS: dict[str, tuple[str, ...]] = {
    "render_summary": (
        *(f"scripts/handgrad/summary/page.{kind}" for kind in ("css", "html", "js")),
        "workflow/report/*.rst",
    ),
}

#: rules whose digest is of another's script: check_gate.py does no more than call check_gradients.py. The
#: gate's result does not depend on how a check is told
SCRIPTS = {"check_gate": "check_gradients"}


def code_digest(rule: str) -> str:
    """Digest of the script of a rule and of the files of the project that its result depends on."""
    files = [LIBRARY / f"{module}.py" for module in sorted(set(IMPORTS[rule]))]
    files.append(LIBRARY.parent / f"{SCRIPTS.get(rule, rule)}.py")
    files += [path for pattern in ASSETS.get(rule, ()) for path in sorted(PROJECT.glob(pattern))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {file_sha256(file)}\n".encode())
    return digest.hexdigest()[:16]


def require_code(rule: str, expected: str) -> None:
    """Raise HandgradError if the code of a rule is not that which the job was planned with."""
    found = code_digest(rule)
    if found != expected:
        raise HandgradError(
            f"scripts: the code of {rule} changed while this job waited (digest {found}, planned with "
            f"{expected}); run snakemake again"
        )


def names_digest(names: Iterable[str]) -> str:
    """Digest of some names in their order, which Snakemake does not see in a rule's input."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


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
