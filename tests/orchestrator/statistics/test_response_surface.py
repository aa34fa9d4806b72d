from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from orchestrator.statistics.response_surface import (
    NoSurface,
    Surface,
    Tuned,
    fit_surface,
    score_per_unit,
    searched_thinly,
)

_LOW, _HIGH = 1e-4, 1e-2
_RANKS = (4, 16, 64)


def _tried(
    value: Callable[[int, float], float], noise: float = 0.0, rates: int = 6, seed: int = 0
) -> list[Tuned]:
    """Configurations of every rank, their rates spread over the range."""
    random = np.random.default_rng(seed)
    found = []
    for rank in _RANKS:
        edges = np.linspace(-4, -2, rates + 1)
        found += [
            Tuned({"rank": rank}, 10**place, value(rank, place) + random.normal(0, noise))
            for place in random.uniform(edges[:-1], edges[1:])
        ]
    return found


def _parabola(rank: int, place: float) -> float:
    """A loss whose best rate falls by a quarter of a decade with each step of rank."""
    return 1.0 + 0.3 * (place - _best(rank)) ** 2


def _best(rank: int) -> float:
    return -2.75 - 0.25 * math.log(rank / 4, 4)


def _fitted(tried: list[Tuned], mode: str = "min") -> Surface:
    found = fit_surface(tried, _LOW, _HIGH, mode=mode)
    assert isinstance(found, Surface), found
    return found


def test_a_parabola_is_found_exactly() -> None:
    found = _fitted(_tried(_parabola))
    assert [each["rank"] for each in found.strata] == list(_RANKS)
    assert np.log10(found.rates) == pytest.approx([_best(rank) for rank in _RANKS])
    assert np.abs(found.missing).max() < 1e-9
    assert not any(found.at_an_end)


def test_a_score_is_a_loss_upside_down() -> None:
    upside = [Tuned(each.stratum, each.rate, 5 - each.value) for each in _tried(_parabola, 0.02)]
    assert _fitted(upside, "max").rates == pytest.approx(_fitted(_tried(_parabola, 0.02)).rates)


def test_what_is_lost_is_as_much_as_is_said() -> None:
    said, lost = [], []
    for seed in range(40):
        found = _fitted(_tried(_parabola, 0.03, seed=seed))
        said.append(np.trace(found.missing))
        true = [_best(rank) for rank in _RANKS]
        lost.append(sum((0.3 * (np.log10(found.rates) - true) ** 2) ** 2))
    assert np.mean(said) > np.mean(lost)
    assert np.median(said) < 100 * np.mean(lost)


def test_an_optimum_beyond_what_was_tried_is_the_outermost_rate_and_said_to_be() -> None:
    tried = _tried(lambda rank, place: (place - _best(rank) - 0.9) ** 2)
    found = _fitted(tried)
    assert found.at_an_end == (True, True, False)
    assert found.rates[0] == pytest.approx(max(each.rate for each in tried[:6]))
    assert max(found.rates) < _HIGH


def test_a_cliff_does_not_move_the_optimum() -> None:
    def cliff(rank: int, place: float) -> float:
        return 9.0 if place > -2.3 else _parabola(rank, place)

    tried = _tried(cliff)
    found = _fitted(tried)
    assert found.left_out >= sum(each.value == 9.0 for each in tried) > 0
    for stratum, rate in zip(found.strata, found.rates, strict=True):
        own = [each for each in tried if each.stratum == stratum and each.value < 9.0]
        # At the best rate, or as near to it as was seen not to be beyond the cliff.
        known = min(10 ** _best(int(str(stratum["rank"]))), max(each.rate for each in own))
        assert rate == pytest.approx(known)


def test_without_an_optimum_there_is_no_surface() -> None:
    found = fit_surface(_tried(lambda _, place: -((place + 3) ** 2)), _LOW, _HIGH, mode="min")
    assert isinstance(found, NoSurface)
    assert "no best rate" in found.reason
    few = fit_surface(_tried(_parabola, rates=2), _LOW, _HIGH, mode="min")
    assert isinstance(few, NoSurface)
    assert "6 configurations are too few" in few.reason


def test_what_else_was_tuned_has_its_best_value() -> None:
    random = np.random.default_rng(3)
    tried = [
        Tuned(each.stratum, each.rate, each.value + 0.2 * (layers == "q,v"), {"layers": layers})
        for each in _tried(_parabola, 0.01)
        for layers in [str(random.choice(["q,v", "q,k,v,o"]))]
    ]
    assert dict(_fitted(tried).others) == {"layers": "q,k,v,o"}


def test_names_have_an_optimum_of_their_own() -> None:
    tried = [
        Tuned({"technique": name}, 10**place, (place - best) ** 2)
        for name, best in (("lora", -2.5), ("full", -3.6))
        for place in np.linspace(-4, -2, 6)
    ]
    assert np.log10(_fitted(tried).rates) == pytest.approx([-2.5, -3.6])


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ([1e-4, 2e-4, 4e-4, 1e-3, 3e-3], "5 rates were tried, of the 6 that are needed"),
        ([1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 1e-3], "leave a third of the range untried"),
        ([3e-4, 3e-4, 1e-3, 1e-3, 3e-3, 3e-3], "3 rates"),
    ],
)
def test_too_few_rates_are_said(rates: list[float], words: str) -> None:
    assert words in (searched_thinly(rates, _LOW, _HIGH) or "")


def test_rates_over_the_whole_range_are_enough() -> None:
    assert searched_thinly([1e-4, 2e-4, 5e-4, 1e-3, 3e-3, 1e-2], _LOW, _HIGH) is None


def test_what_a_unit_of_loss_is_worth() -> None:
    losses = [1.0, 1.1, 1.3, 1.6]
    assert score_per_unit(losses, [0.8 - 0.5 * each for each in losses]) == pytest.approx(0.5)
    assert score_per_unit(losses, [0.2, 0.3, 0.1, 0.2]) != 0.0
    assert score_per_unit(losses[:3], [0.1, 0.2, 0.3]) is None
    assert score_per_unit([1.0] * 4, [0.1, 0.2, 0.3, 0.4]) is None
