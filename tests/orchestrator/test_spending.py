"""Hours by the clock and hours of devices."""

from __future__ import annotations

import pytest

from orchestrator.proposals import Proposal
from orchestrator.spending import Spending


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _proposal(number: int) -> Proposal:
    return Proposal(number, number, 0, {"technique": "lora"})


def test_without_limits_there_is_no_end(clock: _Clock) -> None:
    spending = Spending(8, 1e9, None, None, clock)
    spending.started(_proposal(0))
    clock.now += 1e9
    assert spending.reached() is None


def test_hours_by_the_clock_count_from_the_start(clock: _Clock) -> None:
    spending = Spending(1, 1e9, 2, None, clock)
    clock.now += 7199
    assert spending.reached() is None
    clock.now += 1
    assert spending.reached() == "2 hours (--max-hours)"


def test_hours_of_devices_are_those_of_trials_side_by_side_and_of_earlier_starts(
    clock: _Clock,
) -> None:
    spending = Spending(2, 1800, None, 4, clock)  # one device hour has gone
    spending.started(_proposal(0))
    spending.started(_proposal(1))
    clock.now += 1800  # two more
    spending.ended(_proposal(0), {})
    spending.interrupted(_proposal(1))
    clock.now += 36000  # nothing runs
    assert spending.reached() is None
    spending.started(_proposal(1))
    clock.now += 1799
    assert spending.reached() is None
    clock.now += 1
    assert spending.reached() == "4 hours of devices (--max-device-hours)"
