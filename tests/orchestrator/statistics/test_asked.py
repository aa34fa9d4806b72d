from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.statistics.asked import (
    MissedOptima,
    Settings,
    against_best,
    answer_asked,
    asked_contrasts,
)
from orchestrator.statistics.run_scores import run_scores
from tests.orchestrator.statistics.simulated import draw

_PRODUCT: list[Settings] = [
    {"rank": rank, "data_size": size} for rank in (4, 16, 64) for size in (1000, 20000)
]


def test_a_number_has_one_contrast_from_its_least_to_its_greatest_value() -> None:
    found = asked_contrasts(_PRODUCT, ["rank", "data_size"], 0)
    (rank,), (size,) = found["rank"], found["data_size"]
    assert (rank.value, rank.against, size.value, size.against) == (64, 4, 20000, 1000)
    # Averaged over the sizes; the middle rank says nothing of a slope.
    assert rank.weights == pytest.approx([-0.5, -0.5, 0, 0, 0.5, 0.5])
    assert size.weights == pytest.approx([-1 / 3, 1 / 3] * 3)


def test_the_slope_is_in_the_logarithm() -> None:
    ranks: list[Settings] = [{"rank": rank} for rank in (4, 8, 64)]
    ((rank,),) = asked_contrasts(ranks, ["rank"], 0).values()
    scores = np.array([0.5, 0.6, 0.9])
    slope = np.polyfit(np.log([4, 8, 64]), scores, 1)[0]
    assert rank.weights @ scores == pytest.approx(slope * math.log(16))


def test_names_are_compared_with_that_of_the_best() -> None:
    settings: list[Settings] = [
        {"technique": name} for name in ("lora", "prefix", "full", "prefix")
    ]
    ((first, second),) = asked_contrasts(settings, ["technique"], 1).values()
    assert (first.value, first.against) == ("lora", "prefix")
    assert first.weights == pytest.approx([1, -0.5, 0, -0.5])
    assert (second.value, second.weights.tolist()) == ("full", pytest.approx([0, -0.5, 1, -0.5]))


def test_a_parameter_that_some_lack_is_told_by_those_that_have_it() -> None:
    settings: list[Settings] = [
        {"technique": "lora", "rank": 4},
        {"technique": "lora", "rank": 64},
        {"technique": "prefix"},
    ]
    found = asked_contrasts(settings, ["technique", "rank"], 0)
    assert found["rank"][0].weights == pytest.approx([-1, 1, 0])
    assert found["technique"][0].weights == pytest.approx([-0.5, -0.5, 1])


def test_a_cross_tells_both_parameters() -> None:
    cross: list[Settings] = [
        {"rank": rank, "data_size": size} for rank, size in ((4, 1000), (64, 1000), (4, 20000))
    ]
    found = asked_contrasts(cross, ["rank", "data_size"], 0)
    assert found["rank"][0].weights == pytest.approx([-1, 1, 0])
    assert found["data_size"][0].weights == pytest.approx([-1, 0, 1])


def test_what_cannot_be_told_apart_has_no_contrast() -> None:
    together: list[Settings] = [{"rank": 4, "data_size": 1000}, {"rank": 64, "data_size": 20000}]
    assert asked_contrasts(together, ["rank", "data_size"], 0) == {}
    assert asked_contrasts([{"rank": 4}, {"rank": 4}], ["rank"], 0) == {}


def test_an_effect_is_found_and_one_that_is_not_there_is_not_claimed() -> None:
    random = np.random.default_rng(0)
    means = [0.5 + 0.05 * math.log(each["rank"] / 4, 16) for each in _PRODUCT]  # type: ignore[operator]
    true = found = 0
    for _ in range(60):
        scores = run_scores(*draw(random, means, rows=500))
        answered = answer_asked(scores, _PRODUCT, ["rank", "data_size"], 0)
        (rank,), (size,) = answered["rank"], answered["data_size"]
        found += rank.differs and rank.found.value > 0
        true += not size.differs and rank.interval[0] <= 0.05 <= rank.interval[1]
        # One step of Holm's for each claim.
        assert rank.level == pytest.approx(0.975 if not size.differs else rank.level)
    assert found >= 48
    assert true >= 50


def test_what_a_missed_optimum_costs_is_in_the_interval() -> None:
    scores = run_scores(*draw(np.random.default_rng(1), [0.5] * 6))
    plain = answer_asked(scores, _PRODUCT, ["rank"], 0)["rank"][0]
    alike, apart = (MissedOptima(each, 20) for each in (np.full((6, 6), 0.01), 0.01 * np.eye(6)))
    shared = answer_asked(scores, _PRODUCT, ["rank"], 0, alike)["rank"][0]
    own = answer_asked(scores, _PRODUCT, ["rank"], 0, apart)["rank"][0]
    # What all strata lose alike is no difference between them.
    assert shared.interval == pytest.approx(plain.interval)
    width = [high - low for low, high in (plain.interval, own.interval)]
    assert width[1] > width[0] + 0.1


def test_all_others_are_compared_with_the_best_at_once() -> None:
    scores = run_scores(*draw(np.random.default_rng(2), [0.5, 0.9, 0.5, 0.5]))
    found = against_best(scores, 1)
    assert [index for index, _, _ in found] == [0, 2, 3]
    for _, contrast, (low, high) in found:
        assert low < contrast.value < high < 0
        alone = contrast.interval()
        assert high - low > alone[1] - alone[0]
    assert against_best(run_scores(*draw(np.random.default_rng(2), [0.5])), 0) == []


def test_single_runs_answer_nothing() -> None:
    scores = run_scores(*draw(np.random.default_rng(3), [0.5] * 6, seeds=1))
    assert answer_asked(scores, _PRODUCT, ["rank"], 0) == {}
    assert against_best(scores, 0) == []
