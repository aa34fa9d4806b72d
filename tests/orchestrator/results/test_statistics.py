from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats

from orchestrator.results import statistics
from orchestrator.results.statistics import (
    group_difference,
    paired_difference,
    sample_interval,
    score_interval,
    trend,
)

_SCORES = hnp.arrays(np.float64, (2, 12), elements=st.floats(0, 1))


def test_the_interval_of_a_score_is_students() -> None:
    # t(0.975, 9) = 2.2622
    assert score_interval("bleu", 0.5, 0.1, 10) == pytest.approx(
        (0.5 - 0.22622, 0.5 + 0.22622), abs=1e-4
    )
    assert score_interval("bleu", 0.05, 0.1, 10) == pytest.approx((0.0, 0.27622), abs=1e-4)
    # What has no largest value is not cut.
    assert score_interval("eval_loss", 0.95, 0.1, 10) == pytest.approx(
        (0.95 - 0.22622, 0.95 + 0.22622), abs=1e-4
    )


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 30, 31, 101, 500, 5001])
def test_students_quantile_is_that_of_scipy(rows: int) -> None:
    low, high = score_interval("bleu", 0.5, 0.01, rows) or (0, 0)
    half = 0.01 * float(special.stdtrit(rows - 1, 0.975))
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), rel=1e-11)


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Brown, Cai and DasGupta, Statistical Science 2001: 0 of 10 gives 0 to 0.2775.
    assert score_interval("valid_sql", 0.0, 0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    low, high = score_interval("execution_accuracy", 0.5, None, 100) or (0, 0)
    assert (low, high) == pytest.approx((0.4038, 0.5962), abs=1e-4)


@pytest.mark.parametrize("rows", [3, 10, 13, 100, 199])
def test_the_end_of_an_interval_where_every_row_is_alike_has_no_rounding_in_it(rows: int) -> None:
    none, every = (score_interval("exact_match", mean, 0.0, rows) for mean in (0.0, 1.0))
    assert none is not None
    assert every is not None
    assert none[0] == 0.0
    assert every[1] == 1.0
    assert every[0] == pytest.approx(1 - none[1])


def test_rounding_errors_do_not_tell_trials_or_groups_apart() -> None:
    group = np.full((3, 4), 0.3)
    above = np.full((3, 4), 0.1 + 0.2)  # 0.30000000000000004
    for found in (
        group_difference(above, group),
        paired_difference(above[0], group[0]),
        paired_difference(np.array([0.1 + 0.2, 0.3]), group[0, :2]),
    ):
        assert (found.mean, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
        assert not found.distinguishable


def test_the_same_rows_in_another_order_differ_by_nothing() -> None:
    random = np.random.default_rng(0)
    scores = random.random(60)
    found = paired_difference(scores, random.permutation(scores))
    assert found.mean == 0.0
    assert found.low < 0 < found.high


@pytest.mark.parametrize(
    ("mean", "error", "rows"), [(None, 0.1, 10), (0.5, None, 10), (0.5, 0.1, 1), (0.5, 0.1, None)]
)
def test_no_interval_without_rows(
    mean: float | None, error: float | None, rows: int | None
) -> None:
    assert score_interval("bleu", mean, error, rows) is None
    assert sample_interval([0.5], bounded=True) is None
    assert sample_interval([0.2, 0.8], bounded=True) is None


def test_rows_that_share_schemas_say_less() -> None:
    # 40 rows of 4 schemas: Student's t of 3 degrees of freedom.
    assert score_interval("bleu", 0.5, 0.1, 40, 4) == pytest.approx((0.18176, 0.81824), abs=1e-4)
    alone = score_interval("valid_sql", 0.5, None, 100)
    plain_error = 0.5 / 99**0.5
    assert score_interval("valid_sql", 0.5, plain_error, 100, 100) == alone
    assert score_interval("valid_sql", 0.5, plain_error, 100, 99) == pytest.approx(alone)
    # Twice the error is that of a quarter of the rows.
    shared = score_interval("valid_sql", 0.5, 2 * plain_error, 100, 20)
    assert shared == pytest.approx(score_interval("valid_sql", 0.5, None, 26), abs=0.005)
    # Where no row is right, no more is known than of as many rows as there are schemas.
    assert score_interval("valid_sql", 0.0, 0.0, 40, 4) == score_interval("valid_sql", 0, 0, 4)


def test_rows_of_a_single_schema_are_the_sample() -> None:
    assert score_interval("bleu", 0.5, 0.1, 10, 1) == score_interval("bleu", 0.5, 0.1, 10)


def test_the_interval_of_a_few_trials_is_students_within_what_a_score_can_be() -> None:
    values = [0.2, 0.5, 0.8]
    wide = stats.t.interval(0.95, 2, 0.5, stats.sem(values))
    assert sample_interval(values, bounded=False) == pytest.approx(wide)
    assert sample_interval(values, bounded=True) == (0.0, 1.0)


def test_paired_rows_show_a_difference_that_means_alone_hide() -> None:
    random = np.random.default_rng(0)
    hard = random.uniform(0, 1, 80)
    a = hard + 0.02 + random.normal(0, 0.02, 80)
    b = hard + random.normal(0, 0.02, 80)
    found = paired_difference(a, b)
    assert found.distinguishable
    assert found.low < 0.02 < found.high
    assert found.p_value < 0.001
    # The rows differ between each other by far more than the trials do.
    assert np.std(a) / np.sqrt(80) > found.mean


def test_noise_is_not_distinguishable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 999)
    random = np.random.default_rng(1)
    wrong = sum(
        paired_difference(random.uniform(0, 1, 40), random.uniform(0, 1, 40)).distinguishable
        for _ in range(40)
    )
    assert wrong <= 6  # 40 tests at 5 %: more than 6 has a probability below 0.4 %


def test_equal_trials_and_constant_gaps() -> None:
    same = np.linspace(0, 1, 20)
    assert not paired_difference(same, same).distinguishable
    assert paired_difference(same, same).p_value == 1.0
    apart = paired_difference(same + 0.1, same)
    assert apart.distinguishable
    assert (apart.low, apart.high) == pytest.approx((0.1, 0.1))
    assert not paired_difference(np.array([1.0]), np.array([0.0])).distinguishable


@settings(max_examples=15, deadline=None)
@given(_SCORES)
def test_the_difference_the_other_way_is_its_negative(scores: np.ndarray) -> None:
    there = paired_difference(scores[0], scores[1])
    back = paired_difference(scores[1], scores[0])
    assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    assert there.p_value == pytest.approx(back.p_value, abs=0.02)
    assert there.low <= there.mean + 1e-9
    assert there.mean <= there.high + 1e-9


def test_the_spread_between_trials_counts_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 999)
    random = np.random.default_rng(0)
    rows = random.uniform(0, 0.3, 100)
    # Group A is better on average, but its trials differ more than the groups do.
    a = np.stack([rows + 0.6, rows, rows + 0.01])
    b = np.stack([rows + 0.1, rows + 0.11, rows + 0.09])
    assert not group_difference(a, b).distinguishable
    assert group_difference(b + 0.5, b).distinguishable
    assert group_difference(a, b) == group_difference(a, b)  # seeded


def test_a_trend_over_numbers() -> None:
    found = trend([4, 8, 16, 32, 64, 128], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert found.test == "Spearman"
    assert found.rho == pytest.approx(1.0)
    assert found.p_value == pytest.approx(2 / 720, abs=1e-6)  # exact: two of 6! orders
    assert found.distinguishable
    assert not trend([1, 2, 3, 4, 5], [0.3, 0.1, 0.4, 0.1, 0.5]).distinguishable


def test_a_trend_over_names() -> None:
    found = trend(["a"] * 6 + ["b"] * 6, [*np.linspace(0, 0.1, 6), *np.linspace(0.5, 0.6, 6)])
    assert (found.test, found.rho) == ("Kruskal-Wallis", None)
    assert found.distinguishable


@pytest.mark.parametrize(
    ("values", "metric"),
    [([1, 2], [0.1, 0.2]), ([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]), ([1, 2, 3, 4], [0.5] * 4)],
)
def test_too_little_for_a_trend(values: list[int], metric: list[float]) -> None:
    assert trend(values, metric).p_value is None


@pytest.mark.parametrize("degrees", [99_999, 100_000, 100_001, 10**6, 10**9, 2**62])
def test_student_t_of_many_rows_is_no_sum(degrees: int) -> None:
    assert statistics.student_t(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-11)
