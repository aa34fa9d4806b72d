"""What a checkpoint's configuration says of its model: layers, attention, positions.

Standard library only, and nothing is built: a search space is checked by it in milliseconds. The
defaults are those of transformers, for keys that a config.json leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Config = Mapping[str, Any]
"""The content of a config.json, or `to_dict()` of a configuration of transformers."""

_NEVER_NULL = (
    *("d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim"),
    *("decoder_layers", "decoder_attention_heads", "decoder_ffn_dim"),
)
"""Sizes of which transformers takes null for given, not for its default."""
_SIZES = (
    *("d_ff", "d_kv", "head_dim", "hidden_size", "intermediate_size", "n_embd", "n_inner"),
    *("num_key_value_heads", "vocab_size"),
)
_LARGEST = 2**31 - 1

QUERY, KEY, VALUE, OUTPUT = "q", "k", "v", "o"
FEED_FORWARD = "feed-forward"


@dataclass(frozen=True)
class Stack:
    """Blocks of one kind, one behind the other.

    Attributes:
        path: Name of the list of blocks in the model.
        depth: How many blocks there are.
        layers: Name of each linear layer of a block -> the portable names that it answers to.
    """

    path: str
    depth: int
    layers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Attention:
    """The attention whose keys and values a prefix stands before.

    Attributes:
        layers: Decoder layers.
        heads: Heads that have keys and values of their own.
        head_width: Width of one.
    """

    layers: int
    heads: int
    head_width: int

    @property
    def width(self) -> int:
        """Width of a layer's keys over all heads, which is not always the model's."""
        return self.heads * self.head_width


@dataclass(frozen=True)
class Architecture:
    """How to read the configurations of one `model_type`.

    Attributes:
        stacks: Its blocks.
        attention: The self-attention of its decoder.
        positions: How many positions it has; None where any length will do.
        transposed: Whether its linear layers are `Conv1D`, with weights the other way round.
        obstacle: Why a model of this type cannot be used, in words that go on from its name; None
            of one that can.
    """

    stacks: Callable[[Config], tuple[Stack, ...]]
    attention: Callable[[Config], Attention]
    positions: Callable[[Config], int | None]
    transposed: bool = False
    obstacle: Callable[[Config], str | None] = lambda _: None

    def linear_layers(self, config: Config) -> dict[str, tuple[str, ...]]:
        """Returns each linear layer of the blocks, by its full name, with its portable names.

        The output layer over the vocabulary is none of them.
        """
        return {
            f"{stack.path}.{number}.{layer}": portable
            for stack in self.stacks(config)
            for number in range(stack.depth)
            for layer, portable in stack.layers.items()
        }


def attention_layers(prefix: str, q: str, k: str, v: str, o: str) -> dict[str, tuple[str, ...]]:
    """Returns the four layers of an attention, as `Stack.layers` has them.

    Args:
        prefix: Name of the attention in its block.
        q: Name in it of the layer of the queries.
        k: Of the keys.
        v: Of the values.
        o: Of the output.
    """
    names = ((q, QUERY), (k, KEY), (v, VALUE), (o, OUTPUT))
    return {f"{prefix}.{name}": (portable,) for name, portable in names}


def feed_forward_layers(*names: str) -> dict[str, tuple[str, ...]]:
    """Returns the layers of a feed-forward network, as `Stack.layers` has them."""
    return dict.fromkeys(names, (FEED_FORWARD,))


def first(config: Config, *keys: str, default: int) -> int:
    """Returns the first of some numbers of a configuration that is given.

    Raises:
        ValueError: It is no size; the message goes on from the model's name.
    """
    for key in keys:
        value = config.get(key)
        if value is not None:
            return _size(key, value)
    return default


def check_sizes(config: Config) -> None:
    """Checks that what must be a size is one, as far as a configuration says it.

    Raises:
        ValueError: One is not; the message goes on from the model's name.
    """
    for key in _SIZES:
        if (value := config.get(key)) is not None:
            _size(key, value)
    for key in _NEVER_NULL:
        if key in config:
            _size(key, config[key])


def _size(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST:
        raise ValueError(
            f'has "{key}": {json.dumps(value)} in its config.json, but it must be a whole number'
            f" from 1 to {_LARGEST:,}"
        )
    return value
