"""A base model that would fail its first trial is refused before there is one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from tests.trainables.families.bases import CHAT, byte_tokenizer, write_base
from trainables.base_check import check_base
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError
from trainables.families.registry import family_of


def configuration(base: str, source: int = 160) -> TrialConfiguration:
    return TrialConfiguration(
        technique="pretrained",
        parameters={},
        data_size=0,
        budget_examples=0,
        seed=0,
        data_seed=0,
        base_model=base,
        source_tokens=source,
        target_tokens=64,
    )


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def truncate(base: Path) -> None:
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def lose_a_weight(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})


def spoil(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})


def need_a_system_message(base: Path) -> None:
    first = "{% if messages[0].role != 'system' %}{{ raise_exception('No system') }}{% endif %}"
    (base / "chat_template.jinja").write_text(first + CHAT)


def enlarge_the_tokenizer(base: Path) -> None:
    tokenizer = byte_tokenizer(closes=False)
    tokenizer.add_special_tokens({"eos_token": "<|im_end|>"})
    tokenizer.save_pretrained(base)


def know_few_letters(base: Path) -> None:
    backend = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "a": 2}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", eos_token="</s>"
    )
    tokenizer.save_pretrained(base)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut weights": (truncate, r"has a model\.safetensors that cannot be read: it is cut"),
    "pointer": (
        lambda base: (base / "model.safetensors").write_text("version https://git-lfs\n"),
        "run `git lfs pull`",
    ),
    "not a number": (spoil, r"has NaN or infinite weights \(model.layers.1.mlp.up_proj.weight in"),
    "lost weight": (lose_a_weight, r"lacks weights \(model.layers.1.mlp.up_proj.weight"),
    "deeper": (
        lambda base: change(base / "config.json", num_hidden_layers=3),
        r"lacks weights \(model.layers.2",
    ),
    "wider": (
        lambda base: change(base / "config.json", intermediate_size=64),
        r"other weights than its config.json says \(.* is \[32, 48\], but would be \[32, 64\]\)",
    ),
    "no number": (
        lambda base: change(base / "config.json", rms_norm_eps="small"),
        r'has "rms_norm_eps": "small" in its config.json, but it must be a number with a decimal',
    ),
    "null": (
        lambda base: change(base / "config.json", hidden_size=None),
        'has "hidden_size": null in its config.json, but it must be a whole number: give a folder',
    ),
    "one of several types": (
        lambda base: change(base / "config.json", eos_token_id="end"),
        '"eos_token_id": "end" in .* must be a whole number or a list of whole numbers or null: g',
    ),
    "no epsilon": (
        lambda base: change(base / "config.json", rms_norm_eps=float("nan")),
        'has "rms_norm_eps": NaN in its config.json, which is no number: give a folder',
    ),
    "no activation": (
        lambda base: change(base / "config.json", hidden_act="magic"),
        'has "hidden_act": "magic" in its config.json, which transformers does not know: give',
    ),
    "no size": (
        lambda base: change(base / "config.json", intermediate_size=-1),
        'has "intermediate_size": -1 in its config.json, but it must be a whole number from 1 to',
    ),
    "no token's number": (
        lambda base: change(base / "generation_config.json", eos_token_id="end"),
        'has "eos_token_id": "end" in its generation_config.json, but it must be the number of a',
    ),
    "several where one is": (
        lambda base: change(base / "generation_config.json", pad_token_id=[1]),
        r'has "pad_token_id": \[1\] in its generation_config.json, but it must be the number',
    ),
    "no length": (
        lambda base: change(base / "tokenizer_config.json", model_max_length="x"),
        'has "model_max_length": "x" in its tokenizer_config.json, but it must be a number: give',
    ),
    "no text": (
        lambda base: change(base / "tokenizer_config.json", eos_token=3),
        'has "eos_token": 3 in its tokenizer_config.json, but it must be a text, or null: give',
    ),
    "unfitting": (
        lambda base: change(base / "config.json", num_attention_heads=3, num_key_value_heads=3),
        "multiple",
    ),
    "tokenizer": (
        lambda base: (base / "tokenizer.json").write_text("{"),
        r"has a tokenizer\.json that cannot be read: it is not JSON",
    ),
    "empty tokenizer": (
        lambda base: (base / "tokenizer.json").write_text("{}"),
        r'has a tokenizer\.json without "model", an object: give a folder',
    ),
    "unknown tokenizer": (
        lambda base: change(base / "tokenizer.json", model={"type": "Magic"}),
        r"The tokenizer of .* cannot be loaded: .* tokenizer\.json .*; give a folder",
    ),
    "no end": (
        lambda base: change(base / "tokenizer_config.json", eos_token=None),
        "has no end token",
    ),
    "system": (need_a_system_message, r"chat template .* cannot be used \(No system\)"),
    "long template": (
        lambda base: (base / "chat_template.jinja").write_text("{{ 'hello ' * 200 }}" + CHAT),
        "tokens around each question: take at least",
    ),
    "end beyond": (
        enlarge_the_tokenizer,
        r"makes the token 400 \(<\|im_end\|>\), but the model has an embedding of 400 tokens",
    ),
    "few letters": (know_few_letters, "keeps none of the characters"),
    "small model": (
        lambda base: write_base(base, "llama", vocab_size=300),
        r"makes the token 399 .* an embedding of 300 tokens",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_its_first_trial_would_fail_of_is_said_in_a_line(tmp_path: Path, damage: str) -> None:
    base = write_base(tmp_path / "base", "llama")
    do, said = DAMAGES[damage]
    do(Path(base))
    with pytest.raises(UserError, match=said) as raised:
        check_base(configuration(base))
    assert "\n" not in str(raised.value)
    assert not re.search(r"[A-Z]\w+Error|NoneType|<class", str(raised.value))


@pytest.mark.parametrize("model_type", ["t5", "bart", "qwen2", "gpt2"])
def test_what_belongs_together_passes_in_any_form(tmp_path: Path, model_type: str) -> None:
    base = write_base(tmp_path / "base", model_type)
    check_base(configuration(base))
    model, _ = family_of({"model_type": model_type}).load(base)
    (tmp_path / "base" / "model.safetensors").unlink()
    model.bfloat16().save_pretrained(base, max_shard_size="20KB")
    assert (tmp_path / "base" / "model.safetensors.index.json").exists()
    check_base(configuration(base))


def test_tokens_that_no_text_is_made_of_may_lie_beyond_the_embedding(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(closes=False)
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    base = write_base(tmp_path / "base", "llama", tokenizer=tokenizer, vocab_size=rows)
    check_base(configuration(base))
