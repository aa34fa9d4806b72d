"""Keys and values that a decoder keeps from one token of an answer to the next."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from trainables.passes.parts import Heads

_BLOCK = 32
"""Tokens by which room grows: few copies, and no room for answers that are not written."""


class Written:
    """The keys and values of what has been written so far.

    Args:
        like: Keys of the same rows, for their sizes.
        room: Tokens of an answer at most.
        prefix: Those that stand before it.
    """

    def __init__(self, like: torch.Tensor, room: int, prefix: Heads | None = None) -> None:
        rows, heads, _, width = like.shape
        self._tokens = 0 if prefix is None else prefix[0].shape[2]
        self._room = self._tokens + room
        tokens = self._tokens + min(room, _BLOCK)
        self._both = like.new_empty((2, rows, heads, tokens, width))
        if prefix is not None:
            for own, before in zip(self._both, prefix, strict=True):
                own[:, :, : self._tokens] = before

    def add(self, key: torch.Tensor, value: torch.Tensor) -> Heads:
        """Takes in those of one more token; returns all so far."""
        if self._tokens == self._both.shape[3]:
            more = min(self._room - self._tokens, max(_BLOCK, self._tokens))
            shape = list(self._both.shape)
            shape[3] = more
            self._both = torch.cat([self._both, self._both.new_empty(shape)], dim=3)
        self._both[0, :, :, self._tokens] = key[:, :, 0]
        self._both[1, :, :, self._tokens] = value[:, :, 0]
        self._tokens += 1
        return self._both[0, :, :, : self._tokens], self._both[1, :, :, : self._tokens]

    def take(self, rows: torch.Tensor) -> None:
        """Keeps these rows alone."""
        self._both = self._both[:, rows]


@dataclass
class BlockMemory:
    """What one layer of a decoder remembers.

    Attributes:
        prompt: Keys and values of the prompt.
        written: Of the answer.
    """

    prompt: Heads
    written: Written

    @classmethod
    def of(cls, prompt: Heads, room: int, prefix: Heads | None) -> BlockMemory:
        """Returns what is remembered before the first token of an answer.

        Args:
            prompt: Keys and values of the prompt.
            room: Tokens of an answer at most.
            prefix: Keys and values that stand before the answer's; None for none.
        """
        key, value = (each.contiguous() for each in prompt)
        return cls((key, value), Written(key, room, prefix))

    def read(self) -> Heads:
        """Returns the keys and values of the prompt."""
        return self.prompt

    def take(self, rows: torch.Tensor) -> None:
        """Keeps these rows alone."""
        key, value = self.prompt
        self.prompt = key[rows], value[rows]
        self.written.take(rows)
