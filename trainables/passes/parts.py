"""Whose rows are in a pass, and what each of them trains."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar, cast

import torch

_Kept = TypeVar("_Kept")

Heads = tuple[torch.Tensor, torch.Tensor]
"""Keys and values, each [..., heads, tokens, width]."""


@dataclass(frozen=True)
class LowRank:
    """The update of one layer: scale * up @ down @ x.

    Attributes:
        down: [rank, inputs].
        up: [outputs, rank].
        scale: By what the update is multiplied.
        dropout: Probability that an input is zeroed in training.
    """

    down: torch.Tensor
    up: torch.Tensor
    scale: float
    dropout: float = 0.0

    @property
    def weights(self) -> int:
        """Number of weights of both."""
        return self.down.numel() + self.up.numel()


@dataclass(frozen=True)
class Prefix:
    """Trained keys and values that stand before those of a decoder's own (Li and Liang 2021).

    Attributes:
        made: Returns those of each layer, [heads, tokens, width], with their gradient's way back.
        tokens: How many there are.
        weights: Number of the weights that they are made of.
    """

    made: Callable[[], Sequence[Heads]]
    tokens: int
    weights: int


@dataclass(frozen=True)
class Adapter:
    """What one member trains beside the base.

    Attributes:
        updates: By the full name of the layer.
        prefix: None where there is none.
    """

    updates: Mapping[str, LowRank] = field(default_factory=dict)
    prefix: Prefix | None = None

    @property
    def weights(self) -> int:
        """Number of weights that are trained."""
        of_prefix = 0 if self.prefix is None else self.prefix.weights
        return of_prefix + sum(update.weights for update in self.updates.values())


@dataclass(frozen=True)
class Part:
    """The rows of a pass that belong to one member.

    Attributes:
        rows: Which, one after another.
        adapter: Of the member.
    """

    rows: slice
    adapter: Adapter

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.rows.stop - self.rows.start)


class Parts:
    """The parts of a pass, one after another.

    Args:
        members: Of each the number of its rows, none of which makes no part, and its adapter.
    """

    def __init__(self, members: Iterable[tuple[int, Adapter]]) -> None:
        self._parts: list[Part] = []
        start = 0
        for rows, adapter in members:
            if rows:
                self._parts.append(Part(slice(start, start + rows), adapter))
            start += rows
        self._made: dict[Hashable, object] = {}

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def of_rows(self, kept: Sequence[int]) -> Parts:
        """Returns the parts of the rows that are kept, given in their order."""
        return Parts(
            (bisect_left(kept, part.rows.stop) - bisect_left(kept, part.rows.start), part.adapter)
            for part in self
        )

    def ends(self, length: int, device: torch.device) -> torch.Tensor:
        """Returns [parts], int32: how many tokens there are up to the last of each part.

        Args:
            length: Tokens of a row.
            device: Where.
        """
        return self.once(
            ("ends", length),
            lambda: torch.tensor([part.rows.stop * length for part in self], dtype=torch.int32).to(
                device
            ),
        )

    def of_each_token(
        self, values: Sequence[int], length: int, device: torch.device
    ) -> torch.Tensor:
        """Returns [tokens], int32: for each token the value of its part.

        Args:
            values: Of each part.
            length: Tokens of a row.
            device: Where.
        """

        def make() -> torch.Tensor:
            tokens = [
                [value] * part.count * length for value, part in zip(values, self, strict=True)
            ]
            return torch.tensor(list(chain.from_iterable(tokens)), dtype=torch.int32).to(device)

        return self.once((tuple(values), length), make)

    def once(self, key: Hashable, make: Callable[[], _Kept]) -> _Kept:
        """Returns what was made under a key, made now if nothing was; it lasts as long as the pass.

        Layers ask for the same few numbers, and a transfer to a device for each would be dear.
        """
        if key not in self._made:
            self._made[key] = make()
        return cast(_Kept, self._made[key])
