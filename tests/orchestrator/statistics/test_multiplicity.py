from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from orchestrator.statistics.contrasts import Contrast, Estimate
from orchestrator.statistics.multiplicity import Largest, family, holm
from orchestrator.statistics.run_scores import Array


def _equal(count: int) -> Array:
    return np.full((count, count), 0.5) + 0.5 * np.eye(count)


# Dunnett, New tables for multiple comparisons with a control, Biometrics 1964: two-sided, 5 %.
@pytest.mark.parametrize(
    ("count", "degrees", "known"),
    [(1, 10, 2.23), (2, 10, 2.57), (3, 10, 2.76), (3, 20, 2.54), (5, 20, 2.73), (4, 60, 2.51)],
)
def test_the_critical_value_is_dunnetts(count: int, degrees: int, known: float) -> None:
    assert Largest(_equal(count)).critical(0.95, degrees) == pytest.approx(known, abs=0.03)


def test_the_p_value_is_that_of_its_interval() -> None:
    largest = Largest(_equal(3))
    for level in (0.8, 0.95, 0.975):
        reach = largest.critical(level, 14.2)
        assert largest.p_value(reach, 14.2) == pytest.approx(1 - level, abs=2e-3)


def test_contrasts_that_are_one_count_once() -> None:
    alone = Largest(np.ones((1, 1))).critical(0.95, 12)
    assert Largest(np.ones((3, 3))).critical(0.95, 12) == pytest.approx(alone, rel=0.02)
    # Those of no spread have the bound that holds however they go together.
    bound = stats.t.ppf(1 - 0.05 / 4, 12)
    assert Largest(np.zeros((2, 2))).critical(0.95, 12) == pytest.approx(bound, rel=0.02)


def _contrast(value: float, error: float = 1.0, degrees: float = 14.0) -> Contrast:
    estimate = Estimate(value, error, degrees)
    return Contrast(estimate, estimate, None)


def test_holms_steps_end_at_the_first_that_does_not_differ() -> None:
    one = np.ones((1, 1))
    families = [family(str(value), [_contrast(value)], one) for value in (2.3, 9.0, 0.5, 3.0)]
    judged = holm(families)
    assert [each.family.name for each in judged] == ["2.3", "9.0", "0.5", "3.0"]
    assert [each.level for each in judged] == pytest.approx(
        [1 - 0.05 / 2, 1 - 0.05 / 4, 1 - 0.05 / 2, 1 - 0.05 / 3]
    )
    # 2.3 has p = 0.037, which one question alone would call a difference.
    assert [each.differs for each in judged] == [[False], [True], [False], [True]]
    low, high = judged[0].intervals[0]
    assert low < 0 < high


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.floats(-6, 6), min_size=1, max_size=3), min_size=1, max_size=4),
    st.floats(3, 40),
)
def test_a_claim_is_an_interval_that_leaves_out_0(
    values: list[list[float]], degrees: float
) -> None:
    families = [
        family("p", [_contrast(value, 1.0, degrees) for value in own], _equal(len(own)))
        for own in values
    ]
    for each in holm(families):
        assert 0.95 <= each.level < 1.0
        for (low, high), differs in zip(each.intervals, each.differs, strict=True):
            assert low < high
            assert differs == (not low <= 0 <= high)


def test_holm_errs_in_one_sweep_of_twenty_at_most() -> None:
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(400):
        values = random.standard_t(14, 3)
        families = [family("p", [_contrast(value)], np.ones((1, 1))) for value in values]
        wrong += any(each.differs[0] for each in holm(families))
    assert wrong / 400 <= 0.095  # four standard errors above 5 %
