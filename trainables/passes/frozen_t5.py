"""The passes of a T5 whose own weights stay as they are, for the rows of several members."""

from __future__ import annotations

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from trainables.families.family import LOGITS
from trainables.passes.frozen_weight import number_type
from trainables.passes.layout import Sources, Targets
from trainables.passes.t5_layers import Company, Numbering, Pass, Stack

_ENDED = 8
"""Rows that have ended are taken out when they are an eighth: it copies the memories of those that
stay, which costs about a step that reads them."""


class FrozenT5:
    """A T5's weights, read by everyone and written by nobody.

    Args:
        model: The base model, without adapters, that `suits`.

    Attributes:
        begin: The token that an answer begins with.
        padding: What fills a row.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        config, generation = model.config, model.generation_config
        self._embedding = model.get_input_embeddings().weight.detach()
        self._output = model.get_output_embeddings().weight.detach()
        scaled = getattr(config, "scale_decoder_outputs", False)  # an mT5's never are
        self._scale = config.d_model**-0.5 if scaled else 1.0
        self.begin: int = config.decoder_start_token_id
        self.padding: int = config.pad_token_id
        self._end: int = generation.eos_token_id
        self.dropout = float(config.dropout_rate)
        numbering = Numbering()
        self._encoder = Stack(model.encoder, "encoder", numbering, self.dropout)
        self._decoder = Stack(model.decoder, "decoder", numbering, self.dropout)

    @staticmethod
    def suits(model: PreTrainedModel) -> bool:
        """Returns whether this computes what a model does: a T5 or an mT5, which is the same.

        And one whose answers begin as its targets do, and end with one token and nothing else.
        """
        config, generation = model.config, model.generation_config
        if config.model_type not in ("t5", "mt5"):
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

    def encode(self, sources: Sources, company: Company) -> torch.Tensor:
        """Returns the encoder's output, [b, s, width]."""
        length = sources.ids.shape[1]
        scores = self._encoder.relative_bias(length) + self._closed(sources.mask)
        given = Pass(company.parts, company.tokens(length), scores)
        hidden = functional.embedding(sources.ids, self._embedding)
        return self._encoder(hidden, given, checkpointed=company.checkpointed)

    def losses(
        self, sources: Sources, targets: Targets, company: Company, encoded: torch.Tensor
    ) -> torch.Tensor:
        """Returns the cross-entropy of each target token in nats, [n].

        Args:
            sources: The prompts.
            targets: What is to be learnt beside them.
            company: Whose rows they are.
            encoded: What `encode` returned for the prompts.
        """
        hidden = self._before_targets(sources, targets, company, encoded)
        return functional.cross_entropy(self._logits(hidden), targets.labels, reduction="none")

    @torch.inference_mode()
    def summed_losses(
        self, sources: Sources, targets: Targets, company: Company, encoded: torch.Tensor
    ) -> torch.Tensor:
        """Returns the cross-entropy of each row, summed over its target tokens, in nats: [b].

        As `losses`, but without a gradient and with at most `LOGITS` logits at once.
        """
        hidden = self._before_targets(sources, targets, company, encoded)
        sums = torch.zeros(len(targets.before), device=hidden.device)
        step = max(1, LOGITS // len(self._output))
        for start in range(0, len(hidden), step):
            some = slice(start, start + step)
            losses = functional.cross_entropy(
                self._logits(hidden[some]), targets.labels[some], reduction="none"
            )
            sums.index_add_(0, targets.rows[some], losses)
        return sums

    @torch.inference_mode()
    def answers(
        self, sources: Sources, company: Company, encoded: torch.Tensor, most: int
    ) -> list[list[int]]:
        """Returns the likeliest token at each step, row by row; behind an end stands padding.

        Args:
            sources: The prompts.
            company: Whose rows they are, without dropout.
            encoded: What `encode` returned for the prompts.
            most: Tokens of an answer at most, the end among them.
        """
        rows = torch.arange(len(encoded), device=encoded.device)
        parts = company.parts
        memories = self._decoder.memories(encoded, parts, most)
        closed = self._closed(sources.mask)
        written = rows.new_full((len(rows), most), self.padding)
        token = rows.new_full((len(rows),), self.begin)
        live = torch.ones_like(rows, dtype=torch.bool)
        bias = self._decoder.relative_bias(most)
        for place in range(most):
            hidden = functional.embedding(token[:, None], self._embedding)
            mask = bias[:, :, place : place + 1, : place + 1]
            given = Pass(parts, None, mask, encoded_mask=closed)
            hidden = self._decoder.step(hidden, given, memories)
            token = torch.where(live, self._logits(hidden[:, 0]).argmax(dim=-1), self.padding)
            written[rows, place] = token
            live = live & (token != self._end)
            left = int(live.sum())
            if not left:
                break
            if (len(rows) - left) * _ENDED >= len(rows):
                kept = live.nonzero()[:, 0]
                for memory in memories:
                    memory.take(kept)
                rows, token, live, closed = rows[kept], token[kept], live[kept], closed[kept]
                parts = parts.of_rows(kept.tolist())
        found: list[list[int]] = written[:, : place + 1].tolist()
        return found

    def _before_targets(
        self, sources: Sources, targets: Targets, company: Company, encoded: torch.Tensor
    ) -> torch.Tensor:
        """Returns the decoder's output that each target token is told from, [n, width]."""
        rows, length = targets.before.shape
        hidden = functional.embedding(targets.before, self._embedding)
        later = hidden.new_full((length, length), _least(hidden)).triu(1)
        given = Pass(
            company.parts,
            company.tokens(length),
            self._decoder.relative_bias(length) + later,
            encoded,
            company.tokens(encoded.shape[1]),
            self._closed(sources.mask),
        )
        hidden = self._decoder(hidden, given, checkpointed=company.checkpointed)
        return hidden.reshape(rows * length, -1)[targets.places]

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return functional.linear(hidden * self._scale, self._output).float()

    def _closed(self, mask: torch.Tensor) -> torch.Tensor:
        """Returns [b, 1, 1, s], what is added to scores so that padding is not read."""
        open_ = self._embedding.new_zeros(())
        return torch.where(mask.bool(), open_, _least(open_))[:, None, None, :]


def _least(like: torch.Tensor) -> float:
    return torch.finfo(like.dtype).min
