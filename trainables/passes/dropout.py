"""Dropout that belongs to a row: whoever shares its pass, the same of its numbers are zeroed.

Whether a number is kept is a hash of what it is: the member's seed and step, the row, the place in
the row, the layer and the feature. There is no generator, whose draws would depend on the pass in
which they are made. Two halves are mixed well (by the finalizer of MurmurHash3, Appleby 2011), made
odd and kept: one for each token of a pass, one for each feature of a layer. A number's hash is the
product of the two (multiplicative hashing, Dietzfelbinger et al. 1997), of which the upper bits
decide. Integers only, so that every device and kernel draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from trainables.runtime.seeding import seed_of

MOST_FEATURES = 1 << 20
"""At one place of a model; and places are at most 4,096."""


def row_keys(seed: int, step: int, rows: Sequence[int]) -> list[int]:
    """Returns for each row what its dropout in one optimiser step is drawn from.

    Args:
        seed: The trial's.
        step: Number of the optimiser step.
        rows: Numbers of the rows in their data set.

    Returns:
        Numbers of 32 bits, signed.
    """
    return [_signed(seed_of("dropout", seed, step, row)) for row in rows]


def token_keys(rows: torch.Tensor, length: int) -> torch.Tensor:
    """Returns [b, length], a key for each token of a pass.

    Args:
        rows: [b], the keys of its rows, int32.
        length: Tokens of the longest row; a token's key does not depend on it.
    """
    places = torch.arange(length, dtype=torch.int32, device=rows.device)
    return _mixed(rows[:, None] ^ _mixed(places)) | 1


def least(rate: float) -> int:
    """Returns the least hash of a number that is kept where so many, as a share, are zeroed."""
    return min(round(rate * 2**32), 2**32 - 1) - 2**31


class Draw:
    """Which numbers of a pass are kept, drawn when it is asked for, each time the same.

    Args:
        tokens: Keys of the tokens, int32: [..., 1].
        features: Keys of the features: [features], or any two shapes that broadcast to that of the
            numbers.
        bound: Of the hashes of what is kept, see `least`; one for all, or int32.
    """

    def __init__(
        self, tokens: torch.Tensor, features: torch.Tensor, bound: int | torch.Tensor
    ) -> None:
        self._tokens, self._features, self._bound = tokens, features, bound

    def mask(self, dtype: torch.dtype) -> torch.Tensor:
        """Returns what `dropped` takes.

        On a CPU that is all bits of a number that is kept and none of another, for a choice by
        booleans takes ten times as long there.

        Args:
            dtype: Of the numbers.
        """
        hashes = self._tokens * self._features
        if hashes.is_cpu:
            return hashes.ge_(self._bound).neg_().to(_BITS[dtype.itemsize])
        return hashes >= self._bound


def mask_of(
    draw: Draw | None, dtype: torch.dtype, kept: torch.Tensor | None = None
) -> torch.Tensor | None:
    """Returns what `dropped` takes: what was kept of it, or else what is drawn.

    Args:
        draw: None for no dropout.
        dtype: Of the numbers.
        kept: What `for_the_way_back` returned.
    """
    return draw.mask(dtype) if kept is None and draw is not None else kept


def for_the_way_back(mask: torch.Tensor | None) -> torch.Tensor | None:
    """Returns what of a mask is to be saved: nothing on a CPU, where drawing again is cheaper than
    to keep it; elsewhere each call that draws it would be a launch.
    """
    return None if mask is None or mask.is_cpu else mask


_BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers as long as a floating-point number of so many bytes."""


def dropped(numbers: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Returns [..., features] with zeros where nothing is kept; None keeps everything.

    Args:
        numbers: Which have no gradient; see `zeroed`.
        mask: Of `Draw`.
    """
    if mask is None:
        return numbers
    if mask.dtype is torch.bool:
        return torch.where(mask, numbers, 0.0)
    return (numbers.view(mask.dtype) & mask).view(numbers.dtype)


def zeroed(numbers: torch.Tensor, draw: Draw, rate: float) -> torch.Tensor:
    """Returns numbers after dropout, those that are kept made up for the others.

    Args:
        numbers: Which may have a gradient.
        draw: Of them.
        rate: At which it was drawn.
    """
    found: torch.Tensor = _Zeroed.apply(  # type: ignore[no-untyped-call]
        numbers, draw, 1.0 / (1.0 - rate)
    )
    return found


class _Zeroed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, numbers: torch.Tensor, draw: Draw, scale: float) -> torch.Tensor:
        mask = draw.mask(numbers.dtype)
        ctx.save_for_backward(for_the_way_back(mask))
        ctx.draw, ctx.scale = draw, scale
        return dropped(numbers, mask).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        mask = mask_of(ctx.draw, gradient.dtype, kept)
        return dropped(gradient, mask).mul_(ctx.scale), None, None


class Place:
    """One place of a model at which there may be dropout.

    Args:
        number: Of the place, below 4,096; places of one number would zero the same features.
    """

    def __init__(self, number: int) -> None:
        self._first = number * MOST_FEATURES
        self._keys: dict[int, torch.Tensor] = {}

    def draw(self, tokens: torch.Tensor, features: int, bound: int | torch.Tensor) -> Draw:
        """Returns what is kept of [..., features].

        Args:
            tokens: [...], of `token_keys`.
            features: Of each token, at most `MOST_FEATURES`; what one draws does not depend on how
                many there are.
            bound: The `least` of the rate; or that of each token, int32.
        """
        if isinstance(bound, torch.Tensor):
            bound = bound[..., None]
        return Draw(tokens[..., None], self.keys(features, tokens.device), bound)

    def keys(self, features: int, device: torch.device, start: int = 0) -> torch.Tensor:
        """Returns [features], the keys of the features here, from one of them on."""
        if start not in self._keys or len(self._keys[start]) < features:
            counter = torch.arange(features, dtype=torch.int32, device=device)
            self._keys[start] = _mixed(counter + _signed(self._first + start)) | 1
        return self._keys[start][:features]


def _mixed(numbers: torch.Tensor) -> torch.Tensor:
    """Returns int32 in which every bit depends on every bit of `numbers`, one to one."""
    numbers = numbers ^ _shifted(numbers, 16)
    numbers = numbers * _signed(0x85EBCA6B)
    numbers = numbers ^ _shifted(numbers, 13)
    numbers = numbers * _signed(0xC2B2AE35)
    return numbers ^ _shifted(numbers, 16)


def _shifted(numbers: torch.Tensor, by: int) -> torch.Tensor:
    """Shifts to the right and fills with zeros, which int32 does not."""
    return (numbers >> by) & ((1 << (32 - by)) - 1)


def _signed(number: int) -> int:
    return (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
