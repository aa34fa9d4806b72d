"""Hours by the clock and hours of devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.search.proposals import Proposal
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.sweep.caps import Caps
from orchestrator.sweep.spending import SECONDS_BETWEEN_RECORDS, Spending, spent_before


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def records() -> list[float]:
    return []


def _proposal(number: int) -> Proposal:
    return Proposal(number, number, 0, {"technique": "lora"})


def test_without_limits_there_is_no_end(clock: _Clock, records: list[float]) -> None:
    spending = Spending(8, 1e9, Caps(), records.append, clock)
    spending.started(_proposal(0))
    clock.now += 1e9
    assert spending.reached() is None


def test_hours_by_the_clock_count_from_the_start(clock: _Clock, records: list[float]) -> None:
    spending = Spending(1, 1e9, Caps(hours=2), records.append, clock)
    clock.now += 7199
    assert spending.reached() is None
    clock.now += 1
    assert spending.reached() == "2 hours (--max-hours)"


def test_hours_of_devices_are_those_of_trials_side_by_side_and_of_earlier_starts(
    clock: _Clock, records: list[float]
) -> None:
    # One device hour has gone.
    spending = Spending(2, 3600, Caps(device_hours=4), records.append, clock)
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


def test_a_cost_is_that_of_hours_of_devices_at_their_price(
    clock: _Clock, records: list[float]
) -> None:
    spending = Spending(2, 3600, Caps(cost=10, price=2.5), records.append, clock)
    spending.started(_proposal(0))
    clock.now += 5399  # with the earlier hour just under four hours of devices
    assert spending.reached() is None
    clock.now += 1
    assert spending.reached() == "a cost of 10 (--max-cost, at 2.5 a device hour)"


def test_what_running_trials_spend_is_on_record_within_seconds(
    clock: _Clock, records: list[float]
) -> None:
    with Spending(2, 100, Caps(), records.append, clock) as spending:
        spending.started(_proposal(0))
        spending.passed()
        clock.now += SECONDS_BETWEEN_RECORDS
        spending.passed()
        spending.passed()
        assert records == [100 + 2 * SECONDS_BETWEEN_RECORDS]
        spending.interrupted(_proposal(0))
        spending.started(_proposal(0))
        clock.now += 1
    assert records[1:] == [100 + 2 * (SECONDS_BETWEEN_RECORDS + 1)]


def test_a_record_is_replaced_whole(tmp_path: Path) -> None:
    record = DeviceSeconds(SweepFiles(Store(tmp_path), "toy-1"))
    assert record.read() == 0
    (tmp_path / "state" / "sweep=toy-1").mkdir(parents=True)
    for seconds in (1.5, 12345.25):
        record.write(seconds)
        assert DeviceSeconds(SweepFiles(Store(tmp_path), "toy-1")).read() == seconds
    (path,) = (tmp_path / "state" / "sweep=toy-1").iterdir()
    path.with_name(f"{path.name}.new").mkdir()  # as good as a disk that refuses
    record.write(2.0)
    assert record.read() == 12345.25


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"device_seconds": 12',
        b"\xff\x00",
        b"[]",
        b"7",
        b"{}",
        b'{"device_seconds": null}',
        b'{"device_seconds": "12"}',
        b'{"device_seconds": NaN}',
        b'{"device_seconds": Infinity}',
        b'{"device_seconds": -1}',
        b'{"device_seconds": 1%s}' % (b"0" * 400),
        b"[" * 100_000,
    ],
)
def test_a_damaged_record_is_none(tmp_path: Path, damage: bytes) -> None:
    record = DeviceSeconds(SweepFiles(Store(tmp_path), "toy-1"))
    (tmp_path / "state" / "sweep=toy-1").mkdir(parents=True)
    record.write(1.0)
    (path,) = (tmp_path / "state" / "sweep=toy-1").iterdir()
    path.write_bytes(damage)
    assert record.read() == 0


def test_a_device_of_a_pack_counts_once_for_all_of_its_trials(
    clock: _Clock, records: list[float]
) -> None:
    spending = Spending(1, 0, Caps(), records.append, clock, engines=2)
    for number in range(5):
        spending.started(_proposal(number))
    clock.now += 100
    assert spending.device_seconds() == 200
    for number in range(4):
        spending.paused(_proposal(number))
    clock.now += 100
    assert spending.device_seconds() == 300


def test_what_an_earlier_start_spent_is_on_record_or_at_least_what_its_reports_took() -> None:
    assert spent_before(500, devices=2, trial_seconds=100, pack=1) == 500
    assert spent_before(50, devices=2, trial_seconds=100, pack=1) == 200
    # Eight trials of a pack report the same hour.
    assert spent_before(50, devices=1, trial_seconds=800, pack=8) == 100
