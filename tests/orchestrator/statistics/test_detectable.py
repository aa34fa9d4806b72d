"""What a design can show is what simulated sweeps of it do show."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.statistics.contrasts import Component, contrast
from orchestrator.statistics.detectable import POWER, Detectable, detectable
from orchestrator.statistics.run_scores import RunScores, run_scores
from tests.orchestrator.statistics.simulated import draw

_WEIGHTS = np.array([-1.0, 0.0, 1.0])


def _scores(
    random: np.random.Generator, difference: float, seeds: int = 3, rows: int = 200
) -> RunScores:
    means = [0.6 - difference / 2, 0.6, 0.6 + difference / 2]
    return run_scores(*draw(random, means, seeds=seeds, rows=rows))


def _found(scores: RunScores, asked: float, further: Component | None = None) -> Detectable:
    found = detectable(scores, _WEIGHTS, asked, further=further)
    assert found is not None
    return found


def test_the_design_that_is_named_has_the_power() -> None:
    random = np.random.default_rng(0)
    asked = 0.03
    named = [_found(_scores(random, 0.0), asked) for _ in range(60)]
    seeds = int(np.median([each.seeds for each in named if each.seeds is not None]))
    assert seeds > 3
    shown = 0
    for _ in range(400):
        found = contrast(_scores(random, asked, seeds), _WEIGHTS)
        assert found is not None
        shown += found.differs()
    assert shown / 400 == pytest.approx(POWER, abs=0.1)


def test_the_least_difference_of_now_has_the_power() -> None:
    random = np.random.default_rng(1)
    least = float(np.median([_found(_scores(random, 0.0), 0.02).difference for _ in range(60)]))
    shown = 0
    for _ in range(400):
        found = contrast(_scores(random, least), _WEIGHTS)
        assert found is not None
        shown += found.differs()
    assert shown / 400 == pytest.approx(POWER, abs=0.1)


def test_a_smaller_difference_takes_more() -> None:
    scores = _scores(np.random.default_rng(2), 0.0)
    found = [_found(scores, asked) for asked in (0.1, 0.04, 0.02, 0.005)]
    cost = [(each.rows or 0) * (each.seeds or 0) for each in found]
    assert cost == sorted(cost)
    assert (found[0].seeds, found[0].rows) == (3, 200)


def test_rows_are_more_where_no_number_of_seeds_is_enough() -> None:
    found = _found(_scores(np.random.default_rng(3), 0.0, rows=50), 0.01)
    assert found.rows is not None
    assert found.rows > 50


def test_nothing_helps_where_the_best_setting_is_unknown() -> None:
    scores = _scores(np.random.default_rng(4), 0.0)
    found = _found(scores, 0.02, Component(0.02**2, 20))
    assert (found.seeds, found.rows) == (None, None)


def test_one_seed_tells_nothing() -> None:
    scores = _scores(np.random.default_rng(5), 0.0, seeds=1)
    assert detectable(scores, _WEIGHTS, 0.02) is None
