"""What is zeroed depends on what a number is, and looks drawn by chance."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.passes.dropout import Place, row_keys, token_keys

ROWS, LENGTH, FEATURES = 16, 50, 64
COUNT = ROWS * LENGTH * FEATURES


def kept(seed: int = 0, step: int = 0, place: int = 0, rate: float = 0.1) -> torch.Tensor:
    keys = torch.tensor(row_keys(seed, step, range(ROWS)), dtype=torch.int32)
    return Place(place).keep(token_keys(keys, LENGTH), FEATURES, rate)


def near(count: int, of: int, probability: float) -> bool:
    """Says whether a count is within five standard deviations of what chance gives."""
    return abs(count - of * probability) < 5 * math.sqrt(of * probability * (1 - probability))


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.1, 0.5, 0.9])
def test_so_many_are_zeroed_as_the_rate_says(rate: float) -> None:
    for seed in range(5):
        assert near(int((~kept(seed, rate=rate)).sum()), COUNT, rate)


def test_each_feature_and_each_token_is_zeroed_as_often() -> None:
    zeroed = torch.stack([~kept(seed, place=3, rate=0.3) for seed in range(20)])
    of_feature = zeroed.sum(dim=(0, 1, 2))
    of_token = zeroed.sum(dim=(0, 1, 3))
    assert all(near(int(n), 20 * ROWS * LENGTH, 0.3) for n in of_feature)
    assert all(near(int(n), 20 * ROWS * FEATURES, 0.3) for n in of_token)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (kept(), kept(seed=1)),
        (kept(), kept(step=1)),
        (kept(), kept(place=1)),
        (kept(place=1), kept(place=2)),
        (kept()[1:], kept()[:-1]),
        (kept()[:, 1:], kept()[:, :-1]),
        (kept()[:, :, 1:], kept()[:, :, :-1]),
        (kept()[:, :, 32:], kept()[:, :, :-32]),
    ],
    ids=["seed", "step", "place", "places", "row", "token", "feature", "far feature"],
)
def test_what_differs_in_one_thing_is_drawn_apart(one: torch.Tensor, other: torch.Tensor) -> None:
    both = ~one & ~other
    assert near(int(both.sum()), both.numel(), 0.01)


@given(rows=st.permutations(range(6)), length=st.integers(1, 30), features=st.integers(1, FEATURES))
def test_a_row_draws_the_same_in_every_pass(rows: list[int], length: int, features: int) -> None:
    keys = torch.tensor(row_keys(5, 7, range(6)), dtype=torch.int32)
    whole = Place(2).keep(token_keys(keys, 30), FEATURES, 0.2)
    part = Place(2).keep(token_keys(keys[rows[:3]], length), features, 0.2)
    assert torch.equal(part, whole[rows[:3], :length, :features])
