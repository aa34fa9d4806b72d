"""The order in which stored reports are replayed."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulation import Clock, Curve, Simulation, Unsynced
from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.standing import in_order, standing
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.state.verdict_log import VerdictLog
from orchestrator.store import Store, index
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


def _reported(tmp_path: Path, *losses: list[float]) -> StoredSweep:
    """Stores trials' proposals and their losses at the first rungs, a minute apart by trial."""
    sweep = sweeps.toy(tmp_path, trials=len(losses), baseline=None)
    stored = latest(sweep, Store(tmp_path / "store", Unsynced()))
    for number, of_trial in enumerate(losses):
        configuration: Configuration = {"technique": "lora", "data_size": 100, "rank": number + 1}
        ProposalLog(stored.files).write(Proposal(number, number, 0, configuration))
        for rung, loss in enumerate(of_trial):
            grid = sweep.rungs(900)
            stored.store.publish_report(
                {
                    "sweep_id": stored.id,
                    "trial_id": stored.trial_id(number),
                    "trial_number": number,
                    "rung": rung,
                    "rung_from": grid[rung - 1] if rung else 0,
                    "rung_examples": grid[rung],
                    "step": grid[rung],
                    "eval_loss": loss,
                    "reported_at": datetime.datetime(2026, 11, 25, 12, number),
                }
            )
    return stored


def _outcomes(stored: StoredSweep) -> dict[int, Any]:
    found = standing(stored, Conclusions(stored, "{}"))
    return {number: row["outcome"] for number, row in found.rows.items()}


def test_a_report_without_a_verdict_is_decided_on_and_the_verdict_is_stored(
    tmp_path: Path,
) -> None:
    stored = _reported(tmp_path, [0.5], [0.9])
    assert _outcomes(stored) == {1: "stopped"}
    identifiers = [stored.trial_id(number) for number in (0, 1)]
    verdicts = {(identifiers[0], 90): False, (identifiers[1], 90): True}
    assert VerdictLog(stored.files).read() == verdicts
    # By now the first would be stopped too, if it were decided on again.
    better = _reported(tmp_path, [0.5], [0.9], [0.1], [0.4])
    assert _outcomes(better) == {1: "stopped"}
    assert VerdictLog(stored.files).read().items() >= verdicts.items()


def test_reports_wait_while_others_are_to_come(tmp_path: Path) -> None:
    stored = _reported(tmp_path, [0.5], [0.9], [])
    assert _outcomes(stored) == {}
    found = standing(stored, Conclusions(stored, "{}"))
    assert [found.halving.waits(stored.trial_id(n)) for n in range(3)] == [True, True, False]
    assert VerdictLog(stored.files).read() == {}


@pytest.mark.parametrize("went_on", [True, False])
def test_a_stored_verdict_holds_whatever_the_clocks_say(tmp_path: Path, went_on: bool) -> None:
    stored = _reported(tmp_path, [0.5], [0.9], [0.3])
    VerdictLog(stored.files).write(stored.trial_id(1), 90, stopped=not went_on)
    VerdictLog(stored.files).write(stored.trial_id(2), 90, stopped=went_on)
    assert _outcomes(stored) == {0: "stopped", 2 if went_on else 1: "stopped"}


def test_of_reports_only_what_is_decided_by_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _reported(tmp_path, [0.5], [0.9])
    read: dict[str, set[str]] = {}

    def noted(name: str) -> Any:
        ask = getattr(index, name)

        def call(*arguments: Any, columns: Any) -> Any:
            read[name] = set(columns)
            return ask(*arguments, columns=columns)

        return call

    for name in ("trials", "reports"):
        monkeypatch.setattr(index, name, noted(name))
    assert _outcomes(stored) == {1: "stopped"}
    assert len(read["reports"]) <= 10
    assert not read["trials"] & {"config_json", "environment_json"}


def test_who_reported_again_had_gone_on(tmp_path: Path) -> None:
    # As an earlier version left it: no verdict is stored.
    stored = _reported(tmp_path, [0.5], [0.9, 0.8], [0.7])
    assert _outcomes(stored) == {2: "stopped"}
    found = standing(stored, Conclusions(stored, "{}"))
    assert found.halving.verdict(stored.trial_id(1), 90) is False
    assert (stored.trial_id(1), 90) not in VerdictLog(stored.files).read()
