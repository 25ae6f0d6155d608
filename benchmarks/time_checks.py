"""Measure the gradient checks of the published size, compared with plain evaluation.

    python benchmarks/time_checks.py [EXAMPLES ...]

Prints a Markdown table with medians of three. The images are random and have CIFAR-10's shape. BLAS uses one
thread.
"""

import argparse
import statistics

import one_core  # noqa: F401, must be imported before NumPy

# isort: split
import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.inputs import InputSpec
from handgrad.gradient_check.check import check
from handgrad.gradient_check.problem import Settings
from handgrad.gradient_check.results import CheckReport
from handgrad.network.activations import ACTIVATIONS

ROUNDS = 3
CLASSES = 10


def images(n: int) -> Dataset:
    """Return random images of CIFAR-10's shape."""
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (n, 3072), np.uint8), rng.integers(0, CLASSES, n, np.uint8))
    names = tuple(f"class {k}" for k in range(CLASSES))
    return Dataset(split, split, InputSpec(image_shape=(3, 32, 32), max_value=255), names, {}, "random")


def line(examples: int, activation: str, reports: list[CheckReport]) -> str:
    """Return one line of the table."""
    entries = sum(block.entries for block in reports[0].blocks.values())
    central = statistics.median(report.seconds_central for report in reports)
    exact = [report.seconds_complex for report in reports if report.seconds_complex is not None]
    plain = entries * statistics.median(report.plain_seconds_an_entry for report in reports)
    complex_step = f"{statistics.median(exact):.2f} s" if exact else ""
    times = f"{plain / central:,.0f} times"
    return f"| {examples} | {activation} | {central:.2f} s | {complex_step} | {times} |"


def main(sizes: list[int]) -> None:
    """Print a line for each number of examples and each activation. Exit with status 1 if a check fails."""
    print("| examples | activation | central differences | complex step | plain evaluation |")
    print("|--:|---|--:|--:|--:|")
    data = images(1000)
    for examples in sizes:
        settings = Settings(hidden_units=200, examples=examples, pixels="raw", epsilon=1e-5)
        for activation in ACTIVATIONS:
            with threadpool_limits(1):
                reports = [check(data, activation, settings) for _ in range(ROUNDS)]
            if not all(report.passed for report in reports):
                raise SystemExit(f"gradient check of {activation} with {examples} examples failed")
            print(line(examples, activation, reports), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("examples", nargs="*", type=int, default=[5, 100])
    main(parser.parse_args().examples)
