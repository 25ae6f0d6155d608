"""Values that a job needs and that must not decide whether it runs again."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)
class Untracked:
    """A value that Snakemake passes to a job as a param, and neither compares with the last run nor shows.

    Snakemake records params of built-in types alone. It writes the text of params into its report as it is, where
    markup in a user's path would be executed; the text of this one never shows its value.
    """

    value: Any

    def __repr__(self) -> str:
        return "(untracked)"
