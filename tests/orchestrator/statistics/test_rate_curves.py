from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.statistics.rate_curves import (
    Combination,
    NoCurves,
    RateCurves,
    rate_curves,
)
from orchestrator.statistics.run_scores import RunScores, run_scores

_LOW, _HIGH = 1e-4, 1e-2
_ROWS = 40
Curve = Callable[[int, float], float]


def _measured(
    curve: Curve, places: Sequence[Sequence[float]], seeds: int = 2, luck: float = 0.001
) -> tuple[RunScores, list[Combination]]:
    """Scores of combinations at places in decades, the first of each under several seeds."""
    random = np.random.default_rng(0)
    means: list[float] = []
    repeats: list[int] = []
    combinations: list[Combination] = []
    for number, own in enumerate(places):
        start = len(means)
        means += [curve(number, place) for place in own]
        repeats += [seeds] + [1] * (len(own) - 1)
        rates = tuple(10.0**place for place in own)
        combinations.append(Combination(tuple(range(start, len(means))), rates, _LOW, _HIGH))
    difficulty = random.normal(0, 0.1, _ROWS)
    difficulty -= difficulty.mean()
    runs = [
        np.stack([mean + random.normal(0, luck) + difficulty for _ in range(count)])
        for mean, count in zip(means, repeats, strict=True)
    ]
    return run_scores(runs, range(_ROWS), None), combinations


def _known(
    scores: RunScores, combinations: Sequence[Combination], rises: bool = True
) -> RateCurves:
    found = rate_curves(scores, combinations, rises_to_better=rises)
    assert isinstance(found, RateCurves), found
    return found


def _at_best(scores: RunScores, found: RateCurves) -> np.ndarray:
    means = np.array([each.mean() for each in scores.runs])
    return np.asarray(found.weights @ means + found.offset)


def _parabola(number: int, place: float) -> float:
    return 0.6 + 0.05 * number - 0.3 * (place + 3.0 + 0.1 * number) ** 2


_PLACES = [[-2.9, -3.7, -3.3, -2.5], [-3.0, -3.8, -3.4, -2.6], [-3.3, -4.0, -3.7, -2.9]]


def test_what_runs_lose_by_their_rates_is_added() -> None:
    scores, combinations = _measured(_parabola, _PLACES)
    found = _known(scores, combinations)
    error = np.sqrt(np.diag(found.unknown))
    assert (np.abs(_at_best(scores, found) - [0.6, 0.65, 0.7]) < 4 * error + 0.003).all()
    assert (error < 0.02).all()
    assert np.log10(found.rates) == pytest.approx([-3.0, -3.1, -3.2], abs=0.08)


def test_a_cliff_beside_the_chosen_rate_moves_its_combination_little() -> None:
    def broken(number: int, place: float) -> float:
        return 0.1 if place > -2.7 else _parabola(number, place)

    scores, combinations = _measured(broken, _PLACES, luck=0.01)
    found = _known(scores, combinations)
    error = np.sqrt(np.diag(found.unknown)) + 0.01
    assert (np.abs(_at_best(scores, found) - [0.6, 0.65, 0.7]) < 3 * error).all()


def test_a_loss_is_a_score_upside_down() -> None:
    scores, combinations = _measured(_parabola, _PLACES)
    upside_down = RunScores(tuple(-each for each in scores.runs), scores.clusters, None)
    up, down = _known(scores, combinations), _known(upside_down, combinations, rises=False)
    assert down.offset == pytest.approx(-up.offset)
    assert down.unknown == pytest.approx(up.unknown)
    assert down.rates == pytest.approx(up.rates)


@given(
    order=st.permutations(range(3)),
    level=st.floats(-0.3, 0.3),
    wide=st.floats(0.002, 0.03),
)
@settings(max_examples=15, deadline=None)
def test_neither_order_nor_level_changes_what_is_added(
    order: list[int], level: float, wide: float
) -> None:
    scores, combinations = _measured(_parabola, _PLACES, luck=wide)
    found = _known(scores, combinations)
    moved = RunScores(tuple(each + level for each in scores.runs), scores.clusters, None)
    other = _known(moved, [combinations[index] for index in order])
    assert other.offset == pytest.approx(found.offset[order], abs=1e-9)
    assert other.unknown == pytest.approx(found.unknown[np.ix_(order, order)], abs=1e-9)
    assert other.between.observed == pytest.approx(found.between.observed)
    assert other.weights.sum(axis=1) == pytest.approx(np.ones(3))
    assert np.linalg.eigvalsh(other.unknown).min() > -1e-12
    # Whatever is thought of the best rate, runs at others score no more than at it.
    assert (found.offset >= 0).all()


def test_more_rates_tell_more() -> None:
    fewer = _known(*_measured(_parabola, [own[:3] for own in _PLACES], luck=0.02))
    more = _known(*_measured(_parabola, _PLACES, luck=0.02))
    assert (np.diag(more.unknown) < np.diag(fewer.unknown)).all()


def test_two_rates_tell_nothing() -> None:
    scores, combinations = _measured(_parabola, [own[:2] for own in _PLACES])
    found = rate_curves(scores, combinations)
    assert isinstance(found, NoCurves)
    assert "completed at 2 of the 3 rates" in found.reason


def test_without_two_seeds_nothing_is_known() -> None:
    scores, combinations = _measured(_parabola, _PLACES, seeds=1)
    found = rate_curves(scores, combinations)
    assert isinstance(found, NoCurves)
    assert "two seeds" in found.reason
