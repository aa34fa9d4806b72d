"""The norm and its gradient are torch's."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from trainables.passes.norm import normed


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), max_size=2),
    width=st.integers(1, 70),
    largest=st.sampled_from([1e-12, 1e-3, 1.0, 1e4, 1e12]),
    epsilon=st.sampled_from([1e-6, 1e-5]),
    seed=st.integers(0, 1000),
)
def test_it_is_what_torch_computes(
    sizes: list[int], width: int, largest: float, epsilon: float, seed: int
) -> None:
    drawn = torch.Generator().manual_seed(seed)
    hidden = torch.randn(*sizes, width, generator=drawn) * largest
    weight = torch.randn(width, generator=drawn)
    hidden.requires_grad_()
    theirs = functional.rms_norm(hidden, weight.shape, weight, epsilon)
    ours = normed(hidden, weight, epsilon)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        assert torch.equal(normed(hidden, weight, epsilon), ours)
    arriving = torch.randn(theirs.shape, generator=drawn)
    (expected,) = torch.autograd.grad(theirs, hidden, arriving)
    (gradient,) = torch.autograd.grad(ours, hidden, arriving)
    atol = 1e-6 * max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=atol)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_types_are_left_to_torch(dtype: torch.dtype) -> None:
    hidden, weight = torch.randn(3, 8, dtype=dtype), torch.randn(8, dtype=dtype)
    expected = functional.rms_norm(hidden, weight.shape, weight, 1e-6)
    assert torch.equal(normed(hidden, weight, 1e-6), expected)


def test_what_is_not_a_number_stays_its_rows_own() -> None:
    hidden = torch.randn(3, 8)
    hidden[1, 4] = torch.nan
    found = normed(hidden.requires_grad_(), torch.ones(8), 1e-6)
    (gradient,) = torch.autograd.grad(found.sum(), hidden)
    for numbers in (found, gradient):
        assert numbers.isnan().any(dim=-1).tolist() == [False, True, False]
