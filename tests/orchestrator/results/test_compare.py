from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import Store
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import trial_name, write_trial

Ask = Callable[..., Any]


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


def test_a_stopped_trial_is_not_compared(run: Run) -> None:
    code, out, err = run("compare", trial_name(3), trial_name(8))
    assert (code, out) == (2, "")
    assert f"No trial of '{trial_name(8)}' was trained to the full budget (1 stopped)" in err


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
            "B is better than A: paired over 60 validation rows; B at 6,000 examples, the highest"
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
            "A and B are described, not tested: paired over 60 validation rows, at 6,000 examples,"
            " the highest rung that all of these trials reached.",
        ),
    ],
)
def test_the_rung_is_that_of_what_was_trained(run: Run, a: str, b: str, words: str) -> None:
    code, out, _ = run("compare", a, b)
    assert code == 0
    assert words in out


def test_groups_by_one_parameter_and_by_several(ask: Ask) -> None:
    found = ask("compare", "rank=32", "rank=4")
    assert (found["trials_a"], found["trials_b"]) == (3, 1)
    assert found["verdict"] == "A and B are described, not tested"
    assert (found["low"], found["high"], found["p_value"]) == (None, None, None)
    assert found["over"] == "described, not tested: a group has fewer than 3 configurations"
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
    assert err == "1 trial of 'rank=8' did not complete and is left out: 1 failed.\n"


def _groups(folder: Path, per_rank: int, replicates: int = 1) -> None:
    store = Store(folder)
    number = 0
    for rank in (4, 32):
        for index in range(per_rank):
            for replicate in range(replicates):
                parameters = {"technique": "lora", "rank": rank, "learning_rate": 1e-3 + index}
                write_trial(store, number, parameters, replicate=replicate)
                number += 1


def test_groups_of_three_configurations_are_tested(tmp_path: Path, ask: Ask) -> None:
    _groups(tmp_path, 3)
    found = ask("compare", "rank=32", "rank=4", store=tmp_path)
    assert (found["configurations_a"], found["configurations_b"]) == (3, 3)
    assert found["verdict"] == "A is better than B"
    assert found["over"] == "over configurations like these 3 and 3, and rows"
    assert 0 < found["low"] < found["difference"] < found["high"]


def test_replicates_are_averaged_before_anything_is_tested(
    tmp_path: Path, ask: Ask, run: Run
) -> None:
    _groups(tmp_path, 1, replicates=3)
    found = ask("compare", "rank=32", "rank=4", store=tmp_path)
    assert (found["trials_a"], found["configurations_a"]) == (3, 1)
    assert found["over"] == "over seeds and rows, of these configurations"
    assert "learning_rate" not in run("compare", "rank=32", "rank=4", store=tmp_path)[1]
    other = tmp_path / "other"
    _groups(other, 2, replicates=3)
    assert ask("compare", "rank=32", "rank=4", store=other)["low"] is None


def test_two_runs_of_one_seed_are_said_to_be_that(run: Run) -> None:
    _, out, _ = run("compare", trial_name(2), trial_name(3))
    assert "(over rows, of these models: another seed may reverse it)" in out


def test_what_nobody_can_judge_bounds_a_comparison(tmp_path: Path, ask: Ask) -> None:
    store = Store(tmp_path)
    for number, rank in enumerate((4, 32)):
        write_trial(store, number, {"technique": "lora", "rank": rank}, unjudged=6 * number)
    by = ("--by", "execution_accuracy")
    found = ask("compare", "rank=32", "rank=4", *by, store=tmp_path)
    assert (found["unjudged"], found["rows"]) == (6, 60)
    assert "with 6 predictions that nobody can judge all wrong and all right" in found["over"]
    assert found["low"] < found["difference"] - 0.05 < found["difference"] + 0.05 < found["high"]


def _without(folder: Path, table: str, *trials: int) -> None:
    """Writes two ranks of two trials each, and removes the files of some of a table."""
    store = Store(folder)
    for number, rank in enumerate((4, 4, 8, 8)):
        parameters = {"technique": "lora", "rank": rank, "learning_rate": 1e-3 + number}
        write_trial(store, number, parameters)
    for number in trials:
        shutil.rmtree(next((folder / table).glob(f"*/trial={trial_name(number)}")))


@pytest.mark.parametrize(
    ("table", "trials", "words"),
    [
        (
            "predictions",
            (2,),
            f"lacks the predictions on validation rows of {trial_name(2)}, whose",
        ),
        (
            "predictions",
            range(4),
            f"of {trial_name(0)}, {trial_name(1)}, {trial_name(2)} and 1 more",
        ),
        (
            "reports",
            (2, 3),
            f"lacks the reports with a rouge_l of {trial_name(2)}, {trial_name(3)},",
        ),
    ],
)
def test_what_a_store_lacks_is_said_and_not_called_unmeasured(
    tmp_path: Path, run: Run, table: str, trials: Sequence[int], words: str
) -> None:
    _without(tmp_path, table, *trials)
    code, out, err = run("compare", "rank=4", "rank=8", store=tmp_path)
    assert (code, out) == (2, "")
    said = err.replace("\n", " ")
    assert words in said
    assert f"copy {table}/sweep=rank-0a1b2c3d from the store that it was made of" in said
    assert "measured" not in said


def test_a_trial_whose_reports_are_missing_is_left_out_for_that(tmp_path: Path, run: Run) -> None:
    _without(tmp_path, "reports", 3)
    for verb in (("compare", "rank=4", "rank=8"), ("effect", "rank")):
        code, _, err = run(*verb, store=tmp_path)
        assert code == 0
        assert f"lacks the reports with a rouge_l of {trial_name(3)}" in err.replace("\n", " ")
        assert "were not measured" not in err
        assert "was not measured" not in err


def test_an_effect_of_trials_without_reports_says_what_is_missing(tmp_path: Path, run: Run) -> None:
    _without(tmp_path, "reports", *range(4))
    code, out, err = run("effect", "rank", store=tmp_path)
    assert (code, out) == (2, "")
    assert "lacks the reports with a rouge_l" in err.replace("\n", " ")


def test_an_untuned_model_whose_reports_are_missing_is_named(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    write_trial(store, 0, {"technique": "pretrained"})
    write_trial(store, 1, {"technique": "lora", "rank": 8})
    shutil.rmtree(next((tmp_path / "reports").glob(f"*/trial={trial_name(0)}")))
    code, _, err = run("compare", "technique=pretrained", "technique=lora", store=tmp_path)
    assert code == 2
    assert f"lacks the reports with a rouge_l of {trial_name(0)}" in err.replace("\n", " ")


@pytest.mark.parametrize("table", ["reports", "predictions"])
def test_show_says_what_the_store_lacks_of_a_trial(tmp_path: Path, run: Run, table: str) -> None:
    _without(tmp_path, table, 1)
    code, out, _ = run("show", trial_name(1), store=tmp_path)
    assert code == 0
    assert f"lacks the {table} of {trial_name(1)}, whose scores it has" in out.replace("\n", " ")
    assert "lacks" not in run("show", trial_name(0), store=tmp_path)[1]


def test_a_technique_is_no_trial(run: Run) -> None:
    code, _, err = run("compare", "lora", "best")
    assert code == 2
    assert "'lora' is no trial, but a technique: write technique=lora." in err
