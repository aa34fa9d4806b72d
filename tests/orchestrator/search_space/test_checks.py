"""Sizes that no machine could run, and what is advised instead."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from orchestrator.search_space import SpecError, load
from orchestrator.search_space.checks import at_least
from orchestrator.search_space.stopping_rules import MOST_RUNGS
from tests.orchestrator import sweeps

LORA = {"technique": "lora", "data_size": 100}


def problems(folder: Path, **changes: Any) -> str:
    """Returns what is wrong with a toy file with changes."""
    with pytest.raises(SpecError) as caught:
        load(sweeps.write(folder, **changes))
    assert {found.place for found in caught.value.problems} == {str(folder / "toy.yaml")}
    return "\n".join(found.message for found in caught.value.problems)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stopping": {"first_rung": 0.1, "reduction_factor": 1.0000000001}},
            "stopping.reduction_factor: is 1.0000000001, which makes 23,025,849,026 rungs from 0.1"
            " on, but must make at most 50; take at least 1.05",
        ),
        (
            {"stopping": {"first_rung": 0.1, "reduction_factor": 1.0000000000000002}},
            "but must make at most 50",
        ),
        (
            {"stopping": {"first_rung": 0.1, "reduction_factor": 1.05}},
            "stopping.reduction_factor: is 1.05, but rungs must lie at least one optimiser step"
            " apart: batch_size goes up to 16, and the first rung is 90 examples; take at least"
            " 1.18",
        ),
        (
            {"stopping": {"first_rung": 0.1, "reduction_factor": 1e300}},
            "stopping.reduction_factor: is 1e+300, but must be <= 100",
        ),
        (
            {"stopping": {"first_rung": 1e-300, "reduction_factor": 2}},
            "stopping.reduction_factor: is 2, which makes 997 rungs",
        ),
        (
            {"stopping": {"first_rung": 1e-5, "reduction_factor": 3}},
            "stopping.first_rung: is 1e-05, which is 0.009 examples, but must be at least one",
        ),
        ({"stopping": {"first_rung": 1, "reduction_factor": 3}}, "first_rung: is 1, but must be <"),
        ({"budget": {"examples": 10**13}}, "budget.examples: is 10000000000000, but must be <= 1"),
        ({"budget": {"examples": 1e300}}, "budget.examples: is 1e+300, but must be <= 1000000000"),
        ({"budget": {"examples": 10}}, "is 10, but must hold one optimiser step"),
        ({"trials": 10_001}, "trials: is 10001, but must be <= 10,000; narrow the space"),
        ({"trials": 10**9}, "trials: is 1000000000, but must be <= 10,000"),
        ({"replicates": 1_001}, "replicates: is 1001, but must be <= 1000"),
        (
            {"trials": 9_999, "replicates": 11, "points": [LORA]},
            "replicates: is 11, but 11 x 10,000 configurations are 110,000 trials and must be at"
            " most 100,000; lower one of the two",
        ),
        ({"seed": 2**31}, "seed: is 2147483648, but must be <= 2147483647"),
        ({"seed": True}, "seed: is true, but must be a whole number"),
        ({"evaluation": {"test_rows": 0}}, "evaluation.test_rows: is 0, but must be >= 1"),
        ({"evaluation": {"validation_rows": 10**9}}, "is 1000000000, but must be <= 1000000"),
        ({"resources": {"accelerators": 5e-324}}, "is 4.94066e-324, but must be at least 0.01"),
        ({"resources": {"accelerators": 1e300}}, "is 1e+300, but must be <= 1024"),
        ({"resources": {"kinds": []}}, "but must be a list of kinds of devices (cuda, mps, cpu)"),
        ({"resources": {"kinds": ["gpu"]}}, "must be 'cuda', 'mps' or 'cpu'"),
        ({"resources": {"cpus": 10**9}}, "resources.cpus: is 1000000000, but must be <= 1024"),
        *(
            (
                {"resources": {"pack": value}},
                f"resources.pack: is {shown}, but must be auto or a whole number from 1 to 64",
            )
            for value, shown in (
                *(("autos", '"autos"'), (0, "0"), (65, "65"), (2.5, "2.5"), (True, "true")),
                *((None, "null"), ([8], "a list of 1")),
            )
        ),
        ({"limits": {"heartbeat_minutes": 1e-9}}, "is 1e-09, but must be >= 0.01"),
        ({"limits": {"checkpoint_gigabytes": 1e300}}, "is 1e+300, but must be <= 1000000"),
        ({"lengths": {"source": 10**9}}, "lengths.source: is 1000000000, but must be <= 65536"),
        ({"base_model": "a\nb"}, 'base_model: is "a\\nb", but must not hold line breaks'),
        ({"dataset": "d" * 300}, "but no part of a path has more than 255 bytes"),
        ({"dataset": "s3://rows/train.parquet"}, "an address (s3://), but must be a path or an"),
        ({"base_model": "gs://models/t5"}, "an address (gs://), but must be a path or an"),
        ({"dataset": "d/" * 600}, "dataset: is "),
        ({"base_model": "m/x", "base_model_revision": ""}, "base_model_revision: is"),
    ],
)
def test_what_is_out_of_all_proportion_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    assert message in problems(tmp_path, **changes)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        (
            {"epochs": 0.1},
            "points.0.epochs: is 0.1, which is 10 examples, but must hold one optimiser step:"
            " batch_size is 16; take at least 0.16",
        ),
        ({"epochs": 1e-9}, "take at least 0.16"),
        ({"epochs": 5, "batch_size": 1024}, "batch_size is 1024; take at least 11"),
        (
            {"epochs": 1000, "data_size": 10**8},
            "is 1000, which is 100,000,000,000 examples, but must make at most 1,000,000,000",
        ),
        (
            {"technique": {"lora": {"rank": 8}}},
            "points.0.technique: is a group of keys (lora), but",
        ),
        ({"technique": ["lora"]}, "technique: is a list of 1, but must be one of pretrained, full"),
        ({"technique": 3}, "technique: is 3, but must be one of pretrained, full"),
        ({"technique": True}, "technique: is true, but must be one of pretrained, full"),
        ({"technique": "Lora"}, 'unknown technique "Lora"; did you mean "lora"?'),
        ({"data_size": {"choice": [3]}}, "data_size: is a group of keys (choice), but a point is"),
        ({"rank": [8]}, "rank: is a list of 1, but a point is fixed: give a single value"),
        ({"learning_rate": -1e-3}, "points.0.learning_rate: is -0.001, but must be > 0"),
        ({"learning_rate": 1e300}, "points.0.learning_rate: is 1e+300, but must be <= 10"),
    ],
)
def test_a_point_that_no_trial_can_be_is_refused(
    point: dict[str, Any], message: str, tmp_path: Path
) -> None:
    only = {"space": None, "trials": None, "stopping": None, "points": [LORA | point]}
    assert message in problems(tmp_path, **only)


def test_a_path_may_have_whatever_a_folder_may_be_named(tmp_path: Path) -> None:
    name = str(tmp_path / "modèle\u00a0日本\u3000\u200c[b]")
    assert load(sweeps.write(tmp_path, base_model=name)).base_model == name


def test_a_wrong_metric_of_an_option_is_told_whatever_it_is(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(sweeps.write(tmp_path), ["objective.metric={quniform: [1, 2, 3]}"])
    assert "objective.metric: is a group of keys (quniform), but must be text" in str(caught.value)


def test_a_thousand_points_are_compared_at_once(tmp_path: Path) -> None:
    points = [LORA | {"data_size": 100 + number} for number in range(1000)]
    sweep = load(sweeps.write(tmp_path, points=points))
    assert sweep.configurations == 1 + 1000 + 8
    assert "points.999: is the same as point 500" in problems(
        tmp_path, points=[*points[:999], dict(points[500])]
    )


@pytest.mark.parametrize("factor", [1.05, 1.1, 1.5, 2.0, 2.5, 3.0])
@pytest.mark.parametrize("first", [1e-4, 0.01, 0.1, 0.29, 0.9])
def test_what_is_advised_is_accepted(first: float, factor: float, tmp_path: Path) -> None:
    stopping = {"first_rung": first, "reduction_factor": factor}
    for _ in range(3):  # rung and factor may each need a change
        file = sweeps.write(tmp_path, budget={"examples": 100_000}, stopping=stopping)
        try:
            sweep = load(file)
        except SpecError as error:
            found = error.problems[-1]
            key = found.message.split(":")[0].split(".")[1]
            advice = found.message.split("take at least ")
            stopping[key] = float(advice[1]) if len(advice) == 2 else 0.021  # past the warm-up
        else:
            break
    rungs = sweep.rungs(100_000)
    assert len(rungs) <= MOST_RUNGS + 1
    assert list(rungs) == sorted(set(rungs))
    assert all(after - before >= 16 for before, after in itertools.pairwise(rungs[:-1]))


def test_a_rung_of_exactly_one_step_is_enough(tmp_path: Path) -> None:
    # 0.29 * 100 is 28.999999999999996
    lora = {"learning_rate": 0.1, "batch_size": 29}
    space = {"technique": {"lora": lora}, "data_size": {"choice": [100, 200]}}
    changes = {"space": space, "budget": {"examples": 100}}
    stopping = {"first_rung": 0.29, "reduction_factor": 3}
    assert load(sweeps.write(tmp_path, **changes, stopping=stopping)).rungs(100)[0] == 29


def test_advice_is_rounded_up() -> None:
    assert [at_least(value) for value in (0.16, 0.0059259, 10.24, 1.0)] == [
        *("0.16", "0.0060", "11", "1.0")
    ]


@pytest.mark.parametrize(
    ("budget", "first", "factor", "rungs"),
    [
        (20_000, 0.11, 3, (2200, 6600, 20_000)),  # the next would be 19,800
        (20_000, 0.1, 3, (2000, 6000, 18_000, 20_000)),
        (20_000, 0.1, 2.154, (2000, 4308, 9279, 20_000)),  # 19,988
        (20_000, 0.3333, 3, (6666, 20_000)),  # 19,998
        (20_000, 0.95, 3, (19_000, 20_000)),
        (300, 0.9, 3, (270, 300)),
        (300, 0.317, 3, (95, 300)),  # 285.3: 15 are less than an optimiser step of 16
    ],
)
def test_a_rung_a_hair_before_the_end_is_left_out(
    tmp_path: Path, budget: int, first: float, factor: float, rungs: tuple[int, ...]
) -> None:
    stopping = {"first_rung": first, "reduction_factor": factor}
    sweep = load(sweeps.write(tmp_path, budget={"examples": budget}, stopping=stopping))
    found = sweep.rungs(budget)
    assert found == rungs
    assert budget - found[-2] >= max(0.05 * budget, 16)


@pytest.mark.parametrize("first", [0.951, 0.99, 0.999999, 0.96])
@pytest.mark.parametrize("budget", [320, 900, 20_000])
def test_without_a_rung_at_which_something_is_saved_there_is_no_stopping(
    tmp_path: Path, first: float, budget: int
) -> None:
    changes = {"budget": {"examples": budget}, "stopping": {"first_rung": first}}
    said = problems(tmp_path, **changes)
    assert f"stopping.first_rung: is {first:.12g}, but a trial that ends there must save" in said
    advice = float(said.rsplit("take at most ", 1)[1])
    changes["stopping"] = {"first_rung": advice}
    sweep = load(sweeps.write(tmp_path, **changes))
    assert len(sweep.rungs(budget)) == 2


@pytest.mark.parametrize("first", [0.1, 0.5, 0.9])
def test_a_budget_too_small_for_a_rung_says_so(tmp_path: Path, first: float) -> None:
    said = problems(tmp_path, budget={"examples": 30}, stopping={"first_rung": first})
    assert "raise the budget, or remove stopping" in said
    assert "take at" not in said
