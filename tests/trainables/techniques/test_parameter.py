"""What a search space may say of a technique."""

from __future__ import annotations

import pytest

from trainables.techniques.registry import TECHNIQUES


@pytest.mark.parametrize(
    ("technique", "name", "value", "problem"),
    [
        ("lora", "rank", 0, "is 0, but must be >= 1"),
        ("lora", "rank", True, "is true, but must be a whole number"),
        ("lora", "rank", 8.0, "is 8.0, but must be a whole number"),
        ("lora", "rank", None, "is null, but must be a whole number"),
        ("lora", "dropout", 1.0, "is 1.0, but must be < 1"),
        ("lora", "learning_rate", 0.0, "is 0.0, but must be > 0"),
        ("lora", "learning_rate", float("nan"), "is nan, but must be finite"),
        ("lora", "learning_rate", "1e-4", 'is "1e-4", but must be a number'),
        ("full", "warmup", 0.9, "is 0.9, but must be <= 0.5"),
        ("full", "schedule", "cosine", "one of warmup_stable_decay, linear, constant"),
        ("qlora", "target_modules", "q,lm head", 'is "q,lm head", but must be a comma-separated'),
        ("qlora", "target_modules", "", 'is "", but must be a comma-separated'),
        ("qlora", "target_modules", "q,v,q", "must name each layer once"),
        ("prefix", "projection", 1, "is 1, but must be true or false"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(
    technique: str, name: str, value: object, problem: str
) -> None:
    assert problem in (TECHNIQUES[technique].parameters[name].check(value) or "")
