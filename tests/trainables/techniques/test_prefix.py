"""What PEFT makes of a prefix, as the technique says it."""

from __future__ import annotations

import torch

from tests.trainables.passes.bases import random_base
from trainables.techniques.registry import TECHNIQUES, complete


def test_of_an_encoder_decoder_half_of_what_is_trained_is_read_and_layers_share_it() -> None:
    prefix = TECHNIQUES["prefix"]
    model = prefix.adapt(random_base(layers=4), complete("prefix", {"virtual_tokens": 3}))
    own = prefix.adapter(model).prefix
    assert own is not None
    layers = own.made()
    assert len(layers) == 4
    for one, other in ((0, 2), (1, 3)):
        for mine, theirs in zip(layers[one], layers[other], strict=True):
            assert torch.equal(mine, theirs)
    assert not torch.equal(layers[0][0], layers[1][0])
    torch.autograd.backward([each.sum() for both in layers for each in both])
    (trained,) = (each for each in model.parameters() if each.requires_grad)
    assert trained.grad is not None
    assert int((trained.grad != 0).sum()) * 2 == trained.numel() == own.weights
