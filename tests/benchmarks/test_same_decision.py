from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.same_decision.decision import Ran, decide, table
from benchmarks.same_decision.question import QUICK, WAYS, Question
from benchmarks.same_decision.replay import Point, asked, everything, replay
from benchmarks.same_decision.sweeps import summary
from orchestrator.search import optuna_space
from orchestrator.search.identity import configuration_id
from orchestrator.search_space import load

START = datetime(2026, 1, 1)


def _ran(seconds: float, completed: dict[str, float], **changed: Any) -> Ran:
    values: dict[str, Any] = {
        "seconds": seconds,
        "command_seconds": seconds + 10,
        "without_rungs": 1.0,
        "completed": completed,
        "errors": dict.fromkeys(completed, 0.02),
        "trials": 4,
    }
    return Ran(**(values | changed))


TRUTH = _ran(300.0, {"a": 0.80, "b": 0.79, "c": 0.70}, without_rungs=0.8)


def test_an_answer_within_one_standard_error_counts() -> None:
    # Its own score in the sweep does not count: what it scores in the grid does.
    near = decide(0, _ran(60.0, {"b": 0.99}), TRUTH)
    assert near.within
    assert not near.same
    assert near.chosen == 0.79
    assert near.speedup == pytest.approx(4.0)


def test_an_answer_further_off_does_not() -> None:
    far = decide(0, _ran(60.0, {"c": 0.70}), TRUTH)
    assert not far.within
    assert far.true_best == 0.80


def test_an_answer_outside_the_grid_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in the grid"):
        decide(0, _ran(60.0, {"z": 0.9}), TRUTH)


def test_scores_before_the_last_rung_are_taken_off() -> None:
    rows = [
        {
            "trial_id": "t",
            "configuration_id": "a",
            "outcome": "completed",
            "objective": 0.5,
            "rouge_l_se": 0.1,
            "started_at": START,
            "ended_at": START + timedelta(seconds=20),
        },
        {
            "trial_id": "u",
            "configuration_id": "b",
            "outcome": "stopped",
            "objective": 0.9,
            "rouge_l_se": 0.1,
            "started_at": START + timedelta(seconds=5),
            "ended_at": START + timedelta(seconds=30),
        },
    ]
    reports = [
        {"trial_id": "t", "rung_examples": 200, "train_seconds": 10.0, "eval_seconds": 4.0},
        {"trial_id": "t", "rung_examples": 100, "train_seconds": 5.0, "eval_seconds": 2.0},
        {"trial_id": "u", "rung_examples": 100, "train_seconds": 4.0, "eval_seconds": 2.0},
    ]
    ran = summary(rows, reports, 40.0)
    assert ran.seconds == 30.0
    assert ran.without_rungs == pytest.approx((10 + 2 + 4 + 2) / (10 + 4 + 4 + 2))
    assert ran.answer == "a"  # a stopped trial is no answer, however it scores
    assert ran.trials == 2


def test_the_table_counts_both_targets() -> None:
    ran = {
        seed: {"sweep": _ran(60.0, {answer: 0.5}), "everything": TRUTH}
        for seed, answer in enumerate("abc")
    }
    text = table(ran)
    assert "Median ratio 4.00" in text
    assert "in 2 of 3 seeds" in text
    assert "another configuration in 2." in text


@pytest.mark.parametrize("question", [Question(), QUICK])
def test_both_ways_ask_the_same_question(question: Question, tmp_path: Path) -> None:
    sweeps = []
    for way in WAYS:
        file = tmp_path / f"{way}.yaml"
        file.write_text(question.search_space(way, 3))
        sweeps.append(load(file, profile="embedded"))
    sweep, everything = sweeps
    assert sweep.space == everything.space
    assert sweep.budget == everything.budget
    assert sweep.evaluation == everything.evaluation
    assert (sweep.seed, everything.seed) == (3, 3)
    assert everything.stopping is None
    assert sweep.stopping is not None
    assert everything.trials == question.size
    assert sweep.trials == question.trials


def _curves(question: Question) -> dict[str, tuple[Point, ...]]:
    """Curves that rise with the rate, 10 seconds a rung, of which 4 are scoring."""
    sweep = asked(question, "sweep", 0)
    assert sweep.space is not None
    curves = {}
    for configuration in optuna_space.grid(sweep.space):
        level = (
            10 * float(str(configuration["learning_rate"]))
            + float(str(configuration["rank"])) / 1e4
        )
        curves[configuration_id(configuration)] = tuple(
            Point(rung, level * part, 1 - level * part, 0.01, 10.0 * part, 4.0 * part)
            for part, rung in enumerate(sweep.rungs(question.budget), start=1)
        )
    return curves


def test_a_replayed_grid_without_stopping_is_everything() -> None:
    question = Question()
    curves = _curves(question)
    ran = replay(asked(question, "everything", 0), curves)
    whole = everything(curves)
    assert ran.completed == whole.completed
    assert ran.seconds == whole.seconds == 30 * question.size
    assert whole.without_rungs == pytest.approx((30 - 8) / 30)


def test_a_replayed_sweep_stops_losers_and_finds_the_best_that_it_proposed() -> None:
    question = Question(search="grid", trials=Question().size)
    curves = _curves(question)
    ran = replay(asked(question, "sweep", 0), curves)
    assert ran.trials == question.size
    assert 0 < len(ran.completed) < question.size
    assert ran.seconds < everything(curves).seconds
    assert decide(0, ran, everything(curves)).same
