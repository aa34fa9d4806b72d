"""The passes of a decoder-only model whose own weights stay, for the rows of several members.

transformers computes them, as it would for one adapter, by modules around the same weights whose
linear layers of the blocks add each row's own update. Such a model has no dropout of its own: what
its inner functions would draw could not be a row's.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from bitsandbytes.nn import Linear4bit
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import DynamicCache, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from trainables.families.batch import on_device, pad
from trainables.families.causal import Causal
from trainables.families.framing import TokenIds
from trainables.families.greedy import ENDED
from trainables.passes.company import Company
from trainables.passes.frozen_base import FrozenBase, Losses, Read, summed
from trainables.passes.frozen_weight import number_type
from trainables.passes.layout import tokens_of
from trainables.passes.low_rank import FrozenLayers
from trainables.passes.parts import Parts

_CAPPED = ("gemma2", "gemma3_text")
"""Whose logits may have a cap."""
_DROPOUTS = ("attention_dropout", "hidden_dropout")
_BY_LONGEST = ("dynamic", "longrope")
"""Kinds of rotary positions whose angles transformers takes from the longest row of a pass."""


@dataclass
class _Given:
    """What the layers of a pass are called with; it stays for the way back.

    Attributes:
        parts: Whose rows they are.
        tokens: [b, length], the keys of dropout; None for no dropout.
    """

    parts: Parts
    tokens: torch.Tensor | None


class _Layer(nn.Module):
    """A linear layer with the updates of whoever has rows in the pass."""

    def __init__(self, name: str, layer: Any, number: int, given: _Given) -> None:
        super().__init__()
        self._layers = FrozenLayers({name: layer.weight}, number)
        self._bias = layer.bias
        self._given = given

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        (output,) = self._layers(inputs, self._given.parts, self._given.tokens)
        return output if self._bias is None else output + self._bias


class FrozenDecoder(FrozenBase):
    """A decoder-only model's weights, read by everyone and written by nobody.

    Args:
        model: The base model that `suits`; an adapter's layers in it are passed over.
        end: The token that ends a statement, beside those of the model.
        padding: What fills a row.
    """

    dropout = 0.0

    def __init__(self, model: PreTrainedModel, end: int, padding: int) -> None:
        self._given = _Given(Parts([]), None)
        self._model = _modules(model, self._given)
        self._head: Any = self._model.get_output_embeddings()
        config = model.config
        self._cap: float | None = (
            config.final_logit_softcapping if config.model_type in _CAPPED else None
        )
        self._words = len(self._head.weight)
        self._padding = padding
        given = model.generation_config.eos_token_id
        ends = given if isinstance(given, list) else [given]
        self._ends = sorted({end, *ends} - {None})
        self.device = self._head.weight.device

    @staticmethod
    def suits(model: PreTrainedModel) -> bool:
        """Returns whether this computes what a model does: one of those that go on from a prompt,
        with plain linear layers, without dropout of its own, and none of whose rows changes the
        positions of another.
        """
        config = model.config
        architecture = Causal.architectures.get(config.model_type)
        if architecture is None or architecture.transposed:
            return False
        if any(getattr(config, name, 0.0) for name in _DROPOUTS):
            return False
        if any(kind in _BY_LONGEST for kind in _rope_types(config)):
            return False
        dtype = model.get_input_embeddings().weight.dtype
        layers = (_plain(model.get_submodule(name)) for name in _names(model))
        return all(
            isinstance(layer, nn.Linear) and number_type(layer.weight) is dtype for layer in layers
        )

    def losses(
        self, sources: Sequence[TokenIds], targets: Sequence[TokenIds], company: Company
    ) -> Losses:
        """Returns the cross-entropies; arguments as of `FrozenBase.losses`."""
        hidden, labels, rows = self._before_targets(sources, targets, company)
        values = functional.cross_entropy(self._logits(hidden), labels, reduction="none")
        return Losses(values, rows)

    def read(self, sources: Sequence[TokenIds], company: Company) -> Read:
        """Returns prompts of which a loss and an answer share nothing.

        Rows of statements are padded on the right, those that answers go on from on the left.
        """
        return _Read(self, sources, company)

    @torch.inference_mode()
    def summed_losses(
        self, sources: Sequence[TokenIds], targets: Sequence[TokenIds], company: Company
    ) -> torch.Tensor:
        """Returns what `Read.summed_losses` returns."""
        hidden, labels, rows = self._before_targets(sources, targets, company)
        return summed(hidden, labels, rows, len(sources), self._logits, self._words)

    @torch.inference_mode()
    def answers(self, sources: Sequence[TokenIds], company: Company, most: int) -> list[list[int]]:
        """Returns what `Read.answers` returns."""
        ids, mask = pad(sources, self._padding, self.device, left=True)
        rows = torch.arange(len(ids), device=self.device)
        parts = company.parts
        memory = DynamicCache(config=self._model.config)
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        written = rows.new_full((len(rows), most), self._padding)
        live = torch.ones_like(rows, dtype=torch.bool)
        ends = torch.tensor(self._ends, device=self.device)
        for place in range(most):
            hidden = self._hidden(
                parts,
                None,
                input_ids=ids,
                attention_mask=mask,
                position_ids=places,
                past_key_values=memory,
                use_cache=True,
            )
            token = self._logits(hidden[:, -1]).argmax(dim=-1)
            token = torch.where(live, token, self._padding)
            written[rows, place] = token
            live = live & ~torch.isin(token, ends)
            left = int(live.sum())
            if not left:
                break
            places = places[:, -1:] + 1
            if (len(rows) - left) * ENDED >= len(rows):
                kept = live.nonzero()[:, 0]
                memory.batch_select_indices(kept)
                rows, token, live = rows[kept], token[kept], live[kept]
                mask, places = mask[kept], places[kept]
                parts = parts.of_rows(kept.tolist())
            ids = token[:, None]
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=-1)
        found: list[list[int]] = written[:, : place + 1].tolist()
        return found

    def _before_targets(
        self, sources: Sequence[TokenIds], targets: Sequence[TokenIds], company: Company
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns the output that each target token is told from, [n, width]; the token; its row.

        The numbers of the tokens are known here, so that no device is waited for to count them.
        """
        joint = [np.concatenate(pair) for pair in zip(sources, targets, strict=True)]
        ids, mask = pad(joint, self._padding, self.device)
        width = ids.shape[1]
        of_row, within = tokens_of(targets)
        first = np.array([len(ids) for ids in sources])
        places = of_row * width + first[of_row] - 1 + within
        labels = np.concatenate(targets).astype(np.int64)
        hidden = self._hidden(
            company.parts,
            company.tokens(width),
            checkpointed=company.checkpointed,
            input_ids=ids,
            attention_mask=mask,
            use_cache=False,
        )
        at, told, rows = (on_device(self.device, each) for each in (places, labels, of_row))
        return hidden.flatten(0, 1)[at], told, rows

    def _hidden(
        self, parts: Parts, tokens: torch.Tensor | None, *, checkpointed: bool = False, **given: Any
    ) -> torch.Tensor:
        """Returns the output of the last layer, [b, length, width]."""
        self._given.parts, self._given.tokens = parts, tokens
        if self._model.training is not checkpointed:  # by which layers know that they are
            self._model.train(checkpointed)
        hidden: torch.Tensor = self._model.base_model(**given).last_hidden_state
        return hidden

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._head(hidden)
        if self._cap is not None:
            logits = torch.tanh(logits / self._cap) * self._cap
        return logits.float()


class _Read(Read):
    def __init__(self, base: FrozenDecoder, sources: Sequence[TokenIds], company: Company) -> None:
        self._base, self._sources, self._company = base, sources, company

    def summed_losses(self, targets: Sequence[TokenIds]) -> torch.Tensor:
        return self._base.summed_losses(self._sources, targets, self._company)

    def answers(self, most: int) -> list[list[int]]:
        return self._base.answers(self._sources, self._company, most)


def _modules(model: PreTrainedModel, given: _Given) -> PreTrainedModel:
    """Returns modules around the tensors of a model whose linear layers add updates."""
    shared: list[Any] = [*model.parameters(), *model.buffers()]
    shared += [each.weight.quant_state for each in model.modules() if isinstance(each, Linear4bit)]
    fresh: PreTrainedModel = copy.deepcopy(model, {id(each): each for each in shared})
    for number, name in enumerate(_names(model)):
        parent, _, own = name.rpartition(".")
        layer = _Layer(name, _plain(model.get_submodule(name)), number, given)
        setattr(fresh.get_submodule(parent), own, layer)
    for module in fresh.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.gradient_checkpointing = True  # but only where it is in training mode
            module._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
    return fresh


def _names(model: PreTrainedModel) -> Collection[str]:
    """Returns the full names of the linear layers of the blocks."""
    config = model.config.to_dict()
    return Causal.architectures[config["model_type"]].linear_layers(config)


def _rope_types(config: Any) -> Iterator[str | None]:
    """Yields the kinds of rotary positions; Gemma 3 has one for each kind of layer."""
    given = getattr(config, "rope_parameters", None) or {}
    for each in (given, *given.values()):
        if isinstance(each, Mapping):
            yield each.get("rope_type")


def _plain(layer: Any) -> Any:
    """Returns a layer without PEFT's adapter around it."""
    return getattr(layer, "base_layer", layer)
