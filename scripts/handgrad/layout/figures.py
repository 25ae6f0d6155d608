"""The figures of an experiment: the question that each one answers, and which ones its runs cannot answer.

A figure that would say nothing is not planned. Every job parses the workflow again, so this module imports little.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.experiment.runs import AXES

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment

#: figures with the name of the table that they show
SEEDS, SEARCH_TABLE, COMPARISON, IMPORTANCE = "seeds", "search", "comparison", "importance"
#: figure -> the question that it answers, in the order of the page: one figure for each dataset, then one figure for
#: all datasets; a figure for all datasets has the name of the table that it shows
DATASET_FIGURES = {
    "heat_maps": "Which learning rate and λ work?",
    "accuracy": "How many hidden units are enough?",
    SEEDS: "How much does the seed matter?",
    "learning_curves": "Is training long enough?",
    SEARCH_TABLE: "Where did the search stop settings?",
    "cost": "What does accuracy cost in time?",
    "confusion": "Which classes are confused?",
    "mistakes": "Where does it go wrong?",
    "weights": "What do the hidden units look for?",
}
OVERALL_FIGURES = {
    "best": "Which network is best?",
    COMPARISON: "Do the runs reproduce the published results?",
    IMPORTANCE: "Which hyperparameter matters most?",
}

#: a figure says nothing if none of these axes varies
_VARIED = {"heat_maps": ("learning_rate", "l2"), "accuracy": ("hidden_units",), "cost": AXES}
_setting_of = attrgetter(*(axis for axis in AXES if axis != "seed"))
_IMAGES = ("mistakes",)  # figures that need images


class LeftOut(NamedTuple):
    """A figure that is not made, and why. dataset: None for a figure of all datasets."""

    figure: str
    dataset: str | None
    reason: str

    @property
    def question(self) -> str:
        """The question that the figure would answer."""
        return {**DATASET_FIGURES, **OVERALL_FIGURES}[self.figure]


def figure_keys(experiment: "Experiment") -> list[tuple[str, str | None]]:
    """Return the name and the dataset of each figure of an experiment. The dataset is None for all datasets."""
    return [key for key, reason in _reasons(experiment) if not reason]


def left_out_figures(experiment: "Experiment") -> list[LeftOut]:
    """Return the figures that an experiment does not make, with the reasons."""
    return [LeftOut(*key, reason) for key, reason in _reasons(experiment) if reason]


def _reasons(experiment: "Experiment") -> Iterator[tuple[tuple[str, str | None], str]]:
    """Yield the key of every figure, and why it says nothing; an empty text if it says something."""
    searched = {search.dataset for search in experiment.halved}
    for name in DATASET_FIGURES:
        for dataset, values in experiment.axis_values.items():
            reason = _dataset_reason(name, values, experiment.datasets[dataset])
            if name == SEARCH_TABLE and dataset not in searched:
                reason = "no search stops settings early"
            if name == SEEDS and not _has_seeds(experiment, dataset, len(values["seed"])):
                reason = "each setting has one seed"
            yield (name, dataset), reason
    networks = {(run.dataset, run.activation, run.hidden_units) for run in experiment.all_runs}
    single = len(networks) == 1 and not experiment.has_published_dataset
    yield ("best", None), "there is one network" if single else ""
    yield (COMPARISON, None), "" if experiment.has_published else "no run has a published row"
    few = "fewer than 8 settings, or fewer than two axes with several values"
    yield (IMPORTANCE, None), "" if experiment.has_importance else few


def _has_seeds(experiment: "Experiment", dataset: str, seeds: int) -> bool:
    """Return whether a setting of a dataset has several seeds. seeds: the number of seeds of all settings."""
    settings = [_setting_of(run) for run in experiment.all_runs if run.dataset == dataset] if seeds > 1 else []
    return len(set(settings)) < len(settings)


def _dataset_reason(name: str, values: Mapping[str, set[Any]], entry: Mapping[str, Any]) -> str:
    """values: the values of each axis. entry: the dataset's entry of the registry."""
    axes = _VARIED.get(name)
    if axes and all(len(values[axis]) == 1 for axis in axes):
        same = " and ".join(axis.replace("_", " ").replace("l2", "λ") for axis in axes)
        return f"all runs have the same {same}" if axes is not AXES else "there is one run"
    if name == "learning_curves" and values["epochs"] == {1}:
        return "all runs have one epoch"
    return "the data are not images" if name in _IMAGES and not entry["image_shape"] else ""
