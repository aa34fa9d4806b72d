"""T5's activation in one kernel: the same function, and its configuration as it was."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForSeq2SeqLM
from transformers.activations import NewGELUActivation

from tests.trainables.tiny_base import BATCH, write_tiny_base
from trainables.base_models.fused_gelu import fuse_activations


def test_a_model_computes_the_same_without_the_slow_activation(tmp_path: Path) -> None:
    folder = write_tiny_base(tmp_path / "base")
    slow, fused = (AutoModelForSeq2SeqLM.from_pretrained(folder) for _ in range(2))
    fuse_activations(fused)
    assert any(isinstance(module, NewGELUActivation) for module in slow.modules())
    assert not any(isinstance(module, NewGELUActivation) for module in fused.modules())
    assert fused.config.to_dict() == slow.config.to_dict()
    assert fused.state_dict().keys() == slow.state_dict().keys()
    for model in (slow, fused):
        model(**BATCH).loss.backward()
    torch.testing.assert_close(fused(**BATCH).logits, slow(**BATCH).logits)
    pairs = zip(slow.parameters(), fused.parameters(), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(other.grad, one.grad)


def test_other_activations_stay() -> None:
    model = nn.Sequential(nn.ReLU(), nn.GELU())
    fuse_activations(model)
    assert [str(module) for module in model] == ["ReLU()", "GELU(approximate='none')"]
