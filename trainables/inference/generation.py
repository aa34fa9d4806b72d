"""Turns prompts into SQL.

Prompts are batched by length under a token budget, and every step reuses the keys and values of the
ones before. In float32 on a CPU the output does not depend on who shares a batch: the attention
weights of padding are exactly 0 (the mask is the most negative number, whose exponential
underflows), positions count from a row's own start, and a finished row emits padding. What remains
is the order in which a matrix product sums, about 1e-7 of a logit, which only an exact tie could
show. In bfloat16 ties are frequent, so evaluation always makes the same batches from the same rows
on the same device, but where memory does not suffice for one; how often it then agrees with float32
is measured by `benchmarks.bf16_generation` (`benchmarks/RESULTS.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from trainables.data.batching import by_token_budget
from trainables.data.spelling import SqlTokens
from trainables.families.family import Decoding
from trainables.families.fit import NOTEBOOK_TOKENS, SLACK
from trainables.families.framing import TokenIds
from trainables.inference.asking import Asked, Share, ask
from trainables.runtime.device import total_memory
from trainables.runtime.smaller_batches import in_halves
from trainables.training.adapted_model import AdaptedModel


def decoding(
    protocol: str, reference_tokens: Sequence[int], limit: int, slack: int = SLACK
) -> Decoding:
    """Returns how a split is decoded.

    Args:
        protocol: "standard" for greedy decoding, "notebook" for the study's: beam 4, early stopping
            and no repeated bigram.
        reference_tokens: Tokens of every reference of the split; the longest sets the limit.
        limit: References count as at most so long, since no longer target is trained on.
        slack: Tokens beyond the longest reference.
    """
    if protocol == "notebook":
        return Decoding(NOTEBOOK_TOKENS, beams=4, no_repeat_ngram=2)
    return Decoding(min(max(reference_tokens, default=0), limit) + slack)


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
    texts = [""] * len(sources)

    def answered(rows: Sequence[int]) -> list[str]:
        asked = ask(tokens.framing, [Share(adapted, [sources[row] for row in rows])])
        return written(tokens, asked, how)

    for whole in batches(adapted.device, [len(ids) for ids in sources], how.beams, max_rows):
        for rows, found in in_halves(whole, answered, adapted.device):
            for row, text in zip(rows, found, strict=True):
                texts[row] = text
            if heartbeat is not None:
                heartbeat()
    return texts


def written(tokens: SqlTokens, asked: Asked, how: Decoding) -> list[str]:
    """Returns the SQL for the prompts of one batch; it ends when every row has ended.

    Args:
        tokens: Decodes what the model emits.
        asked: The prompts.
        how: How tokens are chosen.
    """
    return [text.strip() for text in tokens.texts(asked.answers(how))]


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
