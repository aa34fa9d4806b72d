"""Pretrains the embedded base model by denoising.

    python -m trainables.embedded.pretrain
        An hour on one CPU thread; replaces the shipped model.
    python -m trainables.embedded.pretrain --minutes 5 --out /tmp/base
        A first look: fine-tuning finds something to build on after five minutes.
    python -m trainables.embedded.pretrain --steps 20000 --device cuda
        About the same length, on a GPU.

The model sees questions, schemas and statements with spans cut out of them and learns to restore
these. It never sees a question together with its SQL, so all that it later knows of answering is
fine-tuning's (see `denoising`). `transformers` alone can read the folder; it is saved every few
minutes and can be tried while training goes on.
"""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from trainables.embedded import denoising
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
from trainables.embedded.tokenizer import END, PADDING, SENTINELS, build
from trainables.families.registry import SEQ2SEQ

BASE = Path(__file__).parent / "base"


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Builds the tokenizer over the corpus's words and the prompt's."""
    return build([*texts_of_corpus(), "Question: Context:"])


def build_model(vocabulary: int, settings: Settings) -> PreTrainedModel:
    """Builds the model with random weights: T5 with gated GELU, as Flan-T5 has it.

    It has no dropout: at this size and with fresh documents there is nothing to overfit, and each
    technique brings its own.

    Args:
        vocabulary: Number of tokens.
        settings: With its width (d_model) and layers.
    """
    return SEQ2SEQ.random(
        "t5",
        vocab_size=vocabulary,
        d_model=settings.width,
        d_kv=32,
        d_ff=2 * settings.width,
        num_heads=settings.width // 32,
        num_layers=settings.layers,
        num_decoder_layers=settings.layers,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        decoder_start_token_id=PADDING,
        pad_token_id=PADDING,
        eos_token_id=END,
    )


def build_optimizer(model: PreTrainedModel, settings: Settings) -> torch.optim.Optimizer:
    """Returns Adafactor, which scales each step by the matrix's size, as in T5's own pretraining.

    T5's embeddings start sixty times larger than its query projections, so that one rate for both
    (AdamW) is too small for the former or too large for the latter.
    """
    return torch.optim.Adafactor(model.parameters(), lr=settings.learning_rate)


def batches(tokenizer: PreTrainedTokenizerFast, settings: Settings) -> Batches:
    """Yields batches of corrupted documents without end, the same ones for a seed.

    Yields:
        Source tokens [b, s], padded with `PADDING`, and target tokens [b, t], padded with -100,
        each closed by the end token.
    """
    rng = random.Random(settings.seed)
    chosen = list(islice(denoising.documents(denoising.SEED + settings.seed), settings.documents))
    pieces = [
        tokenizer([getattr(document, piece) for document in chosen], add_special_tokens=False)
        for piece in ("before", "part", "after")
    ]
    encoded = list(zip(*(piece["input_ids"] for piece in pieces), strict=True))
    sentinels = tokenizer.convert_tokens_to_ids([f"<extra_id_{n}>" for n in range(SENTINELS)])
    size = settings.batch_size
    while True:
        pool = [
            denoising.corrupt(before, part, after, sentinels, rng)
            for before, part, after in rng.choices(encoded, k=size * POOL)
        ]
        pool.sort(key=lambda pair: (len(pair[0]), len(pair[1])))
        starts = list(range(0, len(pool), size))
        rng.shuffle(starts)
        for start in starts:
            sources, targets = zip(*pool[start : start + size], strict=True)
            yield (
                padded([[*row, END] for row in sources], PADDING),
                padded([[*row, END] for row in targets], IGNORED),
            )


OBJECTIVE = Objective(
    program="trainables.embedded.pretrain",
    description=__doc__,
    family=SEQ2SEQ,
    folder=BASE,
    defaults=Settings(),
    tokenizer=build_tokenizer,
    model=build_model,
    optimizer=build_optimizer,
    batches=batches,
)


if __name__ == "__main__":
    command(OBJECTIVE)
