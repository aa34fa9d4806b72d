"""The order in which stored reports are replayed."""

from __future__ import annotations

import datetime
from pathlib import Path

from benchmarks.simulation import Clock, Curve, Simulation, Unsynced
from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.standing import in_order, standing
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from tests.orchestrator import sweeps


def test_a_clock_that_is_behind_does_not_turn_a_trials_curve_round(tmp_path: Path) -> None:
    sweep = sweeps.toy(tmp_path, trials=1, baseline=None, stopping=sweeps.BY_OBJECTIVE)
    stored, clock = latest(sweep, Store(tmp_path / "store", Unsynced())), Clock()
    curve = Curve([1.0] * 4, [0.1, 0.2, 0.3, 0.4])
    first = Simulation(stored, lambda *_: curve, slots=1, clock=clock)
    first.advance()
    first.advance()
    clock.now -= 3600
    Simulation(stored, lambda *_: curve, slots=1, clock=clock).run()
    found = standing(stored, Conclusions(stored, "{}"))
    assert found.finished[0].curve == ((90, 0.1), (270, 0.2), (810, 0.3), (900, 0.4))


def test_equal_times_are_told_apart_by_trial() -> None:
    at = datetime.datetime(2026, 11, 22)
    reports = [
        {"trial_number": number, "rung": rung, "reported_at": at}
        for number, rung in ((2, 0), (0, 1), (1, 0), (0, 0))
    ]
    expected = [(0, 0), (0, 1), (1, 0), (2, 0)]
    for order in (reports, reports[::-1]):
        assert [(row["trial_number"], row["rung"]) for row in in_order(order)] == expected
