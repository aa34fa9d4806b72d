"""Real architectures of random weights, each far below a million, and tokenizers that fit them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import ByT5Tokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from trainables.embedded import corpus
from trainables.families.registry import family_of

_SPECIAL = ("<pad>", "</s>", "<unk>", "<s>")
_IDS = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 3}
_LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
_BART = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 256,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": None,
}
_T5 = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 1, "num_heads": 3}

DIMENSIONS: Mapping[str, Mapping[str, Any]] = {
    "t5": {**_T5, "num_layers": 2, "num_decoder_layers": 1},
    "mt5": _T5,
    "umt5": _T5,
    "bart": _BART,
    "pegasus": _BART,
    "llama": _LLAMA,
    "mistral": {**_LLAMA, "head_dim": 8},
    "qwen2": _LLAMA,
    "qwen3": {**_LLAMA, "head_dim": 16},
    "gemma": {**_LLAMA, "head_dim": 16},
    "gemma2": {**_LLAMA, "head_dim": 16, "sliding_window": 64},
    # All of two layers are sliding ones, beyond whose window no prefix is seen.
    "gemma3_text": {**_LLAMA, "head_dim": 16, "sliding_window": 512},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "gpt_neox": {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
    },
}
"""`model_type` -> dimensions of a small one; depth, heads and widths differ where they can."""

CHAT = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content }}"
    "<|over|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def write_base(
    folder: Path,
    model_type: str,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
    seed: int = 0,
    **dimensions: Any,
) -> str:
    """Writes a checkpoint of random weights and returns its folder.

    Args:
        folder: Where.
        model_type: One of `DIMENSIONS`.
        tokenizer: The default is one of bytes that closes each text, as those of encoders do, or
            with nothing around it for a decoder.
        seed: Decides the weights.
        dimensions: Instead of those of `DIMENSIONS`.
    """
    family = family_of({"model_type": model_type})
    if tokenizer is None:
        tokenizer = byte_tokenizer(closes=family.name == "seq2seq")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        given: dict[str, Any] = {"vocab_size": len(tokenizer), "tie_word_embeddings": False}
        given |= {**_IDS, **DIMENSIONS[model_type], **dimensions}
        model = family.random(model_type, **given)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def byte_tokenizer(*, closes: bool, begins: bool = False) -> PreTrainedTokenizerFast:
    """Returns a byte-level tokenizer as GPT-2's, with merges learnt from the built-in corpus.

    Args:
        closes: Whether it puts an end token behind a text.
        begins: Whether it puts a first token before it.
    """
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [f"{row['sql_prompt']} {row['sql']}" for row in corpus.rows("train")[:200]]
    backend.train_from_iterator(texts, trainer)
    parts = (["<s>"] if begins else []) + ["$A"] + (["</s>"] if closes else [])
    backend.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=" ".join(parts), special_tokens=[("<s>", 3), ("</s>", 1)]
            ),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        bos_token="<s>",
        clean_up_tokenization_spaces=False,
    )


def byt5_tokenizer() -> PreTrainedTokenizerBase:
    """Returns ByT5's, which has no file but its settings."""
    tokenizer: PreTrainedTokenizerBase = ByT5Tokenizer()
    return tokenizer
