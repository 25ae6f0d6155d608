"""handgrad prune removes no file that is needed later."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]


@pytest.mark.slow
def test_pruning_removes_nothing_that_a_later_run_needs(finished: Project, tiny: Tiny) -> None:
    before = set(finished.times("results/**/*"))
    kept, other = tiny(), tiny("other", axes={"learning_rate": 0.003, "activation": "cos"})
    finished.run(other, "--until", "aggregate_seeds")
    both = [finished.write_config(kept), finished.write_config(other)]
    assert "Nothing is stale." in finished.handgrad("prune", "--dry-run", *both).stdout
    finished.handgrad("prune", "--yes", both[0])
    assert set(finished.times("results/**/*")) == before
    assert "Nothing to be done" in finished.run(kept)

    longer = tiny(axes={"epochs": 3})
    finished.handgrad("prune", "--yes", finished.write_config(longer))
    assert not finished.times("results/runs/**/*.h5")
    finished.train(longer)
    logs = [path.read_text() for path in (finished.path / "results/logs/train_run").rglob("*.log")]
    assert ["resumes after epoch 1 of " in log for log in logs] == [True, True]
