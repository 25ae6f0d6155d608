"""Optuna's search of the same space with the same training: TPE, and one of its pruners."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from handgrad.experiment.blocks import Block
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from histories import FINISHED, History, Source, history_of
from search_methods import Found, planned_epochs, whole_search

PRUNERS = ("Hyperband", "successive halving")


@dataclass(frozen=True)
class Study:
    """A search by Optuna in the space of a block, for the epochs of a search with halving."""

    block: Block
    halving: Search
    source: Source
    pruner: str
    seed: int


def optuna_version() -> str | None:
    """Return the installed version; None if Optuna is not installed."""
    try:
        import optuna
    except ImportError:
        return None
    return str(optuna.__version__)


def search(study: Study) -> Found:
    """Return what Optuna finds.

    Trials run one after another, so that each suggestion knows all earlier results. Every trained epoch counts, also
    those of pruned trials. A trial that has begun may end, although the budget is then exceeded.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials: dict[Run, History] = {}
    spent, budget = 0, planned_epochs(study.halving)

    def objective(trial: Any) -> int:
        nonlocal spent
        run = suggested(trial, study.block)

        def goes_on(number: int, faults: int) -> bool:
            trial.report(faults, number)
            return not trial.should_prune()

        history = history_of(run, study.source, goes_on)
        spent += history.epochs
        trials[run] = history
        if history.status != FINISHED:
            raise optuna.TrialPruned
        return history.faults[-1]

    sampler = optuna.samplers.TPESampler(seed=study.seed)
    # Hyperband chooses the bracket of a trial by the name of the study, which is random by default
    created = optuna.create_study(study_name=f"seed {study.seed}", sampler=sampler, pruner=_pruner(study))
    while spent < budget:
        created.optimize(objective, n_trials=1)
    finished = [run for run, history in trials.items() if history.status == FINISHED]
    found = whole_search(finished, {run.name: trials[run] for run in finished})
    return replace(found, epochs=spent)


def _pruner(study: Study) -> Any:
    """Return the pruner, with the first rung and the factor of our search."""
    from optuna.pruners import HyperbandPruner, SuccessiveHalvingPruner

    first, factor = study.halving.rungs[0], round(1 / study.halving.keep)
    if study.pruner == "Hyperband":
        epochs = study.halving.candidates[0].epochs
        return HyperbandPruner(min_resource=first, max_resource=epochs, reduction_factor=factor)
    return SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)


def suggested(trial: Any, block: Block) -> Run:
    """Return the run that a trial suggests from the space of a block."""
    drawn = {axis: _suggestion(trial, axis, distribution) for axis, distribution in block.drawn.items()}
    return Run(**{axis: values[0] for axis, values in block.axes.items() if axis not in drawn}, **drawn)


def _suggestion(trial: Any, axis: str, distribution: Mapping[str, Any]) -> Any:
    ((name, values),) = distribution.items()
    if name == "choice":
        return trial.suggest_categorical(axis, list(values))
    whole = all(isinstance(end, int) for end in values)
    suggest = trial.suggest_int if whole else trial.suggest_float
    return suggest(axis, *values, log=name == "log_uniform")
