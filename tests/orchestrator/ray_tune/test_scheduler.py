"""What Ray Tune is told at a report."""

from __future__ import annotations

from pathlib import Path

from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.search.halving import TechniqueHalving
from tests.orchestrator import sweeps


class _Trial:
    """A trial of Ray Tune's, as far as the scheduler looks at it."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def test_when_the_time_is_up_trials_end_at_their_rung_but_are_not_losers(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    scheduler = SweepScheduler(
        TechniqueHalving(sweeps.toy(tmp_path, stopping=sweeps.BY_OBJECTIVE)),
        lambda trial: (trial.trial_id, "lora"),
        expired=lambda: True,
    )
    scheduler.go_on = lambda trial_id, rung: told.append((trial_id, rung))
    report = {"rung_examples": 90, "compared": 0.5, "last": False, "diverged": False}
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.on_trial_result(None, _Trial("b"), report | {"compared": 0.1}) == "STOP"
    assert scheduler.stopped == {"b"}
    last = report | {"rung_examples": 900, "last": True}
    assert scheduler.on_trial_result(None, _Trial("c"), last) == "CONTINUE"
    assert told == [("c", 900)]
