from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.training.schedule import COOL_DOWN, factor

SCHEDULES = st.sampled_from(["warmup_stable_decay", "linear", "constant"])
BUDGETS = st.integers(1, 10**7)
WARMUPS = st.floats(0, 0.5)
POSITIONS = st.floats(0, 1)


@given(SCHEDULES, BUDGETS, WARMUPS, POSITIONS)
def test_factor_stays_between_zero_and_one(
    schedule: str, budget: int, warmup: float, position: float
) -> None:
    assert 0 <= factor(position * budget, budget, warmup=warmup, schedule=schedule) <= 1


@given(SCHEDULES, BUDGETS, st.floats(0.01, 0.5), POSITIONS)
def test_factor_has_no_jumps(schedule: str, budget: int, warmup: float, position: float) -> None:
    a = factor(position * budget, budget, warmup=warmup, schedule=schedule)
    b = factor((position + 1e-6) * budget, budget, warmup=warmup, schedule=schedule)
    assert abs(a - b) <= 1.01e-6 / min(warmup, COOL_DOWN) + 1e-9


@given(st.sampled_from(["warmup_stable_decay", "linear"]), BUDGETS, WARMUPS)
def test_decaying_schedules_end_at_zero(schedule: str, budget: int, warmup: float) -> None:
    assert factor(budget, budget, warmup=warmup, schedule=schedule) == pytest.approx(0, abs=1e-12)
    assert factor(2 * budget, budget, warmup=warmup, schedule=schedule) == pytest.approx(0)


@given(BUDGETS, WARMUPS, POSITIONS)
def test_rungs_of_the_stable_phase_are_trained_at_the_peak(
    budget: int, warmup: float, position: float
) -> None:
    place = warmup + position * max(0.0, 0.8 - warmup)
    found = factor(place * budget, budget, warmup=warmup, schedule="warmup_stable_decay")
    assert found == pytest.approx(1)


def test_a_constant_rate_does_not_fall() -> None:
    assert factor(100, 100, warmup=0.1, schedule="constant") == 1


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match='"cosine", but must be'):
        factor(1, 10, warmup=0.0, schedule="cosine")
