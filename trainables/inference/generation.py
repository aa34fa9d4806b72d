"""Turns prompts into SQL.

Prompts are batched by length under a token budget, and every step reuses the keys and values of the
ones before. In float32 on a CPU the output does not depend on who shares a batch: padding stands on
the right, its attention weights are exactly 0 (the mask is the most negative number, whose
exponential underflows), relative positions count from a row's own start, and a finished row emits
padding. What remains is the order in which a matrix product sums, about 1e-7 of a logit, which only
an exact tie could show. In bfloat16 ties are frequent, so evaluation always makes the same batches
from the same rows on the same device; how often it then agrees with float32 is measured by
`benchmarks.bf16_generation` (`benchmarks/RESULTS.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from trainables.data.batching import by_token_budget, pad
from trainables.data.spelling import SqlTokens, TokenIds
from trainables.runtime.device import total_memory
from trainables.training.adapted_model import AdaptedModel

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
    padding_id = int(adapted.tokenizer.pad_token_id)
    texts = [""] * len(sources)
    for rows in batches(adapted.device, [len(ids) for ids in sources], how.beams, max_rows):
        input_ids, mask = pad([sources[row] for row in rows], padding_id, adapted.device)
        written = write(adapted, tokens, input_ids, mask, how)
        for row, text in zip(rows, written, strict=True):
            texts[row] = text
        if heartbeat is not None:
            heartbeat()
    return texts


def batches(
    device: torch.device, source_tokens: Sequence[int], beams: int = 1, max_rows: int | None = None
) -> list[list[int]]:
    """Returns the batches in which rows are evaluated, as indices, the longest rows first.

    Args:
        device: Where; its kind and memory set how much a batch holds.
        source_tokens: Tokens of each prompt.
        beams: Answers that are kept of each row at once.
        max_rows: At most so many rows in a batch; None for what suits the device.
    """
    tokens, rows = _room(device)
    return by_token_budget(source_tokens, tokens // beams, max_rows or max(1, rows // beams))


def _room(device: torch.device) -> tuple[int, int]:
    """Returns how many source tokens, and how many rows, a batch holds at most."""
    if device.type != "cuda":
        # On a CPU a step of 128 rows takes little longer than one of 64, and there are half as
        # many.
        return 8_192, 128
    # A token's keys and values take 0.1 MB in the 24 layers of a T5-large (bfloat16; twice that in
    # float32): with those of the answer, as long at most, a fifth of the device.
    tokens = min(65_536, total_memory(device) * 1024 // 2**30)
    return tokens, max(1, tokens // 256)


def encode(adapted: AdaptedModel, input_ids: torch.Tensor, mask: torch.Tensor) -> Any:
    """Returns what the encoder makes of prompts, for `write` and for a loss on the same prompts.

    Args:
        adapted: The model, in evaluation mode.
        input_ids: [b, s].
        mask: [b, s].
    """
    model: Any = adapted.model
    with torch.inference_mode(), adapted.precision():
        return model.get_encoder()(input_ids=input_ids, attention_mask=mask)


def write(
    adapted: AdaptedModel,
    tokens: SqlTokens,
    input_ids: torch.Tensor,
    mask: torch.Tensor,
    how: Decoding,
    encoded: Any = None,
) -> list[str]:
    """Returns the SQL for the prompts of one batch; it ends when every row has ended.

    Args:
        adapted: The model, in evaluation mode.
        tokens: Decodes what the model emits.
        input_ids: [b, s].
        mask: [b, s].
        how: How tokens are chosen.
        encoded: What `encode` returned for these prompts; None to encode them now.
    """
    model: Any = adapted.model
    given = {} if encoded is None else {"encoder_outputs": encoded}
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
            **given,
        )
    return [text.strip() for text in tokens.texts(output.tolist())]
