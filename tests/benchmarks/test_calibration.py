"""What a sweep states is true as often as it says, in simulated worlds: the short form.

Bounds are four standard errors wide; `python -m benchmarks.calibration` is the long form.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibration import around
from benchmarks.calibration.statements import Tally, counted, of_configurations
from benchmarks.calibration.stores import SWEEP, answered, compared, write, write_around
from benchmarks.calibration.sweep import simulate
from benchmarks.calibration.worlds import STRATA, WORLDS, World
from orchestrator.results.answer import answer

_SWEEPS = 40
_EQUAL = World("all equal", curve="none")
_EFFECT = World("an effect", effect=0.05, moves=True)


@cache
def _counted(world: World) -> dict[str, Tally]:
    random = np.random.default_rng(0)
    return counted(simulate(world, random) for _ in range(_SWEEPS))


@pytest.mark.parametrize(
    "world", [_EQUAL, World("rate", moves=True), _EFFECT], ids=lambda world: world.name
)
def test_what_is_stated_is_rarely_false(world: World) -> None:
    tallies = _counted(world)
    for tally in (tallies["configurations"], tallies["rivals"], tallies["values"]):
        # 5 % of 40 is 2, give or take 1.4.
        assert tally.false <= 7
        assert tally.covered / tally.intervals >= 0.90
    assert tallies["scores"].covered / tallies["scores"].intervals >= 0.90


def test_an_effect_of_a_twentieth_is_found() -> None:
    tallies = _counted(_EFFECT)
    assert tallies["values"].sweeps >= 0.9 * _SWEEPS
    assert tallies["values"].claimed >= 0.75 * tallies["values"].sweeps
    assert tallies["configurations"].claimed >= 0.75 * _SWEEPS


def test_too_few_rates_say_nothing_of_values() -> None:
    tallies = _counted(replace(_EQUAL, rates=3))
    assert tallies["values"].sweeps == 0
    assert tallies["configurations"].false <= 7


def test_scores_that_are_nearly_all_right_have_intervals() -> None:
    (world,) = (each for each in WORLDS if each.level == 0.98)
    tallies = _counted(world)
    assert tallies["configurations"].false <= 7
    assert tallies["scores"].covered / tallies["scores"].intervals >= 0.88


def test_the_commands_state_what_was_simulated(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for number in range(2):
        sweep = simulate(_EFFECT, random, rows=120)
        root = tmp_path / str(number)
        order = write(sweep, root)
        assert sorted(order) == list(range(len(STRATA)))
        known, found = of_configurations(sweep), answered(sweep, root)
        assert found.keys() == known.keys()
        for name, stated in found.items():
            assert (stated.low, stated.high) == pytest.approx((known[name].low, known[name].high))
            assert stated.true == pytest.approx(known[name].true)
        pair = compared(sweep, root, 4, 0)
        assert pair.low < pair.high
        assert pair.claims == (not pair.low <= 0 <= pair.high)


@cache
def _counted_around(world: World) -> tuple[Tally, Tally]:
    return around.counted(world, np.random.default_rng(0), _SWEEPS)


@pytest.mark.parametrize(
    "world",
    [_EQUAL, _EFFECT, World("measured", curve="measured", moves=True)],
    ids=lambda world: world.name,
)
def test_what_is_stated_of_values_by_runs_around_is_rarely_false(world: World) -> None:
    for tally in _counted_around(world):
        assert tally.sweeps == _SWEEPS
        # 5 % of 40 is 2, give or take 1.4.
        assert tally.false <= 7
        assert tally.covered / tally.intervals >= 0.90


def test_an_effect_of_a_twentieth_is_found_by_runs_around() -> None:
    _, values = _counted_around(_EFFECT)
    # 80 % of 40 is 32, give or take 2.5.
    assert values.claimed >= 22


def test_the_answer_states_of_values_what_was_simulated(tmp_path: Path) -> None:
    sweep = around.simulate(_EFFECT, np.random.default_rng(2), rows=120)
    write_around(sweep, tmp_path)
    _, known = around.stated(sweep)
    found = answered(sweep, tmp_path)
    assert found.keys() == known.keys() == {"rank", "data_size"}
    for name, stated in found.items():
        assert (stated.low, stated.high) == pytest.approx((known[name].low, known[name].high))
        assert stated.true == pytest.approx(known[name].true)
    said = answer(tmp_path, SWEEP)
    assert "and at 3 further rates around its own" in said
    assert "every combination at the learning rate that suits it best, within the range" in said
