from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from orchestrator.results.differences import Difference, Group, difference
from orchestrator.results.statistics import Array
from tests.orchestrator.statistics.simulated import draw

_SCORES = hnp.arrays(np.float64, (2, 12), elements=st.floats(0, 1))


def _models(a: Array, b: Array) -> Difference:
    """One run each."""
    return difference(Group([a[None]]), Group([b[None]]), range(len(a)))


def _groups(a: Iterable[Array], b: Iterable[Array]) -> Difference:
    """A run of each configuration."""
    groups = [Group([own[None] for own in each]) for each in (a, b)]
    return difference(groups[0], groups[1], range(groups[0].runs[0].shape[1]))


def _interval(found: Difference) -> tuple[float, float]:
    assert found.interval is not None
    return found.interval


def test_rounding_errors_do_not_tell_trials_or_groups_apart() -> None:
    group = np.full((3, 4), 0.3)
    above = np.full((3, 4), 0.1 + 0.2)  # 0.30000000000000004
    for found in (
        _groups(above, group),
        _models(above[0], group[0]),
        _models(np.array([0.1 + 0.2, 0.3]), group[0, :2]),
    ):
        assert (found.mean, found.p_value) == (0.0, 1.0)
        assert not found.distinguishable
        low, high = _interval(found)
        assert low < 0 < high


def test_the_same_rows_in_another_order_differ_by_nothing() -> None:
    random = np.random.default_rng(0)
    scores = random.random(60)
    found = _models(scores, random.permutation(scores))
    assert found.mean == 0.0
    low, high = _interval(found)
    assert low < 0 < high


def test_paired_rows_show_a_difference_that_means_alone_hide() -> None:
    random = np.random.default_rng(0)
    hard = random.uniform(0, 1, 80)
    a = hard + 0.02 + random.normal(0, 0.02, 80)
    b = hard + random.normal(0, 0.02, 80)
    found = _models(a, b)
    assert found.distinguishable
    low, high = _interval(found)
    assert low < 0.02 < high
    assert found.p_value is not None
    assert found.p_value < 0.001
    # The rows differ between each other by far more than the trials do.
    assert np.std(a) / np.sqrt(80) > found.mean
    assert found.over == "over rows, of these models: another seed may reverse it"


def test_noise_is_not_distinguishable() -> None:
    random = np.random.default_rng(1)
    wrong = sum(
        _models(random.uniform(0, 1, 40), random.uniform(0, 1, 40)).distinguishable
        for _ in range(40)
    )
    assert wrong <= 6  # 40 tests at 5 %: more than 6 has a probability below 0.4 %


def test_equal_trials_and_constant_gaps() -> None:
    same = np.linspace(0, 1, 20)
    assert not _models(same, same).distinguishable
    apart = _models(same + 0.1, same)
    # All 20 rows say so, but that rows would which were not seen is bounded only: not claimed.
    assert apart.mean == pytest.approx(0.1)
    low, high = _interval(apart)
    assert low < 0.1 < high
    assert not _models(np.array([1.0]), np.array([0.0])).distinguishable
    assert _models(np.array([1.0]), np.array([0.0])).over == (
        "described, not tested: there is a single row"
    )


@settings(max_examples=15, deadline=None)
@given(_SCORES)
def test_the_difference_the_other_way_is_its_negative(scores: np.ndarray) -> None:
    there = _models(scores[0], scores[1])
    back = _models(scores[1], scores[0])
    assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    assert there.p_value == pytest.approx(back.p_value)
    low, high = _interval(there)
    assert low <= there.mean + 1e-9
    assert there.mean <= high + 1e-9


def test_the_spread_between_configurations_counts_in_groups() -> None:
    random = np.random.default_rng(0)
    rows = random.uniform(0, 0.3, 100)
    # Group A is better on average, but its trials differ more than the groups do.
    a = np.stack([rows + 0.6, rows, rows + 0.01])
    b = np.stack([rows + 0.1, rows + 0.11, rows + 0.09])
    assert not _groups(a, b).distinguishable
    assert _groups(b + 0.5, b).distinguishable
    assert "over configurations like these 3 and 3, and rows" in _groups(a, b).over


def test_replicates_are_no_further_configurations() -> None:
    random = np.random.default_rng(0)
    rows = random.uniform(0, 0.3, 100)
    a = [np.stack([rows + 0.3] * 3) + random.normal(0, 0.01, (3, 100)) for _ in range(2)]
    found = difference(Group(a), Group(a), range(100))
    assert found.interval is None
    assert found.p_value is None
    assert not found.distinguishable
    assert found.over == "described, not tested: a group has fewer than 3 configurations"


def test_configurations_that_were_confirmed_are_meant_themselves() -> None:
    random = np.random.default_rng(2)
    runs, rows = draw(random, [0.4, 0.5, 0.6, 0.7])
    found = difference(Group(runs[2:]), Group(runs[:2]), rows, of_these=True)
    assert found.distinguishable
    low, high = _interval(found)
    assert low < 0.2 < high
    assert found.over == "over seeds and rows, of these configurations"


def test_the_untuned_model_has_no_seeds() -> None:
    random = np.random.default_rng(3)
    runs, rows = draw(random, [0.5, 0.3], seeds=3)
    untuned = Group([runs[1][:1]], untuned=True)
    found = difference(Group(runs[:1]), untuned, rows)
    assert found.distinguishable
    assert "over seeds" in found.over
    many, _ = draw(random, [0.5, 0.52, 0.48], seeds=1)
    assert "over configurations" in difference(Group(many), untuned, rows).over


def _errs(size_a: int, size_b: int, sweeps: int = 300) -> float:
    random = np.random.default_rng(size_a + 10 * size_b)
    wrong = 0
    for _ in range(sweeps):
        means = 0.5 + random.normal(0, 0.05, size_a + size_b)
        runs, rows = draw(random, list(means), seeds=1, rows=100)
        found = difference(Group(runs[:size_a]), Group(runs[size_a:]), rows)
        wrong += found.distinguishable
    return wrong / sweeps


@pytest.mark.parametrize("sizes", [(1, 9), (2, 9)])
def test_small_groups_claim_nothing(sizes: tuple[int, int]) -> None:
    assert _errs(*sizes, sweeps=20) == 0.0


@pytest.mark.parametrize("sizes", [(3, 3), (5, 9), (12, 20)])
def test_groups_err_in_one_of_twenty(sizes: tuple[int, int]) -> None:
    # 300 sweeps at 5 %: four standard errors. A bootstrap over trials and rows erred in up to 20 %.
    assert _errs(*sizes) <= 0.10


def test_predictions_that_nobody_can_judge_bound_it() -> None:
    random = np.random.default_rng(4)
    a, b = (random.random((2, 1, 80)) < [[[0.8]], [[0.4]]]).astype(float)
    assert difference(Group([a]), Group([b]), range(80)).distinguishable
    b[:, :40] = np.nan
    found = difference(Group([a]), Group([b]), range(80))
    assert found.unjudged == 40
    assert not found.distinguishable
    low, high = _interval(found)
    wrong, right = (np.nan_to_num(b, nan=fill).mean() for fill in (0.0, 1.0))
    assert low < a.mean() - right < found.mean < a.mean() - wrong < high
    assert "40 predictions that nobody can judge all wrong and all right" in found.over


def test_two_models_are_compared_by_the_paired_t_test() -> None:
    random = np.random.default_rng(5)
    a, b = random.random((2, 50))
    assert _models(a, b).p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)
