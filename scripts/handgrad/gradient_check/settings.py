"""Settings of a gradient check. Kept separate from the check so that parsing the workflow stays cheap."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a gradient check. epsilon: step of the central differences."""

    hidden_units: int
    examples: int
    pixels: str
    epsilon: float
    l2: float = 0.01
    seed: int = 0


#: change of a pre-activation or logit by a step along a random direction: its standard deviation
DIRECTION_STEP = 2e-5

#: settings of the gate, the check that training waits for
GATE = Settings(hidden_units=200, examples=5, pixels="unit", epsilon=1e-5)
