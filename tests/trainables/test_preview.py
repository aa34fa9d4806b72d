"""What is counted before a sweep starts, by a process of its own."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainables.loop_base import configuration, write_loop_base
from trainables import preview
from trainables.base_models.tokenizer import load_tokenizer
from trainables.contract.configuration import TrialConfiguration
from trainables.data.prompt import prompt
from trainables.data.spelling import collapse_white_space
from trainables.data.splits import load_splits
from trainables.finetune import Finetuning


@pytest.fixture
def trial(tmp_path: Path) -> TrialConfiguration:
    """A trial on a table some of whose rows are long."""
    rows = [
        {
            "sql_prompt": f"How many {number}?" + (" please" * 80 if number % 3 == 0 else ""),
            "sql_context": f"CREATE TABLE t{number} (a INT)",
            "sql": "SELECT a" + (", a" * 40 if number % 5 == 0 else "") + f" FROM t{number}",
        }
        for number in range(150)
    ]
    table = tmp_path / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return replace(
        configuration(write_loop_base(tmp_path / "base"), "pretrained"),
        dataset=str(table),
        data_size=40,
        validation_rows=12,
        test_rows=8,
        source_tokens=60,
        target_tokens=40,
    )


def test_as_many_are_said_to_be_cut_as_the_trial_finds(trial: TrialConfiguration) -> None:
    found = preview.preview(trial)
    assert found.cut is not None
    running = Finetuning(trial, "cpu")
    for split in ("validation", "test"):
        evaluation = running.evaluate(split)
        assert found.cut[split] == evaluation.metrics["eval_rows_cut"]
        assert 0 < found.cut[split] < len(evaluation.predictions)
    running.close()
    training = Finetuning(
        replace(trial, technique="full", parameters=configuration("", "full").parameters,
                budget_examples=40),
        "cpu",
    )  # fmt: skip
    metrics = training.metrics(training.advance(8), None)
    assert found.cut["train"] == metrics["train_rows_cut"]
    assert 0 < found.cut["train"] < 40
    training.close()


def test_the_command_answers_in_a_line(
    trial: TrialConfiguration, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(given: TrialConfiguration, *options: str) -> dict[str, object]:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(given.to_dict())))
        monkeypatch.setattr("sys.argv", ["preview", *options])
        preview.main()
        said: dict[str, object] = json.loads(capsys.readouterr().out)
        return said

    whole = answer(trial)
    assert set(whole) == {"survey", "cut", "unknown", "lengths", "measurable", "examples"}
    nothing: dict[str, object] = {"cut": None, "lengths": {}, "measurable": None, "examples": []}
    assert answer(trial, "--rows-only") == whole | nothing
    assert "has no column 'db'" in str(answer(replace(trial, split_by="db"))["error"])
    rows = load_splits(trial.dataset, None, 0, 12, 8, trial.split_by).train
    tokenizer = load_tokenizer(trial.base_model, None)
    shown = whole["examples"]
    assert isinstance(shown, list)
    for row, seen in zip(rows, shown, strict=False):
        ids = tokenizer(collapse_white_space(prompt(row)))["input_ids"]
        cut = [*ids[:59], tokenizer.eos_token_id] if len(ids) > 60 else ids
        assert seen["prompt"] == tokenizer.decode(cut)
    assert len(shown) == 3
    lengths = sorted(len(tokenizer(prompt(row))["input_ids"]) for row in rows[:40])
    said = whole["lengths"]
    assert isinstance(said, dict)
    assert said["prompt"] == [lengths[20], lengths[38], lengths[39]]
    nowhere = answer(replace(trial, base_model="/nowhere/base"))
    assert nowhere["cut"] is None
    assert "/nowhere/base" in str(nowhere["unknown"])
