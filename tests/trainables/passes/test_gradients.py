"""A member's numbers are its own, whoever shares its passes."""

from __future__ import annotations

import random
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainables.passes import bases
from tests.trainables.passes.bases import random_base
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.gradients import add_gradients
from trainables.passes.joined import join_layers

# In double precision: in single a ten-thousandth of a gradient that nearly cancels is rounding.
BASE = random_base(dropout=0.1).double()
join_layers(BASE)
FROZEN = FrozenT5(BASE)

ONE_PASS = 1e9
Lengths = list[tuple[int, int]]
member = partial(bases.member, BASE)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(bases.drawn_members(most_rank=6, most_rows=5), min_size=1, max_size=4),
    st.sampled_from([0.0, 20.0, ONE_PASS]),
    st.randoms(use_true_random=False),
)
def test_losses_and_gradients_are_those_of_a_member_alone(
    drawn: list[tuple[int, str, float, Lengths]], overhead: float, order: random.Random
) -> None:
    members = [member(number, *each) for number, each in enumerate(drawn)]
    alone = []
    for adapter, own in members:
        (loss,) = add_gradients(FROZEN, [own], ONE_PASS)
        alone.append((loss, adapter.gradients()))
    places = order.sample(range(len(members)), len(members))
    losses = add_gradients(FROZEN, [members[place][1] for place in places], overhead)
    for place, loss in zip(places, losses, strict=True):
        expected, gradients = alone[place]
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
        for name, gradient in members[place][0].gradients().items():
            scale = float(gradients[name].abs().max())
            torch.testing.assert_close(gradient, gradients[name], rtol=1e-4, atol=1e-6 * scale)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_its_members_alone(broken: float) -> None:
    (ill, first), (well, second) = (
        member(number, 2, "all-linear", 0.1, [(5, 4), (9, 3)]) for number in (1, 2)
    )
    (expected,) = add_gradients(FROZEN, [second], ONE_PASS)
    gradients = well.gradients()
    next(iter(ill.updates.values())).up.data.fill_(broken)
    losses = add_gradients(FROZEN, [first, second], ONE_PASS)
    assert not torch.isfinite(losses[0])
    torch.testing.assert_close(losses[1], expected)
    for name, gradient in well.gradients().items():
        torch.testing.assert_close(gradient, gradients[name])
