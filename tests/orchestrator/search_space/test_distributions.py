"""Ranges that nothing can be drawn from, or too much, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.search_space.distributions import Distribution, count_values, finite_values, parse
from orchestrator.search_space.space import DATA_SIZE
from trainables.techniques.registry import TECHNIQUES

LORA = TECHNIQUES["lora"].parameters
ALL = {**LORA, "data_size": DATA_SIZE}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (
            "learning_rate",
            {"quniform": [0.1, 1, 1e-320]},
            "has the step 1e-320, which makes more than 100,000 values; raise it to at least",
        ),
        ("learning_rate", {"quniform": [0.1, 1, 5e-324]}, "makes more than 100,000 values"),
        ("learning_rate", {"quniform": [0.1, 1, 1e-9]}, "makes more than 100,000 values"),
        ("learning_rate", {"quniform": [0.1, 1, -0.1]}, "has the step -0.1, but it must be above"),
        ("learning_rate", {"quniform": [0.1, 1, 0]}, "has the step 0, but it must be above 0"),
        ("learning_rate", {"quniform": [0.1, 1, None]}, "has null, but must be numbers"),
        ("learning_rate", {"quniform": [0.1, 1, "0.1"]}, 'has "0.1", but must be numbers'),
        (
            "learning_rate",
            {"quniform": [0.1, 1, 5]},
            "has the step 5, but it must be at most high - low, 0.9",
        ),
        ("learning_rate", {"quniform": [0.1, 1, 1e300]}, "must be at most high - low, 0.9"),
        (
            "learning_rate",
            {"quniform": [3.6666666666666665, 4, 0.3333333333333333]},
            "has the step 0.3333333333333333, whose multiples have more digits than a number can"
            " hold; round it, or list the values with {choice: [...]}",
        ),
        # 9.9999999999 steps of 0.1 pass for ten, and ten are 1.
        ("dropout", {"quniform": [0, 0.99999999999, 0.1]}, "is drawn as 1, which is 1.0, but must"),
        ("learning_rate", {"uniform": [1e-320, 1]}, "low is 9.99989e-321, but must be at least"),
        ("learning_rate", {"loguniform": [1e-310, 1e-300]}, "low is 1e-310, but must be at least"),
        ("learning_rate", {"loguniform": [0, 1]}, "on a log scale low must be above 0"),
        ("learning_rate", {"uniform": [-1e300, 1e300]}, "low is -1e+300, but must be > 0"),
        ("learning_rate", {"uniform": [1, 1]}, "low must be below high"),
        ("batch_size", {"randint": [1, 10**9]}, "high is 999999999, but must be <= 65536"),
        ("batch_size", {"randint": [1, 1e300]}, "high is 1e+300, but must be <= 65536"),
        ("batch_size", {"randint": [0.2, 0.9]}, "has 0.2, but must be whole numbers"),
        ("batch_size", {"randint": [8, 8]}, "low must be below high"),
        ("batch_size", {"randint": [True, 8]}, "has true, but must be numbers"),
        ("batch_size", {"lograndint": [0, 8]}, "on a log scale low must be above 0"),
        ("data_size", {"lograndint": [1, 10**9 + 2]}, "high is 1000000001, but must be <= 1e+09"),
        ("rank", {"choice": [1, 1.0]}, "is 1, which the list has already"),
        ("target_modules", {"choice": ["q,v", "q, v"]}, "which the list has already"),
        ("target_modules", {"choice": ["q,v", "v,q"]}, "which the list has already"),
        ("rank", {"choice": [4, {"a": 1}]}, "is a group of keys (a), but must be a single value"),
    ],
)
def test_a_range_that_nobody_means_is_refused(name: str, value: Any, problem: str) -> None:
    _, faults = parse(value, ALL[name])
    assert any(problem in message for _, message in faults), faults


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ({"quniform": [0.1, 1, 0.1]}, 10),
        ({"quniform": [0.1, 0.4, 0.3]}, 0),  # no multiples
        ({"quniform": [0.3, 0.6, 0.3]}, 2),
        ({"quniform": [1e-5, 1, 1e-5]}, 100_000),
        ({"quniform": [0.75, 0.75001, 1e-9]}, 10_001),
    ],
)
def test_steps_are_counted_before_they_are_listed(value: Any, count: int) -> None:
    distribution, faults = parse(value, LORA["learning_rate"])
    assert bool(faults) == (count == 0)
    if isinstance(distribution, Distribution):
        assert count_values(distribution) == count == len(finite_values(distribution) or ())


def test_a_list_of_nothing_but_mistakes_is_told_in_a_hundred_of_them() -> None:
    _, faults = parse({"choice": ["x"] * 1000}, LORA["rank"])
    assert len(faults) == 100
