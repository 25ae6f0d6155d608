"""Find the file of a run that a user names."""

from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.layout.paths import BEST_RUNS, run_file, table
from handgrad.storage.run_reader import TrainedModel, read_model, read_summary
from handgrad.tables.best_runs import BEST_RUNS as BEST_RUNS_TABLE


def read_run(name: str) -> tuple[Path, TrainedModel]:
    """Return the path and the model of a finished run. name: see ``run_path``.

    Raises HandgradError if there is no such run, if its file was changed, or if the run diverged.
    """
    path = run_path(name)
    model = read_model(path)
    if model.attributes["status"] != "finished":
        raise HandgradError(f"{path}: status {model.attributes['status']}, expected a run that finished")
    return path, model


def run_path(name: str) -> Path:
    """Return the path of a run file. name: the path itself, or ``<experiment>:<dataset>:best``.

    The best run is read from the table of the best runs. Raises HandgradError if there is no such experiment, dataset
    or file; the message names those that exist. Also raises it if the run was trained again after the table was made.
    """
    if Path(name).is_file():
        return Path(name)
    parts = name.split(":")
    if len(parts) == 3 and parts[2] == "best":
        return _best_run(*parts[:2])
    raise HandgradError(f"{name}: found no such run file, expected {run_file('DATASET', 'RUN')} or {_known()}")


def _best_run(experiment: str, dataset: str) -> Path:
    path = table(BEST_RUNS, experiment=experiment)
    if not Path(path).is_file():
        raise HandgradError(f"{experiment}:{dataset}:best: {path} does not exist; expected {_known()}")
    made = BEST_RUNS_TABLE.read(path)
    runs = dict(zip(made.table["dataset"], made.table["file"], strict=True))
    if dataset not in runs:
        known = ", ".join(runs) or "none, because no run has finished"
        raise HandgradError(f"{experiment}:{dataset}:best: no such dataset in {path}, expected one of: {known}")
    best = runs[dataset]
    made.require_made_from(best, read_summary(best).seal)
    return Path(best)


def _known() -> str:
    """Return the form of the names of best runs, and the experiments that have a table of best runs."""
    tables = sorted(Path().glob(table(BEST_RUNS, experiment="*")))
    experiments = ", ".join(path.parts[1] for path in tables) or "none here has finished"
    return f"EXPERIMENT:DATASET:best (experiments in results/: {experiments})"
