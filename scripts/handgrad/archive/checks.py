"""Whether the figures of a gradient check in an archive are such as pass, whatever it says of itself."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import product
from typing import Any

from handgrad.experiment.config_errors import show
from handgrad.gradient_check.check import COARSEST, LIMITS
from handgrad.gradient_check.results import PARTS
from handgrad.network.activations import ACTIVATIONS
from handgrad.tables.gradient_checks import BLOCKS

#: the widest limit with which each part may pass; see ``gradient_check.limits_at``
WIDEST = {**asdict(LIMITS), "central": COARSEST, "directions": COARSEST, "samples": COARSEST}


def figure_mistakes(check: Mapping[str, Any], activation: str) -> Iterator[str]:
    """Parts that a check of an activation lacks, and those whose difference or limit is too large."""
    blocks = check.get("blocks")
    exact = ACTIVATIONS[activation].complex_h is not None
    for block, part in product(BLOCKS, PARTS):
        found = _at(_at(blocks, block), part)
        if part == "complex" and found is None and not exact:
            continue
        largest, limit = (_at(found, key) for key in ("max_rel_difference", "limit"))
        if not (_is_number(largest) and _is_number(limit) and 0 <= largest <= limit <= WIDEST[part]):
            yield (
                f"{block}, {PARTS[part]}: the relative difference is {show(largest)}, its limit "
                f"{show(limit)}; expected a limit of at most {WIDEST[part]:g}, and no larger difference"
            )


def _at(content: Any, key: str) -> Any:
    return content.get(key) if isinstance(content, Mapping) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
