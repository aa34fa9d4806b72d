"""The passes of a T5 whose own weights stay as they are, for the rows of several members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from trainables.families.framing import TokenIds
from trainables.families.greedy import ENDED
from trainables.passes.company import Company
from trainables.passes.frozen_base import FrozenBase, Losses, Read, summed
from trainables.passes.frozen_weight import number_type
from trainables.passes.layout import Sources, Targets
from trainables.passes.prefixes import Prefixes
from trainables.passes.shared_rows import first_alike
from trainables.passes.t5_layers import Numbering, Pass, Stack


class FrozenT5(FrozenBase):
    """A T5's weights, read by everyone and written by nobody.

    Args:
        model: The base model that `suits`.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        config, generation = model.config, model.generation_config
        self._embedding = model.get_input_embeddings().weight.detach()
        self.device = self._embedding.device
        self._output = model.get_output_embeddings().weight.detach()
        # An mT5's outputs are never scaled, a UMT5's by another name.
        scales = "tie_word_embeddings" if config.model_type == "umt5" else "scale_decoder_outputs"
        self._scale = config.d_model**-0.5 if getattr(config, scales, False) else 1.0
        self._begin: int = config.decoder_start_token_id
        self._padding: int = config.pad_token_id
        self._end: int = generation.eos_token_id
        self.dropout = float(config.dropout_rate)
        numbering = Numbering()
        self._encoder = Stack(model.encoder, "encoder", numbering, self.dropout)
        self._decoder = Stack(model.decoder, "decoder", numbering, self.dropout)

    @staticmethod
    def suits(model: PreTrainedModel) -> bool:
        """Returns whether this computes what a model does: a T5, an mT5, a UMT5.

        And one whose answers begin as its targets do, and end with one token and nothing else.
        """
        config, generation = model.config, model.generation_config
        if config.model_type not in ("t5", "mt5", "umt5"):
            return False
        attention, dense = model.encoder.block[0].layer
        weights = attention.SelfAttention.q.weight, dense.DenseReluDense.wo.weight
        dtype = model.get_input_embeddings().weight.dtype
        return (
            all(number_type(weight) is dtype for weight in weights)
            and isinstance(generation.eos_token_id, int)
            and generation.forced_bos_token_id is None
            and generation.forced_eos_token_id is None
            and generation.decoder_start_token_id == config.decoder_start_token_id
            and generation.pad_token_id == config.pad_token_id
        )

    def losses(
        self, sources: Sequence[TokenIds], targets: Sequence[TokenIds], company: Company
    ) -> Losses:
        """Returns the cross-entropies; arguments as of `FrozenBase.losses`."""
        asked, told = self._prompts(sources), self._statements(targets)
        encoded = self.encode(sources, asked, company)
        hidden = self._before_targets(asked, told, company, encoded)
        values = functional.cross_entropy(self._logits(hidden), told.labels, reduction="none")
        return Losses(values, told.rows)

    def read(self, sources: Sequence[TokenIds], company: Company) -> Read:
        """Returns prompts whose encoding a loss and an answer share."""
        return _Read(self, sources, self._prompts(sources), company)

    def summed_losses(
        self,
        sources: Sources,
        targets: Sequence[TokenIds],
        company: Company,
        encoded: torch.Tensor,
    ) -> torch.Tensor:
        """Returns [b], as `Read.summed_losses`, given the encoder's output."""
        told = self._statements(targets)
        hidden = self._before_targets(sources, told, company, encoded)
        words = len(self._output)
        return summed(hidden, told.labels, told.rows, len(targets), self._logits, words)

    def encode(self, rows: Sequence[TokenIds], sources: Sources, company: Company) -> torch.Tensor:
        """Returns the encoder's output, [b, s, width], of equal rows computed once where it can be.

        Args:
            rows: The prompts.
            sources: The same, laid out.
            company: Whose they are.
        """
        drops = company.rows is not None and self.dropout > 0.0
        first = first_alike(rows, company.parts, "encoder.", own=drops)
        if first == list(range(len(rows))):
            return self._encoded(sources, company)
        kept = list(dict.fromkeys(first))
        few = torch.tensor(kept).to(self.device)
        keys = None if company.rows is None else company.rows[few]
        fewer = replace(company, parts=company.parts.of_rows(kept), rows=keys)
        encoded = self._encoded(Sources(sources.ids[few], sources.mask[few]), fewer)
        place = {row: number for number, row in enumerate(kept)}
        return encoded.index_select(0, torch.tensor([place[row] for row in first]).to(self.device))

    def _encoded(self, sources: Sources, company: Company) -> torch.Tensor:
        length = sources.ids.shape[1]
        masks = self._encoder.masks(0, length, self._closed(sources.mask))
        given = Pass(company.parts, company.tokens(length), masks)
        hidden = functional.embedding(sources.ids, self._embedding)
        return self._encoder(hidden, given, checkpointed=company.checkpointed)

    def answers(
        self, sources: Sources, company: Company, encoded: torch.Tensor, most: int
    ) -> list[list[int]]:
        """Returns what `Read.answers` returns, given the encoder's output."""
        rows = torch.arange(len(encoded), device=encoded.device)
        parts = company.parts
        prefixes = Prefixes.of(parts, encoded)
        before = 0 if prefixes is None else prefixes.tokens
        not_read = None if prefixes is None else prefixes.closed
        memories = self._decoder.memories(encoded, parts, most, prefixes)
        closed = self._closed(sources.mask)
        written = rows.new_full((len(rows), most), self._padding)
        token = rows.new_full((len(rows),), self._begin)
        live = torch.ones_like(rows, dtype=torch.bool)
        for place in range(most):
            hidden = functional.embedding(token[:, None], self._embedding)
            here = before + place
            added = None if not_read is None else functional.pad(not_read, (0, place + 1))
            masks = self._decoder.masks(here, here + 1, added)
            given = Pass(parts, None, masks, encoded_mask=closed)
            hidden = self._decoder.step(hidden, given, memories)
            token = torch.where(live, self._logits(hidden[:, 0]).argmax(dim=-1), self._padding)
            written[rows, place] = token
            live = live & (token != self._end)
            left = int(live.sum())
            if not left:
                break
            if (len(rows) - left) * ENDED >= len(rows):
                kept = live.nonzero()[:, 0]
                for memory in memories:
                    memory.take(kept)
                rows, token, live, closed = rows[kept], token[kept], live[kept], closed[kept]
                not_read = None if not_read is None else not_read[kept]
                parts = parts.of_rows(kept.tolist())
        found: list[list[int]] = written[:, : place + 1].tolist()
        return found

    def _before_targets(
        self, sources: Sources, targets: Targets, company: Company, encoded: torch.Tensor
    ) -> torch.Tensor:
        """Returns the decoder's output that each target token is told from, [n, width]."""
        rows, length = targets.before.shape
        hidden = functional.embedding(targets.before, self._embedding)
        prefixes = Prefixes.of(company.parts, encoded)
        before = 0 if prefixes is None else prefixes.tokens
        later = hidden.new_full((length, before + length), _least(hidden)).triu(before + 1)
        if prefixes is not None and prefixes.closed is not None:
            later = later + functional.pad(prefixes.closed, (0, length))
        given = Pass(
            company.parts,
            company.tokens(length),
            self._decoder.masks(before, before + length, later),
            encoded,
            company.tokens(encoded.shape[1]),
            self._closed(sources.mask),
            prefixes,
        )
        hidden = self._decoder(hidden, given, checkpointed=company.checkpointed)
        return hidden.reshape(rows * length, -1)[targets.places]

    def _prompts(self, rows: Sequence[TokenIds]) -> Sources:
        return Sources.of(rows, self._padding, self.device)

    def _statements(self, rows: Sequence[TokenIds]) -> Targets:
        return Targets.of(rows, self._begin, self._padding, self.device)

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return functional.linear(hidden * self._scale, self._output).float()

    def _closed(self, mask: torch.Tensor) -> torch.Tensor:
        """Returns [b, 1, 1, s], what is added to scores so that padding is not read."""
        open_ = self._embedding.new_zeros(())
        return torch.where(mask.bool(), open_, _least(open_))[:, None, None, :]


class _Read(Read):
    """Prompts of a T5, encoded once."""

    def __init__(
        self, base: FrozenT5, rows: Sequence[TokenIds], sources: Sources, company: Company
    ) -> None:
        self._base, self._rows, self._sources, self._company = base, rows, sources, company

    @cached_property
    def _encoded(self) -> torch.Tensor:
        return self._base.encode(self._rows, self._sources, self._company)

    @torch.inference_mode()
    def summed_losses(self, targets: Sequence[TokenIds]) -> torch.Tensor:
        return self._base.summed_losses(self._sources, targets, self._company, self._encoded)

    @torch.inference_mode()
    def answers(self, most: int) -> list[list[int]]:
        return self._base.answers(self._sources, self._company, self._encoded, most)


def _least(like: torch.Tensor) -> float:
    return torch.finfo(like.dtype).min
