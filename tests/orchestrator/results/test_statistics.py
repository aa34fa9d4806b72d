from __future__ import annotations

import pytest
from scipy import special, stats

from orchestrator.results.statistics import (
    sample_interval,
    score_interval,
    student_t,
)


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


@pytest.mark.parametrize("degrees", [99_999, 100_000, 100_001, 10**6, 10**9, 2**62])
def test_student_t_of_many_rows_is_no_sum(degrees: int) -> None:
    assert student_t(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-11)


@pytest.mark.parametrize("rows", [10, 60, 500])
def test_rows_that_are_all_alike_leave_some_width(rows: int) -> None:
    """A rare row may do otherwise: about as many as in Wilson's interval of no right row."""
    low, high = score_interval("rouge_l", 0.0, 0.0, rows) or (1, 1)
    assert low == 0.0
    share = score_interval("valid_sql", 0.0, 0.0, rows) or (0, 0)
    assert high == pytest.approx(share[1], rel=0.6)
    assert high > 3 / rows
    middle = score_interval("rouge_l", 0.5, 0.0, rows) or (0.5, 0.5)
    assert middle == pytest.approx((0.5 - high / 2, 0.5 + high / 2))
    assert score_interval("rouge_l", 0.0, 0.0, 4 * rows, rows) == (low, high)
    # A loss has no limits to bound a rare row by.
    assert score_interval("eval_loss", 2.0, 0.0, rows) == (2.0, 2.0)


def test_trials_that_are_all_alike_have_no_interval() -> None:
    assert sample_interval([0.5, 0.5, 0.5], bounded=True) is None
