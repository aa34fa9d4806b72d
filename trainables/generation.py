"""Turns prompts into SQL.

Prompts are batched by length under a token budget, and every step reuses the keys and values of the
ones before. In float32 on a CPU the output does not depend on who shares a batch: padding stands on
the right, its attention weights are exactly 0 (the mask is the most negative number, whose
exponential underflows), relative positions count from a row's own start, and a finished row emits
padding. What remains is the order in which a matrix product sums, about 1e-7 of a logit, which only
an exact tie could show. In bfloat16 ties are frequent, so evaluation always makes the same batches
from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from trainables.adapted import AdaptedModel
from trainables.batching import by_token_budget, pad
from trainables.sql_tokens import SqlTokens, TokenIds

SLACK = 16
"""New tokens allowed beyond the longest reference, so that a longer answer is seen to be longer."""
NOTEBOOK_TOKENS = 256
"""New tokens allowed in the study."""


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen.

    Attributes:
        max_new_tokens: Limit of an answer, the end token included.
        beams: 1 takes the likeliest token at each step.
        no_repeat_ngram: No sequence of so many tokens occurs twice in an answer; 0 allows all. It
            forbids legal SQL.
    """

    max_new_tokens: int
    beams: int = 1
    no_repeat_ngram: int = 0


def decoding(protocol: str, reference_tokens: Sequence[int], limit: int) -> Decoding:
    """Returns how a split is decoded.

    Args:
        protocol: "standard" for greedy decoding, "notebook" for the study's: beam 4, early stopping
            and no repeated bigram.
        reference_tokens: Tokens of every reference of the split; the longest sets the limit.
        limit: References count as at most so long, since no longer target is trained on.
    """
    if protocol == "notebook":
        return Decoding(NOTEBOOK_TOKENS, beams=4, no_repeat_ngram=2)
    return Decoding(min(max(reference_tokens, default=0), limit) + SLACK)


def generate(
    adapted: AdaptedModel,
    tokens: SqlTokens,
    sources: Sequence[TokenIds],
    how: Decoding,
    *,
    heartbeat: Callable[[], None] | None = None,
    max_rows: int | None = None,
) -> list[str]:
    """Returns the SQL for each prompt, in their order.

    Args:
        adapted: The model, in evaluation mode.
        tokens: Decodes what the model emits.
        sources: Token ids of the prompts.
        how: How tokens are chosen.
        heartbeat: Called after each batch.
        max_rows: At most so many rows in a batch; None for what suits the device.
    """
    device = adapted.device
    padding_id = int(adapted.tokenizer.pad_token_id)
    budget, rows_that_suit = batch_limits(device)
    batches = by_token_budget(
        [len(ids) for ids in sources],
        budget // how.beams,
        max_rows or max(1, rows_that_suit // how.beams),
    )
    model: Any = adapted.model
    texts = [""] * len(sources)
    for rows in batches:
        input_ids, mask = pad([sources[row] for row in rows], padding_id, device)
        with torch.inference_mode(), adapted.precision():
            output = model.generate(
                input_ids=input_ids,
                attention_mask=mask,
                do_sample=False,
                use_cache=True,
                max_new_tokens=how.max_new_tokens,
                num_beams=how.beams,
                no_repeat_ngram_size=how.no_repeat_ngram,
                early_stopping=how.beams > 1,
            )
        for row, text in zip(rows, tokens.texts(output.tolist()), strict=True):
            texts[row] = text.strip()
        if heartbeat is not None:
            heartbeat()
    return texts


def batch_limits(device: torch.device) -> tuple[int, int]:
    """Returns (source tokens with padding, rows) of an evaluation batch on this kind of device."""
    return (65_536, 256) if device.type == "cuda" else (8_192, 64)
