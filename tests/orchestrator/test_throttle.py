"""What is done at every opportunity is done every so many seconds."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.throttle import Throttle


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_is_due_at_once_and_again_when_the_seconds_have_passed() -> None:
    clock = _Clock()
    throttle = Throttle(2.0, clock)
    due = []
    for clock.now in (0.0, 1.0, 1.9, 2.0, 2.1, 3.9, 4.1):
        due.append(throttle.due())
    assert due == [True, False, False, True, False, False, True]


def test_a_restart_counts_as_having_done_it() -> None:
    clock = _Clock()
    throttle = Throttle(2.0, clock)
    throttle.restart()
    assert not throttle.due()
    clock.now = 1.5
    throttle.restart()
    clock.now = 3.0
    assert not throttle.due()
    clock.now = 3.5
    assert throttle.due()


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.1, 5))
def test_two_times_are_never_nearer_than_the_seconds(steps: list[float], seconds: float) -> None:
    clock = _Clock()
    throttle = Throttle(seconds, clock)
    times = []
    for step in steps:
        clock.now += step
        if throttle.due():
            times.append(clock.now)
    assert all(later - earlier >= seconds for earlier, later in pairwise(times))
