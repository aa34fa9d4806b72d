"""A member's numbers are its own, whoever shares its passes."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainables.passes import bases
from tests.trainables.passes.bases import assert_close, low_rank, prefix, random_base
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
    drawn: list[tuple[bases.Given, Lengths]], overhead: float, order: random.Random
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
        member(number, low_rank(2, "all-linear", 0.1), [(5, 4), (9, 3)]) for number in (1, 2)
    )
    (expected,) = add_gradients(FROZEN, [second], ONE_PASS)
    gradients = well.gradients()
    next(iter(ill.adapter.updates.values())).up.data.fill_(broken)
    losses = add_gradients(FROZEN, [first, second], ONE_PASS)
    assert not torch.isfinite(losses[0])
    torch.testing.assert_close(losses[1], expected)
    for name, gradient in well.gradients().items():
        torch.testing.assert_close(gradient, gradients[name])


def test_what_members_with_prefixes_read_alike_is_encoded_once() -> None:
    lengths = [(5, 4), (9, 3), (7, 2)]
    of_prefix = [member(number, prefix(3 + number), lengths) for number in range(3)]
    of_layers = member(3, low_rank(2), lengths)
    rows = of_prefix[0][1].sources
    plain = FrozenT5(random_base().double())
    for base, encoded in ((FROZEN, 12), (plain, 3 + 3)):
        with mock.patch.object(base._encoder, "_norm", side_effect=base._encoder._norm) as norm:
            members = [replace(own, sources=rows) for _, own in [*of_prefix, of_layers]]
            add_gradients(base, members, ONE_PASS)
        (call,) = norm.call_args_list
        assert len(call.args[0]) == encoded  # dropout of the base's own is a row's own


def test_equal_prompts_give_each_member_the_numbers_that_it_has_alone() -> None:
    base = random_base().double()
    frozen = FrozenT5(base)
    lengths = [(5, 4), (9, 3), (5, 6)]
    given = [prefix(3), low_rank(2, "q,v", 0.3), prefix(1, projection=True)]
    members = [bases.member(base, number, each, lengths) for number, each in enumerate(given)]
    rows = members[0][1].sources
    steps = [replace(own, sources=[rows[0], rows[1], rows[0]]) for _, own in members]
    alone = [
        (add_gradients(frozen, [own], ONE_PASS), adapter.gradients())
        for own, (adapter, _) in zip(steps, members, strict=True)
    ]
    losses = add_gradients(frozen, steps, ONE_PASS)
    torch.testing.assert_close(losses, torch.cat([loss for loss, _ in alone]))
    for (adapter, _), (_, gradients) in zip(members, alone, strict=True):
        assert_close(adapter.gradients(), gradients)
