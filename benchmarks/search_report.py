"""Write what each search found as Markdown and as JSON, and compare it with the aims."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import t as student_t

from handgrad.experiment.runs import Run
from handgrad.storage.run_writer import cpu_model, versions
from search_methods import Found

FULL, HALVING = "full search", "successive halving"
RANDOM, RANDOM_TWICE = "random search", "random search, twice the epochs"


def optuna_name(pruner: str) -> str:
    """Return the name of Optuna's search with one of its pruners."""
    return f"Optuna, {pruner}"


@dataclass(frozen=True)
class Comparison:
    """What each search found in each repeat.

    run: any run of the space. pool: number of settings that were trained whole. drawn: candidates in each repeat.
    repeats: for each repeat, method -> what it found.
    """

    run: Run
    pool: int
    drawn: int
    test_examples: int
    repeats: Sequence[dict[str, Found]]

    @property
    def methods(self) -> list[str]:
        """Return the names of the methods."""
        return list(self.repeats[0])

    def accuracies(self, method: str) -> list[float]:
        """Return the best validation accuracy of each repeat, in percent; 0 if no run finished."""
        return [percent(one[method].validation_faults, self.run.validation_size) for one in self.repeats]

    def test_accuracies(self, method: str) -> list[float]:
        """Return the test accuracy of the run with the best validation accuracy, in percent."""
        return [percent(one[method].test_faults, self.test_examples) for one in self.repeats]

    def epochs(self, method: str) -> list[int]:
        """Return the trained epochs of each repeat."""
        return [one[method].epochs for one in self.repeats]

    def differences(self, method: str) -> list[float]:
        """Return the validation accuracy of successive halving minus that of a method, in points."""
        return [a - b for a, b in zip(self.accuracies(HALVING), self.accuracies(method), strict=True)]

    @property
    def best_optuna(self) -> str | None:
        """Return the better one of Optuna's searches; None if Optuna is not installed."""
        names = [name for name in self.methods if name.startswith("Optuna")]
        return max(names, key=lambda name: mean(self.accuracies(name)), default=None)


def percent(faults: int | None, examples: int) -> float:
    """Return the accuracy in percent; 0 without a result."""
    return 0.0 if faults is None else 100 * (1 - faults / examples)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, and the ends of its 95 % interval by Student's t distribution."""
    half = float(student_t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return mean(values), mean(values) - half, mean(values) + half


def write_report(out: Path, comparisons: Sequence[Comparison], optuna: str | None) -> str:
    """Write search.json and search.md into the folder ``out``. Return the text of search.md."""
    out.mkdir(parents=True, exist_ok=True)
    machine = {"cpu": cpu_model(), **versions(), "optuna": optuna or "not installed"}
    found = [{**asdict(one), "aims": aims(one)} for one in comparisons]
    (out / "search.json").write_text(json.dumps({"machine": machine, "comparisons": found}, indent=1), encoding="utf-8")
    head = ", ".join(f"{name} {text}" for name, text in machine.items())
    text = "\n\n".join([head, *map(_section, comparisons)]) + "\n"
    (out / "search.md").write_text(text, encoding="utf-8")
    return text


def aims(one: Comparison) -> list[tuple[str, str, bool]]:
    """Return each aim, what was found, and whether it is met."""
    repeats = len(one.repeats)
    near = sum(difference >= -0.5 for difference in one.differences(FULL))
    share = sum(one.epochs(HALVING)) / sum(one.epochs(FULL))
    better = sum(difference > 0 for difference in one.differences(RANDOM))
    found = [
        ("within 0.5 points of the full search in 9 of 10 repeats", f"{near} of {repeats}", near >= 0.9 * repeats),
        ("at most 1/8 of its epochs", f"1/{1 / share:.1f}", share <= 1 / 8),
        ("better than random search in 8 of 10 repeats", f"{better} of {repeats}", better >= 0.8 * repeats),
    ]
    if one.best_optuna is not None:
        middle, low, high = interval(one.differences(one.best_optuna))
        text = f"{middle:+.2f} ({low:+.2f} to {high:+.2f})"
        found.append((f"mean difference from {one.best_optuna} at least -0.2 points", text, middle >= -0.2))
    return found


def _section(one: Comparison) -> str:
    run = one.run
    train = "all other" if run.train_size is None else f"{run.train_size:,}"
    sizes = f"{train} training, {run.validation_size:,} validation and {one.test_examples:,} test examples"
    head = f"## {run.dataset}\n\n{sizes}; {one.drawn} candidates of {one.pool} in each repeat; {run.epochs} epochs"
    return "\n\n".join([head, _summary(one), _accuracies(one), _aims(one)])


def _summary(one: Comparison) -> str:
    rows = []
    for method in one.methods:
        accuracies, epochs = one.accuracies(method), mean(one.epochs(method))
        middle, low, high = interval(one.differences(method))
        difference = "" if method == HALVING else f"{middle:+.2f} ({low:+.2f} to {high:+.2f})"
        spread = f"{mean(accuracies):.2f} ({min(accuracies):.2f} to {max(accuracies):.2f})"
        rows.append([method, f"{epochs:,.0f}", spread, f"{mean(one.test_accuracies(method)):.2f}", difference])
    heads = ["search", "epochs", "best validation accuracy, %", "its test accuracy, %", "halving minus this, points"]
    return _table(heads, rows)


def _accuracies(one: Comparison) -> str:
    heads = ["best validation accuracy, % (epochs)", *map(str, range(1, len(one.repeats) + 1))]
    rows = []
    for method in one.methods:
        cells = zip(one.accuracies(method), one.epochs(method), strict=True)
        rows.append([method, *(f"{accuracy:.2f} ({epochs})" for accuracy, epochs in cells)])
    return _table(heads, rows)


def _aims(one: Comparison) -> str:
    return _table(["aim", "found", ""], [[aim, found, "met" if met else "missed"] for aim, found, met in aims(one)])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
