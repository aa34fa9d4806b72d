"""What is zeroed depends on what a number is, and looks drawn by chance."""

from __future__ import annotations

import math
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.checkpoint import checkpoint

from trainables.passes.dropout import Draw, Place, least, row_keys, token_keys, zeroed

ROWS, LENGTH, FEATURES = 16, 50, 64
COUNT = ROWS * LENGTH * FEATURES


def kept(seed: int = 0, step: int = 0, place: int = 0, rate: float = 0.1) -> torch.Tensor:
    keys = torch.tensor(row_keys(seed, step, range(ROWS)), dtype=torch.int32)
    return booleans(Place(place).draw(token_keys(keys, LENGTH), FEATURES, least(rate)))


def booleans(draw: Draw) -> torch.Tensor:
    """Returns what is kept, whatever a mask is made of."""
    return draw.mask(torch.float32) != 0


def near(count: int, of: int, probability: float) -> bool:
    """Says whether a count is within five standard deviations of what chance gives."""
    return abs(count - of * probability) < 5 * math.sqrt(of * probability * (1 - probability))


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.1, 0.5, 0.9, 1.0 - 2e-12])
def test_so_many_are_zeroed_as_the_rate_says(rate: float) -> None:
    for seed in range(5):
        assert near(int((~kept(seed, rate=rate)).sum()), COUNT, rate)


def test_each_feature_and_each_token_is_zeroed_as_often() -> None:
    gone = torch.stack([~kept(seed, place=3, rate=0.3) for seed in range(20)])
    of_feature = gone.sum(dim=(0, 1, 2))
    of_token = gone.sum(dim=(0, 1, 3))
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
    whole = booleans(Place(2).draw(token_keys(keys, 30), FEATURES, least(0.2)))
    part = booleans(Place(2).draw(token_keys(keys[rows[:3]], length), features, least(0.2)))
    assert torch.equal(part, whole[rows[:3], :length, :features])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_number_and_its_gradient_stay_or_are_zero_whatever_their_type(dtype: torch.dtype) -> None:
    tokens = token_keys(torch.tensor(row_keys(1, 2, range(3)), dtype=torch.int32), 7)
    draw = Place(4).draw(tokens, FEATURES, least(0.25))
    numbers = torch.randn(3, 7, FEATURES, dtype=dtype, requires_grad=True)
    expected = torch.where(booleans(draw), numbers, 0.0) / (1.0 - 0.25)
    dropped = zeroed(numbers, draw, 0.25)
    torch.testing.assert_close(dropped, expected)
    weights = torch.randn(3, 7, FEATURES, dtype=dtype)
    ours, theirs = (
        torch.autograd.grad((each * weights).sum(), numbers) for each in (dropped, expected)
    )
    torch.testing.assert_close(ours, theirs)


def test_each_token_may_have_a_rate_of_its_own() -> None:
    tokens = token_keys(torch.tensor(row_keys(1, 2, range(3)), dtype=torch.int32), 7).reshape(-1)
    bounds = torch.tensor([least(rate) for rate in (0.0, 0.3, 0.9)] * 7, dtype=torch.int32)
    place = Place(4)
    found = booleans(place.draw(tokens, FEATURES, bounds))
    for number, rate in enumerate((0.0, 0.3, 0.9)):
        alone = booleans(place.draw(tokens, FEATURES, least(rate)))
        assert torch.equal(found[number::3], alone[number::3])
    assert bool(found[0::3].all())


def test_what_is_zeroed_hides_what_is_not_a_number() -> None:
    tokens = token_keys(torch.tensor([3], dtype=torch.int32), 200)[0]
    draw = Place(0).draw(tokens, 1, least(0.5))
    numbers = torch.full((200, 1), torch.nan)
    assert torch.equal(zeroed(numbers, draw, 0.5).isnan(), booleans(draw))


@pytest.mark.parametrize("checkpointed", [False, True])
def test_off_a_cpu_a_mask_lives_as_long_as_what_else_the_way_back_needs(
    checkpointed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[weakref.ref[torch.Tensor]] = []
    mask = Draw.mask

    def watched(self: Draw, dtype: torch.dtype) -> torch.Tensor:
        found = mask(self, dtype)
        drawn.append(weakref.ref(found))
        return found

    monkeypatch.setattr(Draw, "mask", watched)
    tokens = torch.ones(5, dtype=torch.int32, device="meta")
    draw = Place(0).draw(tokens, 8, 0)
    numbers = torch.ones(5, 8, device="meta", requires_grad=True)
    if checkpointed:
        found = checkpoint(zeroed, numbers, draw, 0.5, use_reentrant=False)
    else:
        found = zeroed(numbers, draw, 0.5)
    assert [each() is None for each in drawn] == [checkpointed]
    found.sum().backward()
    assert [each() is None for each in drawn] == [True] * (1 + checkpointed)
