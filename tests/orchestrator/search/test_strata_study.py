from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.run_result import RunResult
from orchestrator.search.spread import CELLS, spread
from orchestrator.search.strata_study import StrataStudy, study_of
from orchestrator.search.study import ConfigurationStudy
from orchestrator.search_space import Sweep
from orchestrator.search_space.distributions import LogUniform
from orchestrator.search_space.space import Space
from tests.orchestrator import sweeps

RATES = {"loguniform": [1e-4, 1e-1]}


def _sweep(folder: Path, **changes: Any) -> Sweep:
    space = {
        "technique": {"lora": {"rank": {"choice": [4, 64]}, "learning_rate": RATES}},
        "data_size": 100,
    }
    return sweeps.toy(folder, **{"ask": ["rank"], "space": space, "trials": 24} | changes)


def _propose(study: StrataStudy, numbers: range) -> list[Configuration]:
    proposed = [study.propose(number) for number in numbers]
    return [each for each in proposed if each is not None]


def test_trials_are_dealt_to_the_strata_in_turn(tmp_path: Path) -> None:
    proposed = _propose(StrataStudy(_sweep(tmp_path)), range(8))
    assert [each["rank"] for each in proposed] == [4, 64] * 4


@pytest.mark.parametrize("mode", ["max", "min"])
def test_optima_a_decade_apart_are_each_found(tmp_path: Path, mode: str) -> None:
    optima = {4: -2.2, 64: -3.4}
    metric = {"max": "rouge_l", "min": "eval_loss"}[mode]
    found: list[float] = []
    for seed in range(3):
        study = StrataStudy(_sweep(tmp_path, seed=seed, objective={"metric": metric}))
        tried: dict[int, list[float]] = {4: [], 64: []}
        for number in range(24):
            (chosen,) = _propose(study, range(number, number + 1))
            rank, rate = chosen["rank"], chosen["learning_rate"]
            assert isinstance(rank, int)
            assert isinstance(rate, float)
            off = abs(math.log10(rate) - optima[rank])
            tried[rank].append(off)
            value = 0.6 - 0.1 * off**2
            study.finish(
                number, [RunResult("completed", ((100, value if mode == "max" else -value),))]
            )
        assert {len(each) for each in tried.values()} == {12}
        found += [min(each) for each in tried.values()]
    assert max(found) < 0.3


def test_a_continued_search_proposes_what_an_undisturbed_one_would(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, points=[{"technique": "lora", "data_size": 100, "rank": 64}])
    result = [RunResult("completed", ((100, 0.5),))]
    whole = StrataStudy(sweep)
    proposed = []
    for number in range(16):
        proposed.append(whole.propose(number))
        whole.finish(number, result)
    continued = StrataStudy(sweep)
    for number in range(11):
        assert continued.propose(number, proposed[number]) == proposed[number]
        continued.finish(number, result)
    for number in range(11, 16):
        assert continued.propose(number) == proposed[number]
        continued.finish(number, result)


def test_a_stratum_without_another_configuration_leaves_its_turn_to_the_next(
    tmp_path: Path,
) -> None:
    space = {
        "technique": {"lora": {"rank": {"choice": [4, 8]}, "dropout": {"choice": [0.0, 0.1]}},
                      "full": {"learning_rate": RATES}},
        "data_size": 100,
    }  # fmt: skip
    study = StrataStudy(_sweep(tmp_path, ask=["technique", "rank"], space=space))
    proposed = _propose(study, range(12))
    assert Counter((each["technique"], each.get("rank")) for each in proposed) == {
        ("full", None): 8,
        ("lora", 4): 2,
        ("lora", 8): 2,
    }
    assert len({configuration_id(each) for each in proposed}) == 12


def test_a_finite_space_ends(tmp_path: Path) -> None:
    space = {"technique": {"lora": {"rank": {"choice": [4, 8]}}}, "data_size": {"choice": [1, 2]}}
    study = StrataStudy(_sweep(tmp_path, space=space, trials=4))
    assert len(_propose(study, range(4))) == 4
    assert study.propose(4) is None


def test_a_grid_is_only_grouped(tmp_path: Path) -> None:
    space = {"technique": {"lora": {"rank": {"choice": [4, 8]}}}, "data_size": 100}
    grid = _sweep(tmp_path, space=space, search={"method": "grid"}, trials=None)
    assert isinstance(study_of(grid), ConfigurationStudy)
    assert isinstance(study_of(_sweep(tmp_path)), StrataStudy)
    assert isinstance(study_of(_sweep(tmp_path, ask=None)), ConfigurationStudy)


@given(st.integers(0, 2**31 - 1), st.floats(1e-6, 1.0), st.floats(1.0, 1e4))
def test_the_first_rates_lie_in_different_parts_of_the_range(
    seed: int, low: float, factor: float
) -> None:
    high = low * (1.001 * factor)
    branch = {"learning_rate": LogUniform(loguniform=(low, high))}
    space = Space.model_construct(technique={"lora": branch, "qlora": branch}, data_size=100)
    for technique in space.technique:
        drawn = [each for each in spread(space, (seed, 0)) if each["technique"] == technique]
        rates = [each["learning_rate"] for each in drawn]
        assert len(rates) == CELLS
        places = [
            CELLS * math.log(rate / low) / math.log(high / low)
            for rate in rates
            if isinstance(rate, float)
        ]
        assert all(-1e-6 <= place <= CELLS + 1e-6 for place in places)
        assert all(
            abs(place - (cell + 0.5)) <= 0.5 + 1e-6 for cell, place in enumerate(sorted(places))
        )


def test_every_kind_of_range_is_drawn_from_within(tmp_path: Path) -> None:
    branch = {
        "rank": {"lograndint": [1, 65]},
        "dropout": {"uniform": [0.0, 0.3]},
        "warmup": {"quniform": [0.0, 0.08, 0.02]},
        "batch_size": {"choice": [8, 16]},
        "learning_rate": RATES,
    }
    space = {"technique": {"lora": branch, "full": {}}, "data_size": {"randint": [10, 20]}}
    sweep = _sweep(tmp_path, ask=["technique"], space=space)
    study = StrataStudy(sweep)
    for chosen in _propose(study, range(2 * CELLS)):
        assert sweep.stratum_of(chosen) == (("technique", chosen["technique"]),)
