"""Where a gradient is checked. Kept apart from the check, since Snakemake parses the workflow in every job."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the gradient is checked. epsilon: the step of the central differences."""

    hidden_units: int
    examples: int
    pixels: str
    epsilon: float
    l2: float = 0.01
    seed: int = 0


#: what must hold before anything is trained
GATE = Settings(hidden_units=200, examples=5, pixels="unit", epsilon=1e-5)
