"""Dropout that belongs to a row: whoever shares its pass, the same of its numbers are zeroed.

Whether a number is kept is a hash of what it is: the member's seed and step, the row, the place in
the row, the layer and the feature. There is no generator, whose draws would depend on the pass in
which they are made. Two halves are mixed well (by the finalizer of MurmurHash3, Appleby 2011) and
kept: one for each token of a pass, one for each feature of a layer. A number's hash is a short mix
of the exclusive or of the two, in four operations: about a fifth of the time of torch's dropout on
a CPU. Integers only, so that every device and kernel draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    return _mixed(rows[:, None] ^ _mixed(places))


def least(rate: float) -> int:
    """Returns the least hash of a number that is kept where so many, as a share, are zeroed."""
    return round(rate * 2**32) - 2**31


def dropped(numbers: torch.Tensor, kept: torch.Tensor | None) -> torch.Tensor:
    """Returns [..., features] with zeros where nothing is kept; None keeps everything."""
    return numbers if kept is None else torch.where(kept, numbers, 0.0)


class Place:
    """One place of a model at which there may be dropout.

    Args:
        number: Of the place, below 4,096; places of one number would zero the same features.
    """

    def __init__(self, number: int) -> None:
        self._first = _signed(number * MOST_FEATURES)
        self._keys: torch.Tensor | None = None

    def keep(self, tokens: torch.Tensor, features: int, rate: float) -> torch.Tensor:
        """Returns [..., features], False where a number is to be zeroed.

        Args:
            tokens: [...], of `token_keys`.
            features: Of each token, at most `MOST_FEATURES`; what one draws does not depend on how
                many there are.
            rate: Probability that a number is zeroed, below 1.
        """
        return self.keep_from(tokens, features, least(rate))

    def keep_from(
        self, tokens: torch.Tensor, features: int, bound: int | torch.Tensor
    ) -> torch.Tensor:
        """Returns what `keep` returns, given `least` of the rate; or that of each token, int32."""
        found = tokens[..., None] ^ self._feature_keys(features, tokens.device)
        found *= 0x2C1B3C6D
        found ^= found >> 15
        found *= 0x297A2D39
        return found >= bound

    def _feature_keys(self, features: int, device: torch.device) -> torch.Tensor:
        if self._keys is None or len(self._keys) < features:
            counter = torch.arange(features, dtype=torch.int32, device=device)
            self._keys = _mixed(counter + self._first)
        return self._keys[:features]


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
