"""From which factor on values belong on a logarithmic scale."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution

from orchestrator.results import importance, optuna_trials
from orchestrator.results.log_scale import is_log_scale


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-4, 1e-3, True),
        (3e-5, 3e-4, True),  # whose ratio is 9.999999999999998
        (1, 10, True),
        (1, 9.99, False),
        (2e-4, 5e-4, False),
        (0.0, 0.5, False),
        (-1.0, 100.0, False),
        (4, 64, True),
    ],
)
def test_an_order_of_magnitude_is_the_boundary(low: float, high: float, expected: bool) -> None:
    assert is_log_scale(low, high) is expected


@given(st.floats(1e-9, 1e9))
def test_no_rounding_of_a_factor_of_ten_matters(low: float) -> None:
    for high in (10 * low, low / 0.1, float(f"{10 * low:.15g}")):
        assert is_log_scale(low, high)
    assert not is_log_scale(low, 9.99 * low)


@pytest.mark.parametrize("values", [[1e-4, 3e-4, 1e-3], [0.3, 1.0, 3.0], [1.0, 5.0, 9.0]])
def test_importances_and_optuna_journals_agree(values: list[float]) -> None:
    expected = math.isclose(max(values), 10 * min(values)) or max(values) > 10 * min(values)
    for found in (importance._distribution(values), optuna_trials._distribution(values)):
        assert isinstance(found, FloatDistribution)
        assert found.log is expected
