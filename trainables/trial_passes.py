"""Which passes a trial makes: of how many rows, and how long these are.

Of trained rows the lengths are those of the first ones, cut into batches as a trial cuts them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

import torch

from trainables.contract.configuration import TrialConfiguration
from trainables.data.batching import epoch_batches, micro_batches
from trainables.data.encoded_rows import BLOCK, EncodedRows
from trainables.data.spelling import SqlTokens
from trainables.data.splits import splits_of
from trainables.inference.generation import batches, decoding
from trainables.training.trainer import OVERHEAD_TOKENS, UNMEASURED

_EPOCHS = 4
"""Orders of the first rows that are cut into batches, to find the one that takes most."""


@dataclass(frozen=True)
class Pass:
    """One forward pass: rows, padded to the longest prompt and the longest statement."""

    rows: int
    source: int
    target: int

    @property
    def tokens(self) -> int:
        """Padding included."""
        return self.rows * (self.source + self.target)


@dataclass(frozen=True)
class Passes:
    """The passes of a trial.

    Attributes:
        largest: The one that takes most.
        usual: Of the batches' largest the one in the middle.
        longest: Full of the longest rows.
        are_several: Whether a step has more than one.
    """

    largest: Pass
    usual: Pass
    longest: Pass
    are_several: bool


class TrialRows:
    """How long a trial's rows are.

    Args:
        configuration: The trial.
        device: Sets how rows are batched.
    """

    def __init__(self, configuration: TrialConfiguration, device: torch.device) -> None:
        self._configuration = configuration
        self._device = device
        splits = splits_of(configuration)
        tokens = _tokens(configuration)
        source = configuration.source_tokens
        train = EncodedRows(
            splits.train, tokens, source_limit=source, target_limit=configuration.target_tokens
        )
        count = min(BLOCK, configuration.data_size, len(splits.train))
        self._trained = train.lengths(range(count))
        measured = EncodedRows(splits.validation, tokens, source_limit=source, target_limit=None)
        self._measured = measured.lengths(range(min(BLOCK, len(splits.validation))))

    @property
    def micro_batch_size(self) -> int:
        """Rows of a pass at most."""
        return int(self._configuration.parameters["micro_batch_size"] or 1)

    def passes(self, most_rows: int) -> Passes:
        """Returns the passes that training has, with so many rows in one at most."""
        batch_size = int(self._configuration.parameters["batch_size"] or 1)
        overhead = OVERHEAD_TOKENS.get(self._device.type, UNMEASURED)
        found, cuts = [], 0
        for epoch in range(_EPOCHS):
            for batch in epoch_batches(
                len(self._trained), batch_size, seed=self._configuration.seed, epoch=epoch
            ):
                lengths = [self._trained[row] for row in batch]
                parts = micro_batches(lengths, most_rows, overhead)
                cuts = max(cuts, len(parts))
                each = [_pass([lengths[row] for row in part]) for part in parts]
                found.append(max(each, key=lambda of: of.tokens))
        longest = dataclasses.replace(_pass(self._trained), rows=min(most_rows, len(self._trained)))
        largest = max(found, key=lambda of: of.tokens)
        middle = median_low(of.tokens for of in found)
        usual = next(of for of in found if of.tokens == middle)
        return Passes(largest, usual, longest, cuts > 1)

    def smaller(self, size: int) -> Iterator[int]:
        """Yields smaller numbers of rows, each about half of the one before."""
        while size > 1:
            size //= 2
            yield size

    def evaluations(self) -> Iterator[tuple[Pass, int, int]]:
        """Yields the largest batch of each protocol, the tokens of an answer, and its beams."""
        configuration = self._configuration
        sources = [source for source, _ in self._measured]
        references = [target for _, target in self._measured]
        for protocol in {configuration.validation_protocol, *configuration.test_protocols}:
            how = decoding(protocol, references, configuration.target_tokens)
            rows = batches(self._device, sources, how.beams)[0]
            of = _pass([self._measured[row] for row in rows])
            yield of, how.max_new_tokens, how.beams


def _pass(lengths: Sequence[tuple[int, int]]) -> Pass:
    return Pass(
        len(lengths), max(source for source, _ in lengths), max(target for _, target in lengths)
    )


def _tokens(configuration: TrialConfiguration) -> SqlTokens:
    from trainables.base_models.tokenizer import framing_of, load_family, load_tokenizer

    base = configuration.base_model, configuration.base_model_revision
    tokenizer = load_tokenizer(*base)
    return SqlTokens(tokenizer, framing_of(load_family(*base), tokenizer))
