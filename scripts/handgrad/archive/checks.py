"""Whether the figures of a gradient check in an archive pass, whatever its verdict says."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, TypeGuard

from handgrad.experiment.config_errors import show
from handgrad.gradient_check.check import WIDEST
from handgrad.gradient_check.results import PARTS
from handgrad.network.activations import ACTIVATIONS
from handgrad.tables.gradient_checks import BLOCKS


def figure_mistakes(check: Mapping[str, Any], activation: str) -> Iterator[str]:
    """Yield the parts that a check of an activation lacks, and those whose difference or limit is too large."""
    for block, part in product(BLOCKS, PARTS):
        found = check["blocks"][block][part]
        if part == "complex" and found is None and ACTIVATIONS[activation].complex_h is None:
            continue
        figures: Mapping[str, Any] = found or {}
        difference, limit = figures.get("max_rel_difference"), figures.get("limit")
        if not (_is_number(difference) and _is_number(limit) and 0 <= difference <= limit <= WIDEST[part]):
            yield (
                f"{block}, {PARTS[part]}: the relative difference is {show(difference)}, its limit {show(limit)}; "
                f"expected a limit of at most {WIDEST[part]:g}, and no larger difference"
            )


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float)
