"""Joint layers are one matrix in memory, and each is still what it was."""

from __future__ import annotations

import torch

from tests.trainables.passes.bases import random_base
from trainables.passes.joined import join_layers, side_by_side


def test_joining_changes_no_weight_and_saves_the_copy() -> None:
    model = random_base()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attention = model.encoder.block[1].layer[0].SelfAttention
    weights = [attention.q.weight, attention.k.weight, attention.v.weight]
    apart = side_by_side(weights)
    join_layers(model)
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    joined = side_by_side(weights)
    assert torch.equal(joined, apart)
    assert joined.data_ptr() == attention.q.weight.data_ptr()
    assert joined[-1].data_ptr() == attention.v.weight[-1].data_ptr()


def test_weights_in_another_order_are_copied() -> None:
    model = random_base()
    join_layers(model)
    dense = model.decoder.block[0].layer[2].DenseReluDense
    weights = [dense.wi_1.weight, dense.wi_0.weight]
    assert torch.equal(side_by_side(weights), torch.cat(weights))
