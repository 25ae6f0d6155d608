"""Values that a job needs, but that must not make it run again."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)
class Untracked:
    """A param that Snakemake passes to a job, but does not compare with the last execution and does not display.

    Snakemake records only params of built-in types. It writes the text of a param into its report without escaping, so
    markup in a user's path would be executed. The text of an Untracked never contains its value.
    """

    value: Any

    def __repr__(self) -> str:
        return "(untracked)"
