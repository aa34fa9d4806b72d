from __future__ import annotations

import pytest
import torch

from trainables.runtime.seeding import isolated, seed_of, seed_torch

CPU = torch.device("cpu")


def test_a_block_neither_sees_nor_changes_the_global_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with isolated(CPU):
        seed_torch(CPU, "pass", 1)
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with isolated(CPU):
        seed_torch(CPU, "pass", 1)
        assert torch.equal(torch.rand(3), first)


def test_the_state_is_put_back_after_an_error() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), isolated(CPU):
        _ = torch.rand(3) / (1 // 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_part_of_a_key_counts() -> None:
    assert len({seed_of("a", 1), seed_of("a", 2), seed_of("b", 1), seed_of("a", 1, 0)}) == 4
