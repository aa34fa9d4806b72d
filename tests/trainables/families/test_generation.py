"""Answers of models of every architecture: the same in any company, by both protocols."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.trainables.families.bases import CHAT, DIMENSIONS, byte_tokenizer, write_base
from tests.trainables.families.test_training import LIKE_NO_OTHER, base, configuration, folder
from trainables.data.spelling import SqlTokens
from trainables.embedded import corpus
from trainables.families.family import Decoding
from trainables.families.registry import CAUSAL, SEQ2SEQ
from trainables.inference.generation import generate
from trainables.training.adapted_model import AdaptedModel, prepare

__all__ = ["folder"]  # a fixture
CPU = torch.device("cpu")


def lively(adapted: AdaptedModel) -> tuple[AdaptedModel, SqlTokens]:
    """Makes a model of random weights answer each prompt otherwise."""
    model: Any = adapted.model
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape) * 0.4)
    model.eval()
    return adapted, SqlTokens(adapted.tokenizer, adapted.framing)


def questions(rows: int) -> list[str]:
    return [f"Question: {row['sql_prompt']}" for row in corpus.rows("test")[:rows]]


@pytest.mark.parametrize(
    ("model_type", "technique"),
    [*((each, "prefix") for each in DIMENSIONS), *((each, "full") for each in LIKE_NO_OTHER)],
)
def test_the_answer_does_not_depend_on_who_shares_a_batch(
    folder: Path, model_type: str, technique: str
) -> None:
    adapted, tokens = lively(prepare(configuration(base(folder, model_type), technique), CPU))
    sources = tokens.prompt_ids(questions(8), 100)
    assert len({len(ids) for ids in sources}) > 1
    for how in (Decoding(6), Decoding(6, beams=3, no_repeat_ngram=2)):
        alone = generate(adapted, tokens, sources, how, max_rows=1)
        assert len(set(alone)) > 4
        assert generate(adapted, tokens, sources, how) == alone


@pytest.mark.parametrize("model_type", ["llama", "gpt2", "gemma2", "gpt_neox"])
def test_a_decoder_goes_on_as_its_own_logits_say(folder: Path, model_type: str) -> None:
    adapted, tokens = lively(prepare(configuration(base(folder, model_type), "full"), CPU))
    sources = tokens.prompt_ids(questions(3))
    model: Any = adapted.model
    prompts = CAUSAL.prompts(sources, tokens.framing, adapted.padding_id, CPU)
    with torch.inference_mode():
        answers = CAUSAL.generate(model, prompts, Decoding(5))
        for source, answer in zip(sources, answers, strict=True):
            row = source.tolist()
            for token in answer:
                best = int(model(input_ids=torch.tensor([row])).logits[0, -1].argmax())
                assert token == best
                row.append(token)
                if token == tokens.framing.end:
                    break


def test_an_answer_may_repeat_its_prompt_but_not_itself(folder: Path) -> None:
    adapted, tokens = lively(prepare(configuration(base(folder, "llama"), "full"), CPU))
    sources = tokens.prompt_ids(questions(6))
    prompts = CAUSAL.prompts(sources, tokens.framing, adapted.padding_id, CPU)
    with torch.inference_mode():
        free = CAUSAL.generate(adapted.model, prompts, Decoding(30))
        bound = CAUSAL.generate(adapted.model, prompts, Decoding(30, no_repeat_ngram=2))
    for answer in bound:
        pairs = list(pairwise(answer))
        assert len(set(pairs)) == len(pairs) or adapted.padding_id in answer
    # Until an answer first repeats itself nothing is forbidden, whatever its prompt says.
    for one, other in zip(free, bound, strict=True):
        pairs = list(pairwise(one))
        first = next((n for n, pair in enumerate(pairs) if pair in pairs[:n]), len(pairs))
        assert one[: first + 1] == other[: first + 1]


@pytest.mark.parametrize("model_type", ["llama", "gpt2"])
def test_the_loss_is_on_the_statement_alone(folder: Path, model_type: str) -> None:
    adapted, tokens = lively(prepare(configuration(base(folder, model_type), "full"), CPU))
    model: Any = adapted.model
    sources = tokens.prompt_ids(questions(4))
    targets = tokens.statement_ids([row["sql"] for row in corpus.rows("test")[:4]])
    assert all(ids[-1] == tokens.framing.end for ids in targets)
    batch = CAUSAL.collate(sources, targets, padding_id=adapted.padding_id, device=CPU)
    losses = []
    for source, target in zip(sources, targets, strict=True):
        row = torch.tensor([[*source.tolist(), *target.tolist()]])
        logits = model(input_ids=row).logits[0, len(source) - 1 : -1]
        losses.append(
            nn.functional.cross_entropy(logits, torch.tensor(target.tolist()), reduction="sum")
        )
    total = sum(float(loss.detach()) for loss in losses)
    count = sum(len(target) for target in targets)
    assert batch.target_tokens == count
    assert batch.source_tokens == sum(len(source) for source in sources)
    assert float(CAUSAL.loss(model, batch)) == pytest.approx(total / count, rel=1e-5)
    assert CAUSAL.summed_loss(model, batch, None) == pytest.approx(total, rel=1e-5)


def test_a_prompt_that_is_cut_keeps_its_frame() -> None:
    tokenizer = byte_tokenizer(closes=False, begins=True)
    tokens = SqlTokens(tokenizer, CAUSAL.framing(tokenizer))
    (whole,) = tokens.prompt_ids(["Question: how many?"])
    text = tokenizer.decode(whole)
    assert text == "<s>Question: how many?\nSQL:\n"
    (cut,) = tokens.prompt_ids(["Question: how many?"], len(whole) - 2)
    assert len(cut) == len(whole) - 2
    assert tokenizer.decode(cut).startswith("<s>Question: how")
    assert tokenizer.decode(cut).endswith("\nSQL:\n")
    (statement,) = tokens.statement_ids(["SELECT 1"], 2)
    assert len(statement) == 2
    assert statement[-1] != tokens.framing.end


def test_a_chat_template_stands_around_the_question() -> None:
    tokenizer = byte_tokenizer(closes=False)
    tokenizer.chat_template = CHAT
    tokens = SqlTokens(tokenizer, CAUSAL.framing(tokenizer))
    (whole,) = tokens.prompt_ids(["Question: how many?"])
    text = tokenizer.decode(whole)
    assert text == "<s><|user|>Question: how many?\nSQL:<|over|><|assistant|>"
    assert tokens.statement_ids(["SELECT 1"])[0][-1] == tokenizer.eos_token_id
    tokenizer.chat_template = "{{ messages[0].content | upper }}{{ messages[0].content }}"
    with pytest.raises(ValueError, match="does not give a question back as it is"):
        CAUSAL.framing(tokenizer)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ raise_exception('A system message must come first') }}", "A system message must come"),
        ("{% for message in messages %}{{ message.content", "unexpected end of template"),
        ("{{ persona.name }}{{ messages[0].content }}", "'persona' is undefined"),
        ({"rag": CHAT, "tool_use": CHAT}, "multiple chat templates with no default"),
        ("{{ messages[0].content | upper }}", "not give a question back as it is"),
        ("{{ messages[0].content | tojson }}", "not give a question back as it is"),
    ],
)
def test_a_chat_template_of_no_use_is_refused_in_one_line(template: object, why: str) -> None:
    tokenizer = byte_tokenizer(closes=False)
    tokenizer.chat_template = template
    with pytest.raises(ValueError, match=why) as raised:
        CAUSAL.framing(tokenizer)
    assert "delete it" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ strftime_now('%d %b %Y') }}" + CHAT,
        "{{ strftime_now('%-d') }} {%- if strftime_now is defined %} {{ strftime_now('%B %Y') }}"
        "{% endif %}" + CHAT,
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}"
        "{% endif %}{{ date_string }}" + CHAT,
    ],
)
def test_a_chat_template_tells_the_same_day_on_every_day(template: str) -> None:
    tokenizer = byte_tokenizer(closes=False)
    tokenizer.chat_template = template
    before = CAUSAL.framing(tokenizer).before
    assert tokenizer.decode(before).startswith(("26 Jul 2024", "26 July 2024"))


def test_an_encoder_whose_tokenizer_closes_no_text_is_refused() -> None:
    SEQ2SEQ.framing(byte_tokenizer(closes=True))
    with pytest.raises(ValueError, match="puts no end token behind a text"):
        SEQ2SEQ.framing(byte_tokenizer(closes=False))


def test_padding_beyond_the_embedding_is_never_looked_up(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(closes=False)
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    assert tokenizer.pad_token_id == rows
    folder = write_base(
        tmp_path / "base",
        "llama",
        tokenizer=tokenizer,
        vocab_size=rows,
        max_position_embeddings=512,
    )
    adapted, tokens = lively(prepare(configuration(folder, "lora"), CPU))
    assert adapted.padding_id == tokenizer.eos_token_id
    sources = tokens.prompt_ids(questions(5))
    alone = generate(adapted, tokens, sources, Decoding(5), max_rows=1)
    assert generate(adapted, tokens, sources, Decoding(5)) == alone


def test_a_tokenizer_without_padding_pads_with_the_end(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(closes=False)
    tokenizer.pad_token = None
    folder = write_base(
        tmp_path / "base",
        "llama",
        tokenizer=tokenizer,
        pad_token_id=None,
        max_position_embeddings=512,
    )
    adapted, tokens = lively(prepare(configuration(folder, "lora"), CPU))
    assert adapted.padding_id == tokenizer.eos_token_id
    sources = tokens.prompt_ids(questions(5))
    alone = generate(adapted, tokens, sources, Decoding(5), max_rows=1)
    assert generate(adapted, tokens, sources, Decoding(5)) == alone


def test_a_decoder_begins_in_an_answer_as_in_training(tmp_path: Path) -> None:
    """Where only one of the two configurations says with what, the other follows."""
    folder = Path(write_base(tmp_path / "base", "bart", decoder_start_token_id=3))
    (folder / "generation_config.json").write_text('{"bos_token_id": 2, "pad_token_id": 0}')
    model, _ = SEQ2SEQ.load(str(folder))
    assert model.config.decoder_start_token_id == 3
    assert model.generation_config.decoder_start_token_id == 3
    folder = Path(write_base(tmp_path / "t5", "t5"))
    (folder / "generation_config.json").write_text('{"decoder_start_token_id": 2}')
    model, _ = SEQ2SEQ.load(str(folder))
    assert model.config.decoder_start_token_id == 2
    assert model.generation_config.decoder_start_token_id == 2


def test_a_checkpoint_has_no_say_in_how_tokens_are_chosen(tmp_path: Path) -> None:
    for model_type, family in (("bart", SEQ2SEQ), ("llama", CAUSAL)):
        folder = write_base(tmp_path / model_type, model_type)
        model, _ = family.load(folder)
        model.generation_config.min_length = 40
        model.generation_config.repetition_penalty = 1.7
        model.generation_config.forced_bos_token_id = 3
        model.generation_config.save_pretrained(folder)
        loaded, _ = family.load(folder)
        assert not loaded.generation_config.min_length
        assert loaded.generation_config.repetition_penalty in (None, 1.0)
        assert loaded.generation_config.forced_bos_token_id == 3
        assert loaded.generation_config.eos_token_id == 1
