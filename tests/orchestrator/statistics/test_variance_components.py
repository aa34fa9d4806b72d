from __future__ import annotations

import numpy as np
import pytest

from orchestrator.statistics.variance_components import mean_covariance, seed_variance
from tests.orchestrator.statistics.simulated import draw
from trainables.contract.standard_errors import clustered_standard_error


@pytest.mark.parametrize("clusters", [30, 7])
def test_the_variance_of_a_mean_is_that_of_the_reports(clusters: int) -> None:
    random = np.random.default_rng(0)
    values, of_rows = random.random((2, 30)), np.arange(30) % clusters
    found = mean_covariance(values, of_rows)
    for own, variance in zip(values, np.diag(found), strict=True):
        error = clustered_standard_error(own.tolist(), of_rows.tolist())
        assert error is not None
        assert variance == pytest.approx(error**2)
    # The variance of a difference follows from the covariance.
    of_difference = mean_covariance(values[:1] - values[1:], of_rows)[0, 0]
    assert found[0, 0] + found[1, 1] - 2 * found[0, 1] == pytest.approx(of_difference)


@pytest.mark.parametrize("of_cluster", [0.0, 0.1])
def test_what_rows_add_is_taken_off_the_variance_between_seeds(of_cluster: float) -> None:
    random = np.random.default_rng(1)
    found, observed = [], []
    for _ in range(150):
        runs, of_rows = draw(
            random, [0.5] * 6, rows=60, between_seeds=0.03, clusters=20, of_cluster=of_cluster
        )
        between = seed_variance(runs, np.array(of_rows))
        assert between is not None
        assert between.degrees == 12
        found.append(between.variance)
        observed.append(between.observed)
    # Rows add 0.17^2 / 60 and, in clusters, 0.1^2 / 20.
    assert np.mean(observed) == pytest.approx(0.0009 + 0.17**2 / 60 + of_cluster**2 / 20, rel=0.1)
    assert np.mean(found) == pytest.approx(0.0009, rel=0.15)


def test_seeds_that_differ_less_than_rows_would_make_them_have_no_variance() -> None:
    random = np.random.default_rng(2)
    rows = random.normal(0, 1, (3, 50))
    runs = [rows - rows.mean(axis=1, keepdims=True)]
    between = seed_variance(runs, np.arange(50))
    assert between is not None
    assert between.variance == 0.0


def test_single_runs_do_not_tell_how_far_seeds_differ() -> None:
    assert seed_variance([np.zeros((1, 5)), np.ones((1, 5))], np.arange(5)) is None
