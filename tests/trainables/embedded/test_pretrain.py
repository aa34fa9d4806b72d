"""The pretraining script, and the model that it made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from trainables.embedded import corpus
from trainables.embedded.pretrain import BASE, OBJECTIVE, batches, build_tokenizer
from trainables.embedded.pretraining import Settings, command, run

TINY = Settings(steps=2, batch_size=4, width=32, layers=1, documents=64)


def test_two_steps_leave_a_folder_that_transformers_reads(tmp_path: Path) -> None:
    lines: list[str] = []
    loss = run(OBJECTIVE, TINY, tmp_path / "base", lines.append)
    assert 0.0 < loss < 20.0
    assert lines[-1].startswith("2 steps, loss ")
    model = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert model.config.vocab_size == len(tokenizer)


def test_a_seed_gives_the_same_weights(tmp_path: Path) -> None:
    for name, settings in (("a", TINY), ("b", TINY), ("c", replace(TINY, seed=1))):
        run(OBJECTIVE, settings, tmp_path / name, lambda _: None)
    weights = {name: (tmp_path / name / "model.safetensors").read_bytes() for name in "abc"}
    assert weights["a"] == weights["b"] != weights["c"]


def test_batches_are_padded_and_closed() -> None:
    source, target = next(batches(build_tokenizer(), TINY))
    assert source.shape[0] == target.shape[0] == TINY.batch_size
    assert source.eq(1).sum(dim=1).tolist() == [1] * TINY.batch_size
    assert target.eq(1).sum(dim=1).tolist() == [1] * TINY.batch_size
    assert not target.eq(0).any()


def test_a_width_that_heads_do_not_divide_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(OBJECTIVE, ["--width", "100"])
    assert "--width is 100, but must be a multiple of 32" in capsys.readouterr().err


def test_the_shipped_model_is_small() -> None:
    files = [file for file in BASE.iterdir() if file.is_file()]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in files}
    assert sum(file.stat().st_size for file in files) < 8 * 2**20


def test_the_shipped_model_does_not_answer_before_fine_tuning() -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(BASE).eval()
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = corpus.rows("test")[:20]
    prompts = [f"Question: {row['sql_prompt']} Context: {row['sql_context']}" for row in rows]
    inputs = tokenizer(prompts, padding=True, return_tensors="pt")
    with torch.no_grad():
        output = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=30,
        )
    answers = tokenizer.batch_decode(output, skip_special_tokens=True)
    assert not any(answer.startswith(("SELECT", "UPDATE", "DELETE")) for answer in answers)


def test_the_shipped_model_restores_what_it_was_trained_to_restore() -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(BASE).eval()
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    text = (
        "Question: List the name of hotels with city Paris. "
        "Question: Show the name of all <extra_id_0> whose city is <extra_id_1>."
    )
    inputs = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        output = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=10,
        )
    assert tokenizer.decode(output[0], skip_special_tokens=True).split() == ["hotels", "Paris"]
