"""One value of a parameter: what it is taken as, and what is said of it."""

from __future__ import annotations

import pytest

from orchestrator.search_space.parameter_values import convert, judge
from orchestrator.search_space.space import DATA_SIZE, EPOCHS
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import TECHNIQUES

LORA = TECHNIQUES["lora"].parameters
ALL = {**LORA, "data_size": DATA_SIZE, "epochs": EPOCHS}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("learning_rate", -1e-3, "is -0.001, but must be > 0"),
        ("learning_rate", 1e300, "is 1e+300, but must be <= 10"),
        ("learning_rate", -1e300, "is -1e+300, but must be > 0"),
        ("learning_rate", 10**17, "is 1e+17, but must be <= 10"),
        ("learning_rate", 1e-320, "is 9.99989e-321, but must be at least 1e-12: nothing nearer"),
        ("weight_decay", 5e-324, "is 4.94066e-324, but must be 0 or at least 1e-12: nothing"),
        ("weight_decay", -1e-320, "but must be 0 or at least 1e-12"),
        ("warmup", 0.51, "is 0.51, but must be <= 0.5"),
        ("dropout", 1, "is 1.0, but must be < 1"),
        ("dropout", 1e17, "is 1e+17, but must be < 1"),
        ("gradient_clipping", 1e7, "is 10000000.0, but must be <= 1e+06"),
        ("batch_size", 10**9, "is 1000000000, but must be <= 65536"),
        ("batch_size", 1e300, "is 1e+300, but must be <= 65536"),
        ("batch_size", -1e300, "is -1e+300, but must be >= 1"),
        ("batch_size", True, "is true, but must be a whole number"),
        ("batch_size", "8", 'is "8", but must be a whole number'),
        ("batch_size", None, "is null, but must be a whole number"),
        ("rank", 8.5, "is 8.5, but must be a whole number"),
        ("learning_rate", "2024-01-01", 'is "2024-01-01", but must be a number'),
        ("gradient_checkpointing", 1, "is 1, but must be true or false"),
        ("data_size", 10**9 + 1, "is 1000000001, but must be <= 1e+09"),
        ("epochs", 10_001, "is 10001.0, but must be <= 10000"),
        ("epochs", 0, "is 0.0, but must be > 0"),
    ],
)
def test_a_wrong_value_is_told_with_the_rule(name: str, value: Scalar, problem: str) -> None:
    assert problem in str(judge(value, ALL[name])[1])


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("learning_rate", 10, 10.0),
        ("learning_rate", 1e-12, 1e-12),
        ("weight_decay", 0, 0.0),
        ("rank", 8.0, 8),
        ("data_size", 1e9, 10**9),
        ("alpha", None, None),
        ("target_modules", "all", "all"),
        ("target_modules", "q, v", "q,v"),
        ("target_modules", "v,q", "q,v"),
        ("target_modules", "o,wi_1,k,decoder.wi_0", "k,o,decoder.wi_0,wi_1"),
        ("target_modules", "q,\t\t", "q"),
    ],
)
def test_a_right_value_is_taken_in_the_parameters_kind(
    name: str, value: Scalar, taken: Scalar
) -> None:
    found, problem = judge(value, ALL[name])
    assert (found, type(found), problem) == (taken, type(taken), None)


@pytest.mark.parametrize(("value", "kind"), [(16**300, float), (1e300, int), (2**53 + 1, float)])
def test_a_number_that_would_change_or_overflow_stays_what_it_is(value: float, kind: type) -> None:
    assert convert(value, kind) is value
