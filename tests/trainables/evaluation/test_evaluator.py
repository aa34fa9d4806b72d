from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.trainables.loop_base import configuration, write_loop_base
from trainables.contract.reports import EvaluationInterruptedError
from trainables.contract.scores import UNJUDGED
from trainables.data.tables import Example
from trainables.evaluation import evaluator, text_scores
from trainables.families import family
from trainables.families.seq2seq import Seq2Seq
from trainables.finetune import Finetuning
from trainables.passes.frozen_t5 import FrozenT5
from trainables.sql.execution import SqlExecutor
from trainables.sql.measurement import Judgement, Reason
from trainables.techniques.registry import BASELINE, TECHNIQUES


@pytest.mark.parametrize(
    "technique", [name for name, each in TECHNIQUES.items() if not each.shares_passes_on]
)
def test_the_loss_does_not_depend_on_how_many_logits_there_are_at_once(
    tmp_path: Path, technique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Finetuning(configuration(write_loop_base(tmp_path), technique), "cpu")
    passes: list[int] = []

    def note(module: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        if given.get("labels") is not None:
            passes.append(len(given["labels"]))

    trial.adapted.model.register_forward_pre_hook(note, with_kwargs=True)
    whole = trial.evaluate("validation").metrics["eval_loss"]
    rows = passes.pop()
    assert not passes  # one batch, one pass
    # A row has more logits than one: the least that there can be in a pass is a row.
    monkeypatch.setattr(family, "LOGITS", 1)
    assert trial.evaluate("validation").metrics["eval_loss"] == pytest.approx(whole, rel=1e-6)
    assert passes == [1] * rows
    trial.close()


@pytest.mark.parametrize("technique", ["full", "lora", "prefix"])
@pytest.mark.parametrize("protocol", ["standard", "notebook"])
def test_rows_for_which_memory_does_not_suffice_are_measured_in_halves(
    tmp_path: Path, technique: str, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Finetuning(configuration(write_loop_base(tmp_path), technique), "cpu")
    trial.advance(8)
    expected = trial.evaluate("validation", protocol)
    tried: list[int] = []

    def limited(read: Callable[..., Any], count: int, *given: Any, **named: Any) -> Any:
        tried.append(count)
        if count > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return read(*given, **named)

    encode, generate, read = Seq2Seq.encode, Seq2Seq.generate, FrozenT5.read
    monkeypatch.setattr(Seq2Seq, "encode", lambda *a: limited(encode, len(a[2].input_ids), *a))
    monkeypatch.setattr(Seq2Seq, "generate", lambda *a: limited(generate, len(a[2].input_ids), *a))
    monkeypatch.setattr(FrozenT5, "read", lambda *a: limited(read, len(a[1]), *a))
    found = trial.evaluate("validation", protocol)
    assert max(tried) > 2 >= min(tried)
    assert found.metrics["eval_loss"] == pytest.approx(expected.metrics["eval_loss"], rel=1e-5)
    texts = [[row["prediction"] for row in each.predictions] for each in (found, expected)]
    assert texts[0] == texts[1]
    monkeypatch.setattr(Seq2Seq, "encode", lambda *a: limited(encode, 3, *a))
    monkeypatch.setattr(FrozenT5, "read", lambda *a: limited(read, 3, *a))
    with pytest.raises(torch.OutOfMemoryError):
        trial.evaluate("validation", protocol)
    trial.close()


@pytest.mark.parametrize("stage", ["score", "judge"])
def test_an_interruption_while_texts_are_scored_ends_the_evaluation(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    owner = {"score": text_scores, "judge": SqlExecutor}[stage]
    original = getattr(owner, stage)

    def noting(*arguments: Any, **named: Any) -> Any:
        begun.append(stage)
        return original(*arguments, **named)

    monkeypatch.setattr(owner, stage, noting)
    trial = Finetuning(
        configuration(write_loop_base(tmp_path), BASELINE.name),
        "cpu",
        interrupted=lambda: bool(begun),
    )
    with pytest.raises(EvaluationInterruptedError):
        trial.evaluate("validation")
    assert begun == [stage]
    begun.clear()
    monkeypatch.undo()
    assert trial.evaluate("validation").metrics["exact_match"] is not None
    trial.close()


@pytest.mark.parametrize("runs", ["all", "last", "none"])
def test_the_loss_alone_says_whether_any_row_can_be_run(tmp_path: Path, runs: str) -> None:
    broken = {"all": 0, "last": 3, "none": 4}[runs]
    contexts = ["CREATE TABLE t (a INT) IN SPACE"] * broken + [""] * (4 - broken)
    examples = [
        Example(
            example_id=str(number),
            sql_prompt=f"How many are there of {number}?",
            sql_context=context,
            sql=f"SELECT {number}",
        )
        for number, context in enumerate(contexts)
    ]
    trial = Finetuning(configuration(write_loop_base(tmp_path), BASELINE.name), "cpu")
    with SqlExecutor() as executor:
        found = (
            evaluator.Evaluator(
                examples,
                trial._tokens,
                source_limit=96,
                target_limit=24,
                protocol="standard",
                executor=executor,
            )
            .measure_loss(trial.adapted)
            .metrics
        )
    for score in ("execution_accuracy", "valid_sql"):
        counts = (found[f"{score}_rows"], found[f"{score}_unjudged"])
        assert counts == ((0, 0) if runs == "none" else (None, None))
        assert found[score] is None
    assert (found["rouge_l_rows"], found["eval_rows"]) == (None, 4)
    trial.close()


@pytest.mark.parametrize("judged", [True, False])
def test_a_text_that_comes_again_is_scored_again_only_where_it_could_not_be(
    tmp_path: Path, judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = SqlExecutor.judge

    def judge(self: SqlExecutor, *rows: Any) -> list[Judgement]:
        asked.append(len(rows[0]))
        found = original(self, *rows)
        return found if judged else [Judgement(None, None, Reason(UNJUDGED, "")) for _ in found]

    monkeypatch.setattr(SqlExecutor, "judge", judge)
    trial = Finetuning(configuration(write_loop_base(tmp_path), BASELINE.name), "cpu")
    one, two = (trial.evaluate("validation") for _ in range(2))
    assert one.predictions == two.predictions
    del one.metrics["eval_seconds"], two.metrics["eval_seconds"]
    assert one.metrics == two.metrics
    rows = len(one.predictions)
    assert asked == [rows, 0 if judged else rows]
    trial.close()


def test_the_price_of_an_evaluation_is_that_of_texts_that_are_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = SqlExecutor.judge

    def judge(self: SqlExecutor, *rows: Any) -> list[Judgement]:
        asked.append(len(rows[0]))
        return original(self, *rows)

    monkeypatch.setattr(SqlExecutor, "judge", judge)
    trial = Finetuning(configuration(write_loop_base(tmp_path), BASELINE.name), "cpu")
    trial.rehearse()
    trial.rehearse()
    assert asked[0] == asked[1] > 0
    trial.close()
