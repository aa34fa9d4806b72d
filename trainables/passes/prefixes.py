"""Members' trained keys and values, as the rows of a pass read them before a decoder's own.

Prefixes end together: the longest begins first, and what shorter ones lack stands closed on their
left. So the distance from a token to a prefix's does not depend on who else is in the pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        made = [None if prefix is None else prefix.made() for prefix in prefixes]
        one = next(each for each in made if each is not None)
        none: Sequence[Heads] = [(key[:, :0], value[:, :0]) for key, value in one]
        layers = []
        for of_members in zip(*(none if each is None else each for each in made), strict=True):
            keys, values = zip(*of_members, strict=True)
            layers.append((_stacked(keys, most).to(like), _stacked(values, most).to(like)))
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


def _stacked(of_members: Iterable[torch.Tensor], tokens: int) -> torch.Tensor:
    """Returns [members, heads, tokens, width], each filled up on the left."""
    filled = [
        functional.pad(numbers, (0, 0, tokens - numbers.shape[1], 0)) for numbers in of_members
    ]
    return torch.stack(filled)
