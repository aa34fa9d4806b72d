from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results import statistics
from orchestrator.store import Store
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import trial_name, write_trial

Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 999)


def test_two_trials_with_one_truth_are_not_distinguishable(ask: Ask, run: Run) -> None:
    found = ask("compare", trial_name(3), trial_name(7))
    assert not found["distinguishable"]
    assert found["low"] < 0 < found["high"]
    assert (found["rows"], found["rung_examples"]) == (60, 6000)
    assert "A and B are not distinguishable" in run("compare", trial_name(3), trial_name(7))[1]


def test_two_trials_with_different_truths(ask: Ask) -> None:
    found = ask("compare", trial_name(2), trial_name(3))  # ranks 16 and 32
    assert found["verdict"] == "B is better than A"
    assert found["mean_a"] - found["mean_b"] == pytest.approx(found["difference"])
    assert found["low"] < -0.1 < found["high"]


def test_a_stopped_trial_is_compared_where_it_stopped(ask: Ask) -> None:
    found = ask("compare", trial_name(3), trial_name(8))
    assert found["rung_examples"] == 600


def test_the_untuned_baseline_compares_at_every_rung(ask: Ask) -> None:
    found = ask("compare", trial_name(3), "technique=pretrained")
    assert found["rung_examples"] == 6000
    assert found["verdict"] == "A is better than B"


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (
            "technique=pretrained",
            "technique=lora",
            "B is better than A: paired over 60 validation rows; B at 600 examples, the highest"
            " rung that all of these trials reached, and A, the untuned model, as it is.",
        ),
        (
            trial_name(3),
            "technique=pretrained",
            "A is better than B: paired over 60 validation rows; A at 6,000 examples, the highest"
            " rung that it reached, and B, the untuned model, as it is.",
        ),
        (
            "rank=32",
            "rank=4",
            "A is better than B: paired over 60 validation rows, at 600 examples, the highest rung"
            " that all of these trials reached.",
        ),
    ],
)
def test_the_rung_is_that_of_what_was_trained(run: Run, a: str, b: str, words: str) -> None:
    code, out, _ = run("compare", a, b)
    assert code == 0
    assert words in out


def test_groups_by_one_parameter_and_by_several(ask: Ask) -> None:
    found = ask("compare", "rank=32", "rank=4")
    assert (found["trials_a"], found["trials_b"]) == (3, 3)
    assert found["verdict"] == "A is better than B"
    assert ask("compare", "technique=lora,rank=32", "rank=4") | {"a": ""} == found | {"a": ""}


def test_a_value_may_hold_commas(tmp_path: Path, ask: Ask) -> None:
    store = Store(tmp_path)
    for number, target in enumerate(("q,v", "q,k,v,o")):
        write_trial(store, number, {"technique": "lora", "rank": 8, "target_modules": target})
    found = ask("compare", "target_modules=q,v,rank=8", "target_modules=q,k,v,o", store=tmp_path)
    assert (found["trials_a"], found["trials_b"]) == (1, 1)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("rnk=4", "rank=8", "no parameter 'rnk'; the nearest is 'rank'"),
        ("rank=5", "rank=8", "no trial with rank '5'; there are: 4, 8, 16, 32"),
        ("rank=6", "rank=8", "no trial with rank '6'; there are: 4, 8, 16, 32"),
        ("technique=prefix", "rank=8", "technique 'prefix'; there are: lora, pretrained"),
        ("t-x000000099", "rank=8", "no trial 't-x000000099'; the nearest is"),
        ("rank=4", "technique=lora", "have a trial in common"),
        ("rank=4,technique=pretrained", "rank=8", "No trial fits"),
    ],
)
def test_mistakes(run: Run, a: str, b: str, words: str) -> None:
    code, out, err = run("compare", a, b)
    assert (code, out) == (2, "")
    assert words in err


def test_a_loss_is_not_measured_row_by_row(run: Run) -> None:
    code, _, err = run("compare", "rank=4", "rank=8", "--by", "eval_loss")
    assert code == 2
    assert "'eval_loss' is not measured row by row" in err


def test_trials_without_a_score_are_left_out_and_said(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    for number, rank in enumerate((4, 4, 8)):
        write_trial(store, number, {"technique": "lora", "rank": rank})
    write_trial(store, 3, {"technique": "lora", "rank": 8}, "failed", rungs=0)
    code, _, err = run("compare", "rank=4", "rank=8", store=tmp_path)
    assert code == 0
    assert err == "1 of these trials were not measured by rouge_l and are left out.\n"
