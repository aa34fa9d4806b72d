"""T5s of random weights, and adapters on them, for tests of passes of our own."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from hypothesis import strategies as st
from transformers import (
    MT5Config,
    MT5ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
    UMT5Config,
    UMT5ForConditionalGeneration,
)

from trainables.contract.configuration import Scalar
from trainables.families.family import ModelFamily
from trainables.families.framing import TokenIds
from trainables.families.registry import family_of_model
from trainables.passes.gradients import Step
from trainables.passes.parts import Adapter
from trainables.techniques.registry import TECHNIQUES, complete

CPU = torch.device("cpu")
WORDS = 40


_KINDS: dict[str, tuple[Any, Any]] = {
    "t5": (T5Config, T5ForConditionalGeneration),
    "mt5": (MT5Config, MT5ForConditionalGeneration),
    "umt5": (UMT5Config, UMT5ForConditionalGeneration),
}


def random_base(
    *,
    dropout: float = 0.0,
    proj: str = "gated-gelu",
    tied: bool = True,
    layers: int = 2,
    kind: str = "t5",
    packed: bool = False,
) -> T5ForConditionalGeneration:
    """Returns a T5 whose keys are not as wide as its model, in evaluation mode and frozen.

    Args:
        dropout: Of the model's own.
        proj: Of the feed-forward layers.
        tied: Whether the output layer is the embedding.
        layers: Of each stack.
        kind: Its `model_type`.
        packed: Whether its layers are in four bits, as QLoRA has them.
    """
    config_class, model_class = _KINDS[kind]
    config = config_class(
        vocab_size=WORDS,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=layers,
        num_heads=3,
        dropout_rate=dropout,
        feed_forward_proj=proj,
        tie_word_embeddings=tied,
        decoder_start_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = model_class(config)
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:  # larger than T5's own, so that answers differ
                parameter.data.normal_(std=0.3 if "shared" in name or "lm_head" in name else 0.15)
    family_of_model(model).settle(model)
    if packed:
        pack(model)
    return model.requires_grad_(False).eval()


def pack(model: torch.nn.Module) -> None:
    """Puts the layers that QLoRA packs into four bits, in place."""
    for name, module in list(model.named_modules()):
        parent, _, own = name.rpartition(".")
        if type(module) is torch.nn.Linear and own not in ("wo", "lm_head", "embed_out"):
            packed = Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                quant_type="nf4",
            )
            packed.bias = module.bias
            packed.weight = Params4bit(
                module.weight.data, requires_grad=False, quant_type="nf4", module=packed
            )
            packed.support_avx512bf16_for_cpu = False
            setattr(model.get_submodule(parent), own, packed.to("cpu"))


@dataclass(frozen=True)
class PeftAdapter:
    """An adapter of PEFT on modules of its own, with an update that is not zero."""

    model: torch.nn.Module
    adapter: Adapter

    @classmethod
    def on(
        cls, base: T5ForConditionalGeneration, seed: int, technique: str = "lora", **given: Scalar
    ) -> PeftAdapter:
        """Puts an adapter on a base, which is changed in place."""
        chosen = TECHNIQUES[technique]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = chosen.adapt(base, complete(technique, given))
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.data.normal_(std=0.2)
        return cls(model, chosen.adapter(model))

    def gradients(self) -> dict[str, torch.Tensor]:
        """Returns and clears the gradient of each trained weight."""
        found = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad and parameter.grad is not None:
                found[name] = parameter.grad
                parameter.grad = None
        return found


length = st.integers(1, 14)


Given = tuple[str, dict[str, Scalar]]
"""A technique and its parameters."""


def low_rank(rank: int, modules: str = "q,v", dropout: float = 0.0) -> Given:
    """Returns what a member with low-rank updates is given."""
    return "lora", {"rank": rank, "target_modules": modules, "dropout": dropout}


def prefix(tokens: int, *, projection: bool = False) -> Given:
    """Returns what a member with a prefix is given."""
    return "prefix", {"virtual_tokens": tokens, "projection": projection}


def drawn_members(most_rank: int, most_rows: int) -> st.SearchStrategy[Any]:
    """Draws what `member` takes besides its base and its number."""
    modules = st.sampled_from(["q,v", "k,o", "feed-forward", "all-linear"])
    dropout = st.sampled_from([0.0, 0.1, 0.5])
    given = st.one_of(
        st.builds(low_rank, st.integers(1, most_rank), modules, dropout),
        st.builds(prefix, st.integers(1, 9), projection=st.booleans()),
    )
    return st.tuples(given, st.lists(st.tuples(length, length), min_size=1, max_size=most_rows))


def member(
    base: T5ForConditionalGeneration,
    number: int,
    given: Given,
    lengths: Sequence[tuple[int, int]],
) -> tuple[PeftAdapter, Step]:
    """Returns an adapter with modules of its own on the weights of a base, and a step of it."""
    shared = [*base.parameters()]
    shared += [each.quant_state for each in base.modules() if isinstance(each, Linear4bit)]
    fresh = copy.deepcopy(base, {id(each): each for each in shared})
    technique, parameters = given
    adapter = PeftAdapter.on(fresh, number, technique, **parameters)
    return adapter, step(adapter, 10 * number, lengths)


def rows(seed: int, lengths: Sequence[int]) -> list[TokenIds]:
    """Returns rows of random words that end as T5's do."""
    draw = np.random.default_rng(seed)
    return [
        np.append(draw.integers(2, WORDS, length - 1), 1).astype(np.int32) for length in lengths
    ]


def step(
    adapter: PeftAdapter, seed: int, lengths: Sequence[tuple[int, int]], most_rows: int = 100
) -> Step:
    """Returns an optimiser step of one adapter on rows of these lengths."""
    keys = np.random.default_rng(seed + 1).integers(-(2**31), 2**31, len(lengths))
    return Step(
        rows(seed + 2, [source for source, _ in lengths]),
        rows(seed + 3, [target for _, target in lengths]),
        [int(key) for key in keys],
        adapter.adapter,
        most_rows,
    )


def by_family(adapter: PeftAdapter, of: Step, family: ModelFamily) -> torch.Tensor:
    """Adds the gradient and returns the loss, through transformers and PEFT."""
    batch = family.collate(of.sources, of.targets, padding_id=0, device=CPU)
    loss = family.loss(adapter.model, batch)
    torch.autograd.backward(loss)
    return loss.detach()


def assert_close(
    ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor], share: float = 1e-5
) -> None:
    """Asserts that gradients are alike, to a share of the largest number of each."""
    assert ours.keys() == theirs.keys() != set()
    for name, gradient in theirs.items():
        scale = float(gradient.abs().max())
        assert scale > 0
        torch.testing.assert_close(ours[name], gradient, rtol=1e-3, atol=share * scale, msg=name)
