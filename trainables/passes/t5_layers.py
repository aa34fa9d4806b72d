"""The layers of a T5 whose own weights stay as they are, with several members' updates beside them.

What transformers' T5 computes (`transformers.models.t5`; Raffel et al. 2020, arXiv:1910.10683), but
that the products of one input are joined, and that every dropout is a row's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from trainables.passes.dropout import MOST_FEATURES, Draw, Place, least, zeroed
from trainables.passes.low_rank import FrozenLayers
from trainables.passes.memory import BlockMemory
from trainables.passes.norm import normed
from trainables.passes.parts import Heads, Parts
from trainables.passes.prefixes import Prefixes

_OF_PREFIXES = MOST_FEATURES // 2
"""From which number on features of attention are those of prefixes."""
_MORE_PLACES = 64
"""Of so many at a time a relative bias is computed: an answer is a token longer at each step."""


class Numbering:
    """Numbers the places in a model at which there may be dropout, in the order of the model."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int = 1) -> int:
        """Returns the first of so many numbers that nobody has."""
        first = self._next
        self._next += count
        return first


@dataclass(frozen=True)
class Pass:
    """What all layers of a stack are called with.

    Attributes:
        parts: Whose rows they are.
        tokens: [b, length], the keys of dropout; None where there is none.
        mask: Returns what is added to the scores of self-attention in a block, given its number.
        encoded: [b, s, width], the encoder's output; None in the encoder, and where keys and values
            of it are at hand.
        encoded_tokens: [b, s], the keys of its dropout.
        encoded_mask: What is added to the scores of attention to it.
        prefixes: What the decoder's self-attention reads before its own; a mask begins with it.
    """

    parts: Parts
    tokens: torch.Tensor | None
    mask: Callable[[int], torch.Tensor]
    encoded: torch.Tensor | None = None
    encoded_tokens: torch.Tensor | None = None
    encoded_mask: torch.Tensor | None = None
    prefixes: Prefixes | None = None


class Stack:
    """The encoder or the decoder.

    Args:
        stack: That of transformers.
        name: Its full name.
        numbering: Of the places of its dropout.
        rate: Of the dropout between its layers.
    """

    def __init__(self, stack: Any, name: str, numbering: Numbering, rate: float) -> None:
        self._before, self._after = _Dropout(numbering, rate), _Dropout(numbering, rate)
        self._blocks = [
            _Block(block, name, number, numbering, rate) for number, block in enumerate(stack.block)
        ]
        self._norm = _norm(stack.final_layer_norm)
        attentions = [block.layer[0].SelfAttention for block in stack.block]
        # A T5's first block has the bias of all, in a UMT5 each has its own.
        self._relative = [each for each in attentions if each.has_relative_attention_bias]
        self._biases: dict[int, torch.Tensor] = {}

    def __call__(
        self, hidden: torch.Tensor, given: Pass, *, checkpointed: bool = False
    ) -> torch.Tensor:
        """Returns the output of the last layer, [b, length, width]."""
        hidden = self._before(hidden, given.tokens)
        for block in self._blocks:
            if checkpointed and torch.is_grad_enabled():
                hidden = checkpoint(block, hidden, given, use_reentrant=False)
            else:
                hidden = block(hidden, given)
        return self._after(self._norm(hidden), given.tokens)

    def memories(
        self, encoded: torch.Tensor, parts: Parts, room: int, prefixes: Prefixes | None
    ) -> list[BlockMemory]:
        """Returns what each layer remembers of a prompt before a token of the answer is written.

        Args:
            encoded: [b, s, width], the encoder's output.
            parts: Whose rows they are.
            room: Tokens of an answer at most.
            prefixes: What they read before their answers.
        """
        return [block.memory(encoded, parts, room, prefixes) for block in self._blocks]

    def step(
        self, hidden: torch.Tensor, given: Pass, memories: Sequence[BlockMemory]
    ) -> torch.Tensor:
        """Returns the output for one more token of each answer, [b, 1, width]."""
        for block, memory in zip(self._blocks, memories, strict=True):
            hidden = block(hidden, given, memory)
        return self._norm(hidden)

    def masks(
        self, start: int, stop: int, added: torch.Tensor | None = None
    ) -> Callable[[int], torch.Tensor]:
        """Returns what gives a block's mask, [..., stop - start, stop], given its number.

        Args:
            start: Place of the first token that asks.
            stop: Of the last one and one more; all before it are asked.
            added: To the relative bias.
        """

        def mask(number: int) -> torch.Tensor:
            bias = self._bias(number, stop)[..., start:stop, :stop]
            return bias if added is None else bias + added

        if len(self._relative) > 1:
            return mask
        of_all = mask(0)
        return lambda _: of_all

    def _bias(self, number: int, length: int) -> torch.Tensor:
        """Returns a block's relative bias, [1, heads, length or more, the same].

        It depends on the distance alone.
        """
        if number not in self._biases or self._biases[number].shape[-1] < length:
            size = -(-length // _MORE_PLACES) * _MORE_PLACES
            with torch.no_grad():
                self._biases[number] = self._relative[number].compute_bias(size, size).detach()
        return self._biases[number]


class _Dropout:
    """Dropout of the base model's own, the same rate everywhere."""

    def __init__(self, numbering: Numbering, rate: float) -> None:
        self._place = Place(numbering.take())
        self.rate = rate

    def __call__(self, hidden: torch.Tensor, tokens: torch.Tensor | None) -> torch.Tensor:
        if tokens is None or self.rate == 0.0:
            return hidden
        draw = self._place.draw(tokens, hidden.shape[-1], least(self.rate))
        return zeroed(hidden, draw, self.rate)

    def of_attention(
        self, weights: torch.Tensor, tokens: torch.Tensor, before: int
    ) -> torch.Tensor:
        """Returns attention weights after dropout, [b, heads, asking, asked].

        Args:
            weights: Before dropout.
            tokens: [b, asking].
            before: How many of those that are asked are of prefixes.
        """
        heads, asked = weights.shape[1], weights.shape[3] - before
        # A feature is a place and a head of it: its number must not depend on how many are asked,
        # and of a prefix not on how long others are, so that its places are counted from its end.
        features = self._place.keys(asked * heads, weights.device).view(asked, heads)
        if before:
            keys = self._place.keys(before * heads, weights.device, _OF_PREFIXES)
            features = torch.cat((keys.view(before, heads).flip(0), features))
        keys = features.t().contiguous()[None, :, None, :]
        return zeroed(weights, Draw(tokens[:, None, :, None], keys, least(self.rate)), self.rate)


class _Block:
    """One layer of a stack: self-attention, in a decoder attention to the prompt, feed-forward."""

    def __init__(
        self, block: Any, stack: str, number: int, numbering: Numbering, rate: float
    ) -> None:
        first, *between, last = block.layer
        self._number = number
        name = f"{stack}.block.{number}"
        own = f"{name}.layer.0.SelfAttention"
        self._own = _Attention(first, first.SelfAttention, own, ("q", "k", "v"), numbering, rate)
        self._cross = [
            _Attention(
                each,
                each.EncDecAttention,
                f"{name}.layer.1.EncDecAttention",
                ("q",),
                numbering,
                rate,
            )
            for each in between
        ]
        wide = f"{name}.layer.{len(between) + 1}.DenseReluDense"
        self._wide = _FeedForward(last, wide, numbering, rate)

    def __call__(
        self, hidden: torch.Tensor, given: Pass, memory: BlockMemory | None = None
    ) -> torch.Tensor:
        own: Callable[..., Heads] | None = None
        if memory is not None:
            own = memory.written.add
        elif given.prefixes is not None:
            own = partial(given.prefixes.before, self._number)
        hidden = self._own(hidden, given, given.mask(self._number), own)
        for cross in self._cross:
            read = None if memory is None else memory.read
            hidden = cross(hidden, given, given.encoded_mask, read)
        return self._wide(hidden, given)

    def memory(
        self, encoded: torch.Tensor, parts: Parts, room: int, prefixes: Prefixes | None
    ) -> BlockMemory:
        """Returns what this layer remembers of a prompt."""
        (cross,) = self._cross
        prefix = None if prefixes is None else prefixes.of_layer(self._number)
        return BlockMemory.of(cross.read(encoded, parts), room, prefix)


class _Attention:
    """Attention with its norm and the sum with its input.

    Args:
        layer: The layer of transformers around it, with its norm.
        attention: The attention in it.
        name: Its full name.
        asking: Which of q, k and v read the layer's own input; the others read the encoder's.
        numbering: Of the places of its dropout.
        rate: Of dropout.
    """

    def __init__(
        self,
        layer: Any,
        attention: Any,
        name: str,
        asking: Sequence[str],
        numbering: Numbering,
        rate: float,
    ) -> None:
        self._heads, self._width = attention.n_heads, attention.key_value_proj_dim
        self._norm = _norm(layer.layer_norm)
        self._asking = _layers(attention, name, asking, numbering)
        asked = [each for each in ("q", "k", "v") if each not in asking]
        self._asked = _layers(attention, name, asked, numbering) if asked else None
        self._out = _layers(attention, name, ["o"], numbering)
        self._of_weights, self._dropout = _Dropout(numbering, rate), _Dropout(numbering, rate)

    def __call__(
        self,
        hidden: torch.Tensor,
        given: Pass,
        mask: torch.Tensor | None,
        remembered: Callable[..., Heads] | None = None,
    ) -> torch.Tensor:
        """Returns the sum of input and output, [b, length, width].

        Args:
            hidden: The input.
            given: What all layers are called with.
            mask: What is added to the scores.
            remembered: Returns keys and values, given those of these tokens if they are read;
                None where no others are.
        """
        query, *own = map(self._split, self._asking(self._norm(hidden), given.parts, given.tokens))
        if remembered is not None:
            key, value = remembered(*own)
        elif self._asked is not None:
            assert given.encoded is not None
            key, value = self.read(given.encoded, given.parts, given.encoded_tokens)
        else:
            key, value = own
        before = 0 if self._asked is not None or given.prefixes is None else given.prefixes.tokens
        found = self._attend(query, key, value, mask, given.tokens, before)
        (found,) = self._out(found, given.parts, given.tokens)
        return hidden + self._dropout(found, given.tokens)

    def read(
        self, encoded: torch.Tensor, parts: Parts, tokens: torch.Tensor | None = None
    ) -> Heads:
        """Returns the keys and values of the encoder's output, each [b, heads, s, width]."""
        assert self._asked is not None
        key, value = self._asked(encoded, parts, tokens)
        return self._split(key), self._split(value)

    def _attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        tokens: torch.Tensor | None,
        before: int,
    ) -> torch.Tensor:
        if tokens is None or self._of_weights.rate == 0.0:
            found = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=mask, scale=1.0
            )
        else:
            scores = query @ key.transpose(2, 3)
            weights = functional.softmax(scores if mask is None else scores + mask, dim=-1)
            found = self._of_weights.of_attention(weights, tokens, before) @ value
        rows, _, length, _ = found.shape
        return found.transpose(1, 2).reshape(rows, length, self._heads * self._width)

    def _split(self, numbers: torch.Tensor) -> torch.Tensor:
        rows, length, _ = numbers.shape
        return numbers.view(rows, length, self._heads, self._width).transpose(1, 2)


class _FeedForward:
    """The feed-forward layer with its norm and the sum with its input."""

    def __init__(self, layer: Any, name: str, numbering: Numbering, rate: float) -> None:
        dense = layer.DenseReluDense
        self._norm = _norm(layer.layer_norm)
        self._activation = dense.act
        wide = ["wi_0", "wi_1"] if hasattr(dense, "wi_0") else ["wi"]
        self._wide = _layers(dense, name, wide, numbering)
        self._back = _layers(dense, name, ["wo"], numbering)
        self._inner, self._dropout = _Dropout(numbering, rate), _Dropout(numbering, rate)

    def __call__(self, hidden: torch.Tensor, given: Pass) -> torch.Tensor:
        wide, *factor = self._wide(self._norm(hidden), given.parts, given.tokens)
        wide = self._activation(wide)
        for each in factor:
            wide = wide * each
        (found,) = self._back(self._inner(wide, given.tokens), given.parts, given.tokens)
        return hidden + self._dropout(found, given.tokens)


def _layers(parent: Any, name: str, own: Sequence[str], numbering: Numbering) -> FrozenLayers:
    weights = {f"{name}.{each}": getattr(parent, each).weight for each in own}
    return FrozenLayers(weights, numbering.take(len(own)))


def _norm(module: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    weight, epsilon = module.weight.detach(), module.variance_epsilon
    return partial(normed, weight=weight, epsilon=epsilon)
