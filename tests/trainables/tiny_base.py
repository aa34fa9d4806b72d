"""A T5 of 50 thousand random weights and a tokenizer of words, for tests of what builds on them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.techniques.registry import complete

WORDS = (
    "SELECT",
    "FROM",
    "WHERE",
    "a",
    "b",
    "c",
    "users",
    "orders",
    "=",
    "1",
    "2",
    "Question",
    ":",
)
BATCH = {
    "input_ids": torch.tensor([[5, 9, 4, 11, 1], [7, 3, 1, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
    "labels": torch.tensor([[3, 8, 4, 1], [3, 9, 1, -100]]),
}


def write_tiny_base(folder: Path, seed: int = 0, *, packable: bool = False) -> Path:
    """Writes a checkpoint as flan-t5's are: gated, the output layer not tied to the embeddings.

    Its keys are 24 wide while the model is 32 wide: they differ as in flan-t5-small.

    Args:
        folder: Where.
        seed: Decides the weights.
        packable: Whether every linear layer is 64 in and 64 out instead, so that bitsandbytes packs
            them for CPUs with AVX512-BF16, where it refuses outputs that are no multiple of 32 and
            inputs that are no multiple of its blocks of 64.
    """
    width, keys, heads = (64, 32, 2) if packable else (32, 8, 3)
    tokenizer = _tokenizer()
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=keys,
        d_ff=64,
        num_layers=2,
        num_heads=heads,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = T5ForConditionalGeneration(config)
        model.lm_head.weight = nn.Parameter(torch.randn(len(tokenizer), width) * 0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def trial(
    base: Path, technique: str, given: Mapping[str, Scalar] | None = None, seed: int = 1
) -> TrialConfiguration:
    """Returns the configuration of a trial on a base model folder."""
    return TrialConfiguration(
        technique=technique,
        parameters=complete(technique, given or {}),
        data_size=8,
        budget_examples=16,
        seed=seed,
        data_seed=0,
        base_model=str(base),
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    words = ["<pad>", "</s>", "<unk>", *WORDS, *string.ascii_lowercase[3:]]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
