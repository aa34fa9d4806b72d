"""A number that a person writes otherwise than YAML does is told how it is written."""

from __future__ import annotations

import pytest

from trainables.contract.spelled_numbers import advice


@pytest.mark.parametrize(
    ("text", "whole", "words"),
    [
        ("20,000", True, ": write 20000"),
        ("1_000_000", True, ": write 1000000"),
        ("20'000", True, ": write 20000"),
        ("-20 000", True, ": write -20000"),
        ("20k", True, ": write 20000"),
        ("2M", False, ": write 2000000"),
        ("0,001", False, ": write 0.001, with a point"),
        ("1,5", False, ": write 1.5, with a point"),
        ("1,000", False, ": write it with a point before its decimals and nothing between its"),
        ("1,000,000", False, ": write 1000000"),
        ("1.000.000", True, ": write 1000000"),
        ("1,5", True, ""),
        ("2,00", True, ""),
        ("many", True, ""),
        ("", False, ""),
        ("q,v", True, ""),
    ],
)
def test_what_is_meant_is_said(text: str, whole: bool, words: str) -> None:
    assert advice(text, whole=whole).startswith(words)
    assert bool(advice(text, whole=whole)) == bool(words)
