"""A T5 of random weights with the built-in corpus' tokenizer, for tests of the training loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import T5Config, T5ForConditionalGeneration

from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.embedded import corpus
from trainables.embedded.tokenizer import build
from trainables.techniques.registry import TECHNIQUES, complete


def write_loop_base(
    folder: Path, *, dropout: float = 0.1, num_heads: int = 4, width: int = 32
) -> str:
    """Writes the checkpoint, its output layer tied to the embeddings, and returns the folder.

    Its keys are `num_heads` times 8 wide. With 8 heads and a width of 64 all its linear layers are
    64 in and 64 out, as bitsandbytes needs them on CPUs with AVX512-BF16.
    """
    tokenizer: Any = build(
        text
        for row in corpus.rows("train")[:300]
        for text in (row["sql_prompt"], row["sql_context"], row["sql"])
    )
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=8,
        d_ff=64,
        num_layers=1,
        num_heads=num_heads,
        feed_forward_proj="gated-gelu",
        dropout_rate=dropout,
        decoder_start_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def configuration(
    base: str,
    technique: str = "lora",
    *,
    budget_examples: int = 40,
    data_size: int = 20,
    seed: int = 1,
    **given: Scalar,
) -> TrialConfiguration:
    """Returns a trial of a few steps on the built-in corpus."""
    defaults: dict[str, Scalar] = {}
    trains = TECHNIQUES[technique].trains
    if trains:
        defaults = {"batch_size": 8, "learning_rate": 1e-2}
    return TrialConfiguration(
        technique=technique,
        parameters=complete(technique, defaults | given),
        data_size=data_size if trains else 0,
        budget_examples=budget_examples if trains else 0,
        seed=seed,
        data_seed=0,
        base_model=base,
        validation_rows=6,
        test_rows=4,
        source_tokens=96,
        target_tokens=24,
    )
