"""What a search space may say of a technique."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.techniques.parameters import TECHNIQUES, complete


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_default_is_valid(technique: str) -> None:
    values = complete(technique, {})
    assert list(values) == list(TECHNIQUES[technique])
    for name, value in values.items():
        assert value is not None
        assert TECHNIQUES[technique][name].check(value) is None


@pytest.mark.parametrize(
    ("technique", "name", "value", "problem"),
    [
        ("lora", "rank", 0, "is 0, but must be >= 1"),
        ("lora", "rank", True, "is True, but must be a whole number"),
        ("lora", "rank", 8.0, "is 8.0, but must be a whole number"),
        ("lora", "rank", None, "is None, but must be a whole number"),
        ("lora", "dropout", 1.0, "is 1.0, but must be < 1"),
        ("lora", "learning_rate", 0.0, "is 0.0, but must be > 0"),
        ("lora", "learning_rate", float("nan"), "is nan, but must be finite"),
        ("lora", "learning_rate", "1e-4", "is '1e-4', but must be a number"),
        ("full", "warmup", 0.9, "is 0.9, but must be <= 0.5"),
        ("full", "schedule", "cosine", "one of warmup_stable_decay, linear, constant"),
        ("qlora", "target_modules", "q,lm_head", 'is "q,lm_head", but must be a comma-separated'),
        ("qlora", "target_modules", "", 'is "", but must be a comma-separated'),
        ("qlora", "target_modules", "q,v,q", "must name each layer once"),
        ("prefix", "projection", 1, "is 1, but must be true or false"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(
    technique: str, name: str, value: object, problem: str
) -> None:
    assert problem in (TECHNIQUES[technique][name].check(value) or "")


def test_complete_reports_everything_at_once() -> None:
    with pytest.raises(ValueError, match="rank") as raised:
        complete("lora", {"rnak": 3, "rank": -1, "dropout": 2.0})
    assert 'has no parameter "rnak". Did you mean "rank"?' in str(raised.value)
    assert "lora.rank is -1, but must be >= 1." in str(raised.value)
    assert "lora.dropout is 2.0" in str(raised.value)
    with pytest.raises(ValueError, match="but must be one of pretrained, full, lora"):
        complete("ia3", {})
    with pytest.raises(ValueError, match="does not train"):
        complete("pretrained", {"learning_rate": 0.1})


@given(rank=st.integers(1, 1024), batch=st.integers(1, 512), micro=st.integers(1, 512))
def test_what_follows_from_others(rank: int, batch: int, micro: int) -> None:
    values = complete("lora", {"rank": rank, "batch_size": batch, "micro_batch_size": micro})
    assert values["alpha"] == 2 * rank
    assert values["micro_batch_size"] == min(batch, micro)
    assert complete("lora", {"rank": rank, "alpha": 3})["alpha"] == 3
    assert complete("lora", {"batch_size": batch})["micro_batch_size"] == batch


def test_whole_numbers_become_floats_where_floats_are_meant() -> None:
    rate = complete("full", {"learning_rate": 1})["learning_rate"]
    assert isinstance(rate, float)


def test_needs_the_standard_library_only() -> None:
    program = (
        "import sys; before = set(sys.modules); import trainables.techniques.parameters; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["trainables"]
