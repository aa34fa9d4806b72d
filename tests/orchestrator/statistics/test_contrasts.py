from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from orchestrator.statistics.contrasts import Component, Contrast, contrast, score_interval
from orchestrator.statistics.run_scores import run_scores
from tests.orchestrator.statistics.simulated import draw

_LESS = [1.0, -1.0]


def _found(contrast_: Contrast | None) -> Contrast:
    assert contrast_ is not None
    return contrast_


def test_with_the_seeds_fixed_it_is_the_paired_t_test() -> None:
    random = np.random.default_rng(0)
    a, b = random.random((2, 40))
    found = _found(contrast(run_scores([a[None], b[None]], range(40)), _LESS, seeds="fixed"))
    known = stats.ttest_rel(a, b)
    assert found.interval() == pytest.approx(tuple(known.confidence_interval()))
    assert found.p_value == pytest.approx(known.pvalue)


def test_of_seeds_alone_it_is_students_t_over_runs() -> None:
    # All rows of a run say the same, so that only the seeds differ.
    means = np.array([[0.5, 0.52, 0.54], [0.4, 0.45, 0.41]])
    runs = [np.repeat(own[:, None], 2000, axis=1) for own in means]
    found = _found(contrast(run_scores(runs, range(2000)), _LESS))
    known = stats.ttest_ind(*means).confidence_interval()
    assert found.interval() == pytest.approx((known.low, known.high), abs=0.003)


def test_single_runs_say_nothing_of_configurations() -> None:
    scores = run_scores(np.random.default_rng(0).random((2, 1, 30)), range(30))
    assert contrast(scores, _LESS) is None
    assert score_interval(scores, 0, binary=False) is None
    assert contrast(scores, _LESS, seeds="fixed") is not None


@pytest.mark.parametrize("clusters", [None, 25])
def test_intervals_cover_and_claims_are_true(clusters: int | None) -> None:
    random = np.random.default_rng(3)
    covered = claimed = 0
    for _ in range(400):
        runs, of_rows = draw(
            random,
            [0.5, 0.5, 0.55],
            rows=100,
            clusters=clusters,
            of_cluster=0.1 if clusters else 0.0,
        )
        scores = run_scores(runs, of_rows, None)
        low, high = _found(contrast(scores, [-1.0, 0.0, 1.0])).interval()
        covered += low <= 0.05 <= high
        claimed += _found(contrast(scores, [-1.0, 1.0, 0.0])).differs()
    # 400 sweeps at 95 and 5 %: four standard errors.
    assert 0.905 <= covered / 400 <= 0.99
    assert claimed / 400 <= 0.095


def test_a_further_part_of_the_variance_widens_the_interval() -> None:
    runs, rows = draw(np.random.default_rng(4), [0.5, 0.5])
    scores = run_scores(runs, rows)
    plain = _found(contrast(scores, _LESS))
    more = _found(contrast(scores, _LESS, further=[Component(0.01, 1e6)]))
    assert more.lowest.standard_error**2 == pytest.approx(plain.lowest.standard_error**2 + 0.01)
    assert more.degrees > plain.degrees


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_rows_that_are_all_alike_have_an_interval_of_some_width(share: float) -> None:
    scores = run_scores(np.full((2, 3, 500), share), range(500))
    low, high = _found(contrast(scores, _LESS)).interval()
    # Wilson's interval of 0 of 500 reaches to 0.0076.
    assert (low, high) == pytest.approx((-0.0077, 0.0077), abs=1e-4)
    low, high = score_interval(scores, 0, binary=True) or (0, 0)
    assert high - low == pytest.approx(0.0077, abs=1e-4)
    assert low <= share <= high


def test_one_that_is_all_right_differs_from_one_that_is_all_wrong() -> None:
    scores = run_scores([np.ones((3, 100)), np.zeros((3, 100))], range(100))
    found = _found(contrast(scores, _LESS))
    low, high = found.interval()
    assert 0.9 < low < 1.0
    assert high == 1.0
    assert found.differs()


def test_clusters_count_where_no_row_differs() -> None:
    scores = run_scores(np.zeros((2, 3, 500)), [row % 20 for row in range(500)])
    low, high = _found(contrast(scores, _LESS)).interval()
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 19) * 1.96 / 20, rel=1e-3)


def test_a_share_has_wilsons_interval_which_stays_within_0_and_1() -> None:
    right = np.zeros((1, 3, 400))
    right[..., :390] = 1.0
    low, high = score_interval(run_scores(right, range(400)), 0, binary=True) or (0, 0)
    known = stats.binomtest(390, 400).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=0.001)


def test_what_nobody_can_judge_bounds_the_contrast() -> None:
    random = np.random.default_rng(5)
    a, b = (random.random((2, 3, 200)) < [[[0.6]], [[0.5]]]).astype(float)
    judged = _found(contrast(run_scores([a, b], range(200)), _LESS))
    assert judged.differs()
    b[:, :30] = np.nan
    found = _found(contrast(run_scores([a, b], range(200)), _LESS))
    wrong, right = (
        _found(contrast(run_scores([a, np.nan_to_num(b, nan=fill)], range(200)), _LESS))
        for fill in (0.0, 1.0)
    )
    assert found.interval() == (right.interval()[0], wrong.interval()[1])
    assert found.value == pytest.approx((right.value + wrong.value) / 2)
    # With these rows wrong A is better, with them right it is not: nothing is claimed.
    assert wrong.differs()
    assert not right.differs()
    assert not found.differs()
    assert found.p_value == pytest.approx(max(wrong.p_value, right.p_value))


_BINARY = st.lists(
    st.lists(st.sampled_from([0.0, 1.0, None]), min_size=6, max_size=6), min_size=2, max_size=2
)


@settings(max_examples=60, deadline=None)
@given(st.tuples(_BINARY, _BINARY), st.sampled_from([0.8, 0.95, 0.99]))
def test_one_criterion_for_interval_and_p_value(runs: tuple[object, ...], level: float) -> None:
    found = _found(contrast(run_scores(runs, range(6)), _LESS))  # type: ignore[arg-type]
    low, high = found.interval(level)
    assert low < high
    assert found.differs(level) == (found.p_value < 1 - level)
    back = _found(contrast(run_scores(runs[::-1], range(6)), _LESS))  # type: ignore[arg-type]
    assert back.interval(level) == pytest.approx((-high, -low))
