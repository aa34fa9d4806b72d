"""What PEFT makes of a prefix, as the technique says it."""

from __future__ import annotations

import pytest
import torch

from tests.trainables.passes.bases import random_base
from trainables.techniques.registry import TECHNIQUES, complete


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_of_an_even_decoder_half_of_what_is_trained_is_read_and_layers_share_it(
    layers: int,
) -> None:
    prefix = TECHNIQUES["prefix"]
    model = prefix.adapt(random_base(layers=layers), complete("prefix", {"virtual_tokens": 3}))
    own = prefix.adapter(model).prefix
    assert own is not None
    made = own.made()
    assert len(made) == layers
    apart = layers // 2 if layers % 2 == 0 else layers
    for one in range(layers):
        for other in range(one + 1, layers):
            for mine, theirs in zip(made[one], made[other], strict=True):
                assert torch.equal(mine, theirs) == (other - one == apart)
    torch.autograd.backward([each.sum() for both in made for each in both])
    (trained,) = (each for each in model.parameters() if each.requires_grad)
    assert trained.grad is not None
    assert trained.numel() == own.weights
    assert int((trained.grad != 0).sum()) * layers == trained.numel() * apart
