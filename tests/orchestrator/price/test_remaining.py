"""What a running sweep has left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.price.remaining import Remaining
from orchestrator.price.work import CONFIRMING, TUNING
from orchestrator.search.proposals import CONFIRMING as FIRST
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.search_space import Sweep
from tests.orchestrator import sweeps

LORA = {"lora": {"rank": {"choice": [4, 8]}, "learning_rate": {"loguniform": [0.01, 1.0]}}}
EXAMPLE, LOSS_ROW, SCORED_ROW = 0.01, 0.02, 0.3


@dataclass
class _Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _sweep(folder: Path, **changes: Any) -> Sweep:
    space = {"technique": LORA, "data_size": 100}
    return sweeps.toy(folder, **({"space": space, "baseline": None, "trials": 8} | changes))


def _proposal(number: int) -> Proposal:
    return Proposal(number, number, 0, {"technique": "lora", "data_size": 100})


def _train(
    remaining: Remaining, clock: _Clock, sweep: Sweep, number: int, overhead: float = 1.0
) -> None:
    """Runs one to its end, which takes `overhead` times what its work takes."""
    proposal = _proposal(number)
    remaining.started(proposal)
    rows = sweep.evaluation.validation_rows
    train = evaluation = 0.0
    before = 0
    for rung in (grid := sweep.rungs(900)):
        scored = rung == grid[-1]
        train += EXAMPLE * (rung - before)
        evaluation += rows * (SCORED_ROW if scored else LOSS_ROW)
        before = rung
        report = RunReport(
            rung,
            0.5 if scored else None,
            1.0,
            train_seconds=train,
            eval_seconds=evaluation,
            eval_rows=rows,
            scored=scored,
        )
        remaining.reported(proposal, report)
    clock.now += overhead * (train + evaluation + (SCORED_ROW * 200 if proposal.confirms else 0))
    remaining.ended(proposal, "completed")


def _whole(sweep: Sweep, *, tested: bool) -> float:
    """Seconds of one run without early stopping."""
    rows, rungs = sweep.evaluation.validation_rows, len(sweep.rungs(900))
    return (
        900 * EXAMPLE
        + rows * ((rungs - 1) * LOSS_ROW + SCORED_ROW)
        + (200 * SCORED_ROW if tested else 0)
    )


def _report(remaining: Remaining, proposal: Proposal, upto: int, seconds: float) -> None:
    """Reports at each rung up to one; training took so long until there, evaluation no time."""
    for rung in range(225, upto + 1, 225):
        took = seconds * rung / upto
        report = RunReport(rung, 0.5, 1.0, train_seconds=took, eval_rows=100, scored=True)
        remaining.reported(proposal, report)


def test_before_anything_is_measured_nothing_is_said(tmp_path: Path, clock: _Clock) -> None:
    remaining = Remaining(_sweep(tmp_path), 200, {}, clock)
    assert remaining.device_seconds() is None
    remaining.started(_proposal(0))
    clock.now += 10
    assert remaining.device_seconds() is None


@pytest.mark.parametrize("overhead", [1.0, 1.5])
def test_what_is_left_is_the_expected_work_less_what_was_done(
    tmp_path: Path, clock: _Clock, overhead: float
) -> None:
    sweep = _sweep(tmp_path, confirm={"runs": 4, "seeds": 2})
    remaining = Remaining(sweep, 200, {}, clock)
    for number in range(2):
        _train(remaining, clock, sweep, number, overhead)
    before = remaining.device_seconds()
    assert before is not None
    remaining.confirming({"lora": 4})
    confirming = remaining.device_seconds()
    assert confirming == pytest.approx(overhead * 4 * _whole(sweep, tested=True))
    assert confirming is not None
    assert before > confirming
    _train(remaining, clock, sweep, FIRST, overhead)
    assert remaining.device_seconds() == pytest.approx(overhead * 3 * _whole(sweep, tested=True))


def test_runs_of_earlier_starts_are_not_left(tmp_path: Path, clock: _Clock) -> None:
    sweep = _sweep(tmp_path, stopping=None)
    earlier = {(TUNING, "lora"): 5, (CONFIRMING, "lora"): 0}
    remaining = Remaining(sweep, 0, earlier, clock)
    proposal = _proposal(5)
    remaining.started(proposal)
    clock.now += 30
    _report(remaining, proposal, 900, 30.0)
    remaining.ended(proposal, "completed")
    assert remaining.device_seconds() == pytest.approx(60.0)


def test_what_a_running_trial_has_seen_since_its_report_is_not_left(
    tmp_path: Path, clock: _Clock
) -> None:
    sweep = _sweep(tmp_path, stopping=None, trials=6)
    remaining = Remaining(sweep, 0, {}, clock)
    for number in range(5):
        remaining.started(_proposal(number))
        clock.now += 90
        _report(remaining, _proposal(number), 900, 90.0)
        remaining.ended(_proposal(number), "completed")
    remaining.started(_proposal(5))
    clock.now += 60
    assert remaining.device_seconds(lambda number: 600) == pytest.approx(30.0)


def test_a_trial_that_waits_takes_no_time(tmp_path: Path, clock: _Clock) -> None:
    sweep = _sweep(tmp_path, stopping=None, trials=2)
    remaining = Remaining(sweep, 0, {}, clock)
    remaining.started(_proposal(0))
    clock.now += 45
    _report(remaining, _proposal(0), 450, 45.0)
    remaining.freed(_proposal(0))
    clock.now += 1000
    assert remaining.device_seconds() == pytest.approx(135.0)


def _begin(
    remaining: Remaining, clock: _Clock, proposals: list[Proposal], start: float, work: float
) -> None:
    """Runs some at the same time to their ends, in processes that take so long to start."""
    for proposal in proposals:
        remaining.started(proposal)
    clock.now += start + work
    for proposal in proposals:
        _report(remaining, proposal, 900, work)
        remaining.ended(proposal, "completed")


def test_the_start_of_processes_does_not_go_on(tmp_path: Path, clock: _Clock) -> None:
    sweep = _sweep(tmp_path, stopping=None, trials=6)
    remaining = Remaining(sweep, 0, {}, clock)
    _begin(remaining, clock, [_proposal(0), _proposal(1)], start=300, work=90)
    assert remaining.device_seconds() == pytest.approx(4 * 90)
    # Set-up in a process that has run another one before is found in each run.
    _begin(remaining, clock, [_proposal(2), _proposal(3)], start=30, work=90)
    assert remaining.device_seconds() == pytest.approx(2 * 90 * (2 * 90 + 2 * 120) / (4 * 90))


def test_what_starts_beside_the_first_reports_is_no_speed(tmp_path: Path, clock: _Clock) -> None:
    sweep = _sweep(tmp_path, stopping=None, trials=2)
    remaining = Remaining(sweep, 0, {}, clock)
    remaining.started(_proposal(0))
    remaining.started(_proposal(1))
    clock.now += 390
    _report(remaining, _proposal(0), 900, 90.0)
    remaining.ended(_proposal(0), "completed")
    assert remaining.device_seconds() == pytest.approx(90)
    assert remaining.device_seconds(lambda number: 450) == pytest.approx(45)


def test_confirming_runs_have_processes_of_their_own_to_start(
    tmp_path: Path, clock: _Clock
) -> None:
    sweep = _sweep(tmp_path, stopping=None, trials=2, confirm={"runs": 4, "seeds": 2})
    remaining = Remaining(sweep, 0, {}, clock)
    _begin(remaining, clock, [_proposal(0), _proposal(1)], start=300, work=90)
    remaining.confirming({"lora": 4})
    assert remaining.device_seconds() == pytest.approx(4 * 90 + 2 * 300)
    confirming = [_proposal(number) for number in (FIRST, FIRST + 1)]
    for proposal in confirming:
        remaining.started(proposal)
    clock.now += 200
    assert remaining.device_seconds() == pytest.approx(4 * 90 + 2 * 100)
    clock.now += 190
    for proposal in confirming:
        _report(remaining, proposal, 900, 90.0)
        remaining.ended(proposal, "completed")
    assert remaining.device_seconds() == pytest.approx(2 * 90)
    remaining.started(_proposal(FIRST + 2))
    assert remaining.device_seconds() == pytest.approx(2 * 90)
