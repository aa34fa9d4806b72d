"""Pretrains the embedded decoder by predicting the next token.

    python -m trainables.embedded.pretrain_causal
        Half an hour on one CPU thread; replaces the shipped model by one of its kind. The shipped
        one was made in two runs, as `base_causal/README.md` says, and not by these defaults.
    python -m trainables.embedded.pretrain_causal --steps 1000 --out /tmp/base
        A first look: fine-tuning finds something to build on after a few minutes.

The documents are those of the embedded T5 (see `denoising`), whole: a question before its schema,
a statement after its schema, or one question put in two ways. The model never sees a question
together with its SQL, so all that it later knows of answering is fine-tuning's. Only the line that
asks for a statement, `SQL:`, stands before those of the documents too.
"""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import torch
from tokenizers import processors
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from trainables.embedded import denoising
from trainables.embedded.denoising import Document
from trainables.embedded.pretraining import (
    IGNORED,
    POOL,
    Batches,
    Objective,
    Settings,
    command,
    padded,
    texts_of_corpus,
)
from trainables.embedded.tokenizer import END, PADDING, build
from trainables.families.registry import CAUSAL

BASE = Path(__file__).parent / "base_causal"
_CUE = "SQL:"
_BETAS = (0.9, 0.98)
_POSITIONS = 1024


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Builds the tokenizer over the corpus's words and the prompt's; it closes no text."""
    tokenizer = build([*texts_of_corpus(), f"Question: Context: {_CUE}"])
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A", pair="$A $B", special_tokens=[]
    )
    return tokenizer


def build_model(vocabulary: int, settings: Settings) -> PreTrainedModel:
    """Builds the model with random weights: a Llama with tied embeddings.

    Args:
        vocabulary: Number of tokens.
        settings: With its width and layers.
    """
    heads = settings.width // 32
    return CAUSAL.random(
        "llama",
        vocab_size=vocabulary,
        hidden_size=settings.width,
        intermediate_size=2 * settings.width,
        num_hidden_layers=settings.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=_POSITIONS,
        tie_word_embeddings=True,
        pad_token_id=PADDING,
        bos_token_id=None,
        eos_token_id=END,
    )


def build_optimizer(model: PreTrainedModel, settings: Settings) -> torch.optim.Optimizer:
    """Returns Adam: all matrices of a Llama start alike, so that one rate suits them."""
    return torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, betas=_BETAS, weight_decay=0.0
    )


def pieces(document: Document) -> list[str]:
    """Returns a document as texts that are tokenised one by one."""
    cue = [_CUE] if document.holds_statement else []
    return [text for text in (document.before, *cue, document.part, document.after) if text]


def batches(tokenizer: PreTrainedTokenizerFast, settings: Settings) -> Batches:
    """Yields batches of documents without end, the same ones for a seed.

    Yields:
        Tokens [b, s], padded with `PADDING` and each closed by the end token, and the same as
        labels, padded with -100.
    """
    rng = random.Random(settings.seed)
    documents = islice(denoising.documents(denoising.SEED + settings.seed), settings.documents)
    texts = [pieces(document) for document in documents]
    encoded = iter(
        tokenizer([text for each in texts for text in each], add_special_tokens=False)["input_ids"]
    )
    rows = [[*(token for _ in each for token in next(encoded)), END] for each in texts]
    size = settings.batch_size
    while True:
        pool = rng.choices(rows, k=size * POOL)
        pool.sort(key=len)
        starts = list(range(0, len(pool), size))
        rng.shuffle(starts)
        for start in starts:
            part = pool[start : start + size]
            yield padded(part, PADDING), padded(part, IGNORED)


OBJECTIVE = Objective(
    program="trainables.embedded.pretrain_causal",
    description=__doc__,
    family=CAUSAL,
    folder=BASE,
    defaults=Settings(steps=9_000, learning_rate=3e-3, layers=4),
    tokenizer=build_tokenizer,
    model=build_model,
    optimizer=build_optimizer,
    batches=batches,
)


if __name__ == "__main__":
    command(OBJECTIVE)
