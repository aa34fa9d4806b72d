"""Nearest names."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.contract.errors import nearest
from trainables.contract.scores import METRICS
from trainables.techniques.registry import TECHNIQUES

NAMES = sorted(
    {*METRICS, *TECHNIQUES, *(name for each in TECHNIQUES.values() for name in each.parameters)}
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("rouge", "rouge_l"),
        ("ROUGE_L", "rouge_l"),
        ("rnak", "rank"),
        ("loss", "eval_loss"),
        ("learningrate", "learning_rate"),
        ("perplexity", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_what_was_meant(name: str, found: str | None) -> None:
    assert nearest(name, [*METRICS, "rank", "learning_rate", "warmup"]) == found


def test_nothing_is_near_among_none() -> None:
    assert nearest("rank", []) is None


def test_a_name_is_given_back_as_it_is_spelled() -> None:
    assert nearest("ALPHA", ["Alpha", "rank"]) == "Alpha"


def test_two_identifiers_of_trials_are_not_near() -> None:
    assert nearest("t-5kq3v7xw2m", ["t-y35gz7ebph", "t-00000012"]) is None


@given(st.sampled_from(NAMES), st.data())
def test_one_slip_has_a_nearest_name(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    for slip in (
        name[:place] + name[place + 1 :],
        name[:place] + letter + name[place + 1 :],
        name[:place] + letter + name[place:],
    ):
        assert nearest(slip, [name, "0000000000"]) == name
