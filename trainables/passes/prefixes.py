"""Members' trained keys and values, as the rows of a pass read them before a decoder's own.

Prefixes end together: the longest begins first, and what shorter ones lack stands closed on their
left. So the distance from a token to a prefix's does not depend on who else is in the pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from trainables.passes.parts import Heads, Parts


@dataclass(frozen=True)
class Prefixes:
    """The prefixes of a pass.

    Attributes:
        tokens: Of the longest.
        closed: [b, 1, 1, tokens], what is added to scores so that nobody reads what he has not;
            None where everybody has all of them.
    """

    tokens: int
    closed: torch.Tensor | None
    _rows: torch.Tensor
    _layers: Sequence[Heads]

    @classmethod
    def of(cls, parts: Parts, like: torch.Tensor) -> Prefixes | None:
        """Returns the prefixes of some rows; None where nobody has one.

        Args:
            parts: Whose rows they are.
            like: A number of the type, and on the device, of the pass.
        """
        prefixes = [part.adapter.prefix for part in parts]
        tokens = [0 if prefix is None else prefix.tokens for prefix in prefixes]
        most = max(tokens, default=0)
        if not most:
            return None
        made = [prefix.made() for prefix in prefixes if prefix is not None]
        layers = []
        for of_layer in zip(*made, strict=True):
            nothing = of_layer[0][0][:, :0]
            keys, values = [], []
            found = iter(of_layer)
            for count in tokens:
                key, value = next(found) if count else (nothing, nothing)
                keys.append(functional.pad(key, (0, 0, most - count, 0)))
                values.append(functional.pad(value, (0, 0, most - count, 0)))
            layers.append((torch.stack(keys).to(like), torch.stack(values).to(like)))
        of_rows = [number for number, part in enumerate(parts) for _ in range(part.count)]
        rows = torch.tensor(of_rows).to(like.device)
        closed = None
        if min(tokens) < most:
            lacking = torch.tensor([[most - count] for count in tokens]) > torch.arange(most)
            least = torch.finfo(like.dtype).min
            closed = like.new_zeros(lacking.shape).masked_fill(lacking.to(like.device), least)
            closed = closed[rows][:, None, None, :]
        return cls(most, closed, rows, layers)

    def of_layer(self, number: int) -> Heads:
        """Returns the keys and values before a layer's own, each [b, heads, tokens, width].

        Args:
            number: Of the layer in the decoder.
        """
        key, value = self._layers[number]
        return key.index_select(0, self._rows), value.index_select(0, self._rows)

    def before(self, number: int, key: torch.Tensor, value: torch.Tensor) -> Heads:
        """Returns a layer's keys and values, the prefixes before its own."""
        keys, values = self.of_layer(number)
        return torch.cat((keys, key), dim=2), torch.cat((values, value), dim=2)
