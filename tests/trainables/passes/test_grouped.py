"""Grouped products give what products one member after another give, in launches that stay few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import T5ForConditionalGeneration

from benchmarks.launches import counted
from tests.trainables.passes import bases
from tests.trainables.passes.bases import PeftAdapter, low_rank, random_base, rows, step
from trainables.passes import grouped
from trainables.passes.company import Company
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.gradients import Step, add_gradients
from trainables.passes.parts import Adapter, LowRank, Parts

BASE = random_base(dropout=0.1)
FROZEN = FrozenT5(BASE)
ONE_PASS = 1e9
META = torch.device("meta")

member = partial(bases.member, BASE)


@contextmanager
def taken(*, everywhere: bool) -> Iterator[None]:
    """Has grouped products taken wherever there are several members, or nowhere."""
    with mock.patch.object(grouped, "suits", return_value=everywhere):
        yield


def gradients(
    members: Sequence[tuple[PeftAdapter, Step]],
    *,
    everywhere: bool,
    checkpointed: bool = False,
    frozen: FrozenT5 = FROZEN,
) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    with taken(everywhere=everywhere):
        steps = [replace(own, checkpointed=checkpointed) for _, own in members]
        losses = add_gradients(frozen, steps, ONE_PASS)
    return losses, [adapter.gradients() for adapter, _ in members]


def assert_alike(
    ours: Sequence[dict[str, torch.Tensor]], theirs: Sequence[dict[str, torch.Tensor]]
) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for name, gradient in other.items():
            largest = float(gradient.abs().max())
            torch.testing.assert_close(one[name], gradient, rtol=1e-3, atol=1e-4 * largest + 1e-7)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(bases.drawn_members(most_rank=18, most_rows=4), min_size=2, max_size=4), st.booleans()
)
def test_losses_and_gradients_are_those_of_one_member_after_another(
    drawn: list[tuple[bases.Given, list[tuple[int, int]]]], checkpointed: bool
) -> None:
    members = [member(number, *each) for number, each in enumerate(drawn)]
    expected, theirs = gradients(members, everywhere=False)
    losses, ours = gradients(members, everywhere=True, checkpointed=checkpointed)
    torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-6)
    assert_alike(ours, theirs)


@pytest.mark.parametrize("everywhere", [False, True])
def test_beside_weights_in_four_bits_each_has_the_numbers_that_it_has_alone(
    everywhere: bool,
) -> None:
    base = random_base(dropout=0.1, packed=True)
    members = [
        bases.member(base, number, low_rank(rank, modules, 0.1), [(5, 4), (9, 3), (2, 7)])
        for number, (rank, modules) in enumerate([(3, "q,v"), (9, "all-linear"), (1, "k,o")])
    ]
    frozen = FrozenT5(base)
    alone = [gradients([each], everywhere=False, frozen=frozen) for each in members]
    losses, ours = gradients(members, everywhere=everywhere, frozen=frozen)
    torch.testing.assert_close(losses, torch.cat([loss for loss, _ in alone]))
    assert_alike(ours, [theirs for _, (theirs,) in alone])


@pytest.mark.parametrize("matrix", ["down", "up"])
def test_what_is_not_finite_stays_its_members_own(matrix: str) -> None:
    members = [
        member(number, low_rank(2, "all-linear", 0.1), [(5, 4), (9, 3)]) for number in (1, 2)
    ]
    expected, theirs = gradients(members, everywhere=False)
    for update in members[0][0].adapter.updates.values():
        getattr(update, matrix).data.fill_(float("nan"))
    losses, ours = gradients(members, everywhere=True)
    assert not torch.isfinite(losses[0])
    torch.testing.assert_close(losses[1], expected[1])
    assert_alike(ours[1:], theirs[1:])


def test_answers_are_those_of_one_member_after_another() -> None:
    members = [
        member(number, low_rank(rank, modules), [(3, 3)])
        for number, (rank, modules) in enumerate([(3, "q,v"), (9, "all-linear"), (1, "k,o")])
    ]
    asked = rows(7, [3, 20, 9, 14, 5, 5, 11, 8, 30])
    company = Company(Parts((3, adapter.adapter) for adapter, _ in members))
    found = []
    for everywhere in (False, True):
        with taken(everywhere=everywhere):
            found.append(FROZEN.read(asked, company).answers(20))
    assert found[0] == found[1]
    assert len({tuple(row) for row in found[0]}) > 3


def launches(count: int, *, everywhere: bool) -> int:
    members = [member(number, low_rank(4), [(6, 5)]) for number in range(count)]
    return counted(lambda: gradients(members, everywhere=everywhere))


def test_more_members_take_few_more_launches() -> None:
    of_one_more = [
        (launches(8, everywhere=how) - launches(2, everywhere=how)) / 6 for how in (True, False)
    ]
    together, apart = of_one_more
    assert together < apart / 2


@pytest.mark.parametrize("sizes", [(32, 24), (30, 24), (32, 27)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_only_what_the_product_takes_is_given_to_it(
    sizes: tuple[int, int], dtype: torch.dtype
) -> None:
    inputs = mock.Mock(spec=torch.Tensor, is_cuda=True, dtype=dtype, shape=(2, 3, sizes[0]))
    with mock.patch("torch.cuda.is_available", return_value=False):
        assert grouped.suits(inputs, [sizes[1], 8]) == (
            dtype is torch.bfloat16 and sizes == (32, 24)
        )
    assert not grouped.suits(torch.zeros(2, 3, 32, dtype=dtype), [24])


def test_an_older_device_is_given_one_member_after_another() -> None:
    inputs = mock.Mock(spec=torch.Tensor, is_cuda=True, dtype=torch.bfloat16, shape=(2, 3, 32))
    for capability, suits in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        with (
            mock.patch("torch.cuda.is_available", return_value=True),
            mock.patch("torch.cuda.get_device_capability", return_value=capability),
        ):
            assert grouped.suits(inputs, [8]) is suits


def test_what_is_given_to_the_product_lies_in_memory_as_cuda_wants_it() -> None:
    # Tensors without memory are held to the layout that CUDA's kernel takes.
    base = random_base(dropout=0.1).to(torch.bfloat16).to(META)
    adapters = [
        PeftAdapter(
            base, adapter_on(base, rank=3 + 4 * number, dropout=0.1 * number, some=not number)
        )
        for number in range(3)
    ]
    steps = [step(each, number, [(5, 4), (9, 3)]) for number, each in enumerate(adapters)]
    with taken(everywhere=True):
        losses = add_gradients(FrozenT5(base), steps, ONE_PASS)
        assert losses.shape == (3,)
        for adapter in adapters:
            for update in adapter.adapter.updates.values():
                assert update.down.grad is not None
                assert update.up.grad is not None
        with (
            mock.patch.object(grouped, "_ALIGNED", 1),
            pytest.raises(RuntimeError, match="multiple of 16 bytes"),
        ):
            add_gradients(FrozenT5(base), steps, ONE_PASS)


def adapter_on(
    base: T5ForConditionalGeneration, *, rank: int, dropout: float, some: bool
) -> Adapter:
    """Returns updates without memory of all layers, or of those named q."""
    updates = {
        name: LowRank(
            torch.zeros(rank, layer.in_features, device=META).requires_grad_(),
            torch.zeros(layer.out_features, rank, device=META).requires_grad_(),
            2.0,
            dropout,
        )
        for name, layer in base.named_modules()
        if isinstance(layer, torch.nn.Linear)
        and name != "lm_head"
        and (name.endswith(".q") or not some)
    }
    return Adapter(updates)
