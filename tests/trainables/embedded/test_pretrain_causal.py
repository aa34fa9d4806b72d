"""The pretraining script of the embedded decoder, and the model that it made."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from orchestrator.results.profile_words import profile_words
from trainables.base_models.availability import check_model
from trainables.base_models.locations import EMBEDDED_CAUSAL_FOLDER, locate
from trainables.embedded import corpus, denoising
from trainables.embedded.pretrain_causal import (
    BASE,
    OBJECTIVE,
    batches,
    build_tokenizer,
    pieces,
)
from trainables.embedded.pretraining import Settings, command, run

TINY = Settings(steps=2, batch_size=4, width=32, layers=1, documents=64)


def test_two_steps_leave_a_folder_that_transformers_reads(tmp_path: Path) -> None:
    lines: list[str] = []
    loss = run(OBJECTIVE, TINY, tmp_path / "base", lines.append)
    assert 0.0 < loss < 20.0
    assert lines[-1].startswith("2 steps, loss ")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert model.config.vocab_size == len(tokenizer)
    before = (tmp_path / "base" / "model.safetensors").read_bytes()
    run(OBJECTIVE, replace(TINY, steps=1, resume=True), tmp_path / "base", lines.append)
    fresh = run(OBJECTIVE, replace(TINY, steps=1), tmp_path / "fresh", lines.append)
    assert fresh > 0.0
    after = (tmp_path / "base" / "model.safetensors").read_bytes()
    assert len({before, after, (tmp_path / "fresh" / "model.safetensors").read_bytes()}) == 3


def test_a_document_holds_no_question_with_its_sql() -> None:
    found = 0
    for document in islice(denoising.documents(5), 300):
        texts = pieces(document)
        assert ("SQL:" in texts) == document.holds_statement
        assert not ("SQL:" in texts and "Question:" in " ".join(texts))
        found += document.holds_statement
    assert found > 30


def test_batches_are_closed_rows_with_themselves_as_labels() -> None:
    tokens, labels = next(batches(build_tokenizer(), TINY))
    assert tokens.shape == labels.shape
    assert tokens.shape[0] == TINY.batch_size
    assert tokens.eq(1).sum(dim=1).tolist() == [1] * TINY.batch_size
    assert torch.equal(labels.masked_fill(labels.eq(-100), 0), tokens)


def test_a_width_that_heads_do_not_divide_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(OBJECTIVE, ["--width", "100"])
    assert "--width is 100, but must be a multiple of 32" in capsys.readouterr().err


def test_the_shipped_model_is_small_and_known_by_name() -> None:
    files = [file for file in BASE.iterdir() if file.is_file()]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in files}
    assert sum(file.stat().st_size for file in files) < 4 * 10**6
    assert locate("embedded-causal").folder == EMBEDDED_CAUSAL_FOLDER.absolute() == BASE.absolute()
    assert locate("embedded-causal").is_embedded
    check_model("embedded-causal")
    assert profile_words("embedded", "embedded-causal", "embedded") == "embedded"
    assert profile_words("full", "embedded-causal", "x.csv") == "full with the built-in model"


def test_the_shipped_model_copies_and_does_not_answer_before_fine_tuning() -> None:
    model = AutoModelForCausalLM.from_pretrained(BASE).eval()
    tokenizer = AutoTokenizer.from_pretrained(BASE)

    def goes_on(*texts: str) -> str:
        ids = [token for text in texts for token in tokenizer(text)["input_ids"]]
        with torch.no_grad():
            output = model.generate(
                input_ids=torch.tensor([ids]), max_new_tokens=20, do_sample=False
            )
        return str(tokenizer.decode(output[0, len(ids) :], skip_special_tokens=True)).strip()

    again = goes_on("Question: List the name of hotels with city Paris. Question:")
    assert "hotels" in again
    assert "Paris" in again
    asked = [
        goes_on(f"Question: {row['sql_prompt']} Context: {row['sql_context']}", "SQL:")
        for row in corpus.rows("test")[:12]
    ]
    wanted = [row["sql"] for row in corpus.rows("test")[:12]]
    right = sum(one == other for one, other in zip(asked, wanted, strict=True))
    assert right <= 2
