"""Bytes of tensors that are alive at once."""

from __future__ import annotations

import torch
from torch import nn

from trainables.runtime.live_bytes import LiveBytes

KIBIBYTE = 1024


def _tensor(kibibytes: int = 1) -> torch.Tensor:
    return torch.empty(kibibytes * KIBIBYTE, dtype=torch.uint8)


def test_the_peak_is_of_what_is_alive_at_once() -> None:
    with LiveBytes() as live:
        first = _tensor(3)
        del first
        second = _tensor(2)
        third = _tensor(2)
        del second
    assert live.peak == 4 * KIBIBYTE
    assert live.now == 2 * KIBIBYTE
    del third
    assert live.now == 0


def test_a_view_shares_its_bytes_and_what_is_known_is_not_counted() -> None:
    known = _tensor()
    with LiveBytes([known]) as live:
        view = known.view(2, -1)
        own = _tensor()
        rows = own.view(4, -1)[1:]
        del own
    assert live.now == live.peak == KIBIBYTE
    del view, rows
    assert live.now == 0


def test_a_backward_pass_leaves_gradients_alone() -> None:
    layer = nn.Linear(16, 16, bias=False)
    with LiveBytes(layer.parameters()) as live:
        loss = layer(torch.ones(8, 16)).square().sum()
        torch.autograd.backward(loss)
        del loss
    assert live.now == 16 * 16 * 4
    assert live.peak > live.now
