from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.answer import answer
from orchestrator.results.find_trial import named_trial
from orchestrator.store import Store
from tests.orchestrator.results import synthetic
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_trial


def test_the_answer_has_the_figures(root: Path) -> None:
    text = answer(root, SWEEP)
    assert text.startswith(
        "Best of 13 trials is lora rank=32 learning_rate=0.00201 with rouge_l 0.45"
    )
    assert "on 60 validation rows" in text
    assert "It is better than the untuned model (0.0" in text
    assert "It is not distinguishable from the runner-up lora rank=32" in text
    assert "It is better than the best with another rank, lora rank=16" in text
    assert "simultaneous 95 % interval" in text
    assert "\nThis is about the model of t-x" in text
    assert "one seed: another may reverse it." in text
    assert "lora: best rouge_l by rank at 600 examples, described and not tested: " in text
    assert text.count("described and not tested") == 1  # of rank, which alone is asked about
    assert text.endswith(".")


def test_one_value_that_trained_to_the_end_is_not_described_by_itself(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 1, {"technique": "lora", "rank": 32})
    write_trial(store, 2, {"technique": "lora", "rank": 8}, "failed", rungs=0, predictions=False)
    assert "best rouge_l by rank" not in answer(tmp_path, SWEEP)


def test_techniques_are_set_beside_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 1, {"technique": "lora", "rank": 32})
    write_trial(store, 2, {"technique": "prefix", "rank": 4}, test_rows=0)
    text = answer(tmp_path, SWEEP)
    assert "It is better than the runner-up prefix" in text
    assert "simultaneous" not in text  # of two there is one pair
    assert "The best of each technique: lora 0.4" in text
    assert "another technique" not in text  # the runner-up is that already


def test_test_rows_are_named_where_they_were_evaluated(tmp_path: Path) -> None:
    write_trial(
        Store(tmp_path), 1, {"technique": "lora", "rank": 32},
        test_rouge_l=0.4, test_rouge_l_se=0.02, test_rows=200,
    )  # fmt: skip
    assert "0.400 on 200 test rows, 0.361 to 0.439)" in answer(tmp_path, SWEEP)


def test_scores_stay_where_predictions_are_missing(tmp_path: Path) -> None:
    for number, rank in enumerate((8, 32)):
        write_trial(Store(tmp_path), number, {"technique": "lora", "rank": rank}, predictions=False)
    text = answer(tmp_path, SWEEP)
    assert "The runner-up lora rank=8 has 0." in text


def test_an_objective_without_rows_has_no_interval(tmp_path: Path) -> None:
    for number, rank in enumerate((8, 32)):
        write_trial(
            Store(tmp_path), number, {"technique": "lora", "rank": rank},
            objective_metric="eval_loss", objective_mode="min",
        )  # fmt: skip
    text = answer(tmp_path, SWEEP)
    assert text.startswith("Best of 2 trials is lora rank=32 with eval_loss 2.0")
    assert "interval" not in text


def test_no_completed_trial_no_answer(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 0, {"technique": "pretrained"})
    write_trial(store, 1, {"technique": "lora", "rank": 8}, "stopped", rungs=1)
    assert answer(tmp_path, SWEEP) == (
        "There is no answer yet: none of 2 trials trained to the full budget."
    )


def test_a_technique_that_never_completed_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 1, {"technique": "lora", "rank": 32})
    write_trial(store, 2, {"technique": "qlora", "rank": 8}, "failed", rungs=1)
    write_trial(store, 3, {"technique": "qlora", "rank": 4}, "failed", rungs=1)
    write_trial(store, 4, {"technique": "qlora", "rank": 16}, "stopped", rungs=1)
    write_trial(store, 5, {"technique": "prefix", "rank": 4}, "diverged", rungs=1)
    first, second, *_ = answer(tmp_path, SWEEP).splitlines()
    assert first.startswith("Best of 5 trials is lora")
    assert second == "No trial completed of qlora: 2 failed, 1 stopped, of prefix: 1 diverged."


def test_a_configuration_is_not_its_own_runner_up(tmp_path: Path) -> None:
    for number, rank in enumerate((32, 32, 32, 8)):
        write_trial(Store(tmp_path), number, {"technique": "lora", "rank": rank}, replicate=number)
    text = answer(tmp_path, SWEEP)
    assert text.startswith("Best of 4 trials is lora rank=32 with rouge_l 0.4")
    assert "(mean of 3 seeds on 60 validation rows)" in text
    assert "the runner-up lora rank=8" in text
    assert "one seed" not in text


def test_what_is_left_of_a_stopped_configuration_is_no_mean_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(3):
        ends = ("stopped", 1) if number == 2 else ("completed", 2)
        lora = {"technique": "lora", "rank": 32}
        write_trial(store, number, lora, ends[0], rungs=ends[1], replicate=number)
    for number in range(3, 5):
        write_trial(store, number, {"technique": "lora", "rank": 8}, replicate=number - 3)
    text = answer(tmp_path, SWEEP)
    # The two seeds of rank 32 that were not stopped score more, but were picked by their scores.
    assert text.startswith("Best of 5 trials is lora rank=8 with rouge_l 0.2")
    assert "the runner-up lora rank=32 (2 of its 3 seeds: the others were stopped" in text
    assert named_trial(tmp_path, [], "best")["trial_id"] == trial_name(3)


def test_where_no_configuration_completed_under_all_seeds_that_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    lora = {"technique": "lora", "rank": 32}
    write_trial(store, 0, lora, replicate=0)
    write_trial(store, 1, lora, "diverged", rungs=1, replicate=1)
    text = answer(tmp_path, SWEEP)
    assert "Best of 2 trials is lora (1 of its 2 seeds: the others were stopped or diver" in text


def test_nothing_is_said_of_techniques_that_completed(root: Path) -> None:
    assert "no trial completed" not in answer(root, SWEEP)


def test_a_trial_whose_reports_are_missing_stays_with_its_score(tmp_path: Path) -> None:
    for number, rank in enumerate((8, 32)):
        write_trial(Store(tmp_path), number, {"technique": "lora", "rank": rank})
    shutil.rmtree(tmp_path / "reports" / f"sweep={SWEEP}" / f"trial={trial_name(0)}")
    assert "The runner-up lora rank=8 has 0.2" in answer(tmp_path, SWEEP)


def test_trials_that_came_to_nothing_are_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 1, {"technique": "lora", "rank": 32})
    write_trial(store, 2, {"technique": "lora", "rank": 8}, "diverged", rungs=1)
    write_trial(store, 3, {"technique": "lora", "rank": 4}, "hung", rungs=1)
    write_trial(store, 4, {"technique": "lora", "rank": 16}, "stopped", rungs=1)
    assert "No result came of 2 further trials: 1 diverged, 1 hung." in answer(tmp_path, SWEEP)


def test_one_trial_is_no_best_of_several(tmp_path: Path) -> None:
    write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": 32}, "stopped", rungs=1)
    assert answer(tmp_path, SWEEP) == (
        "There is no answer yet: its one trial has not trained to the full budget."
    )
    write_trial(Store(tmp_path / "b"), 1, {"technique": "lora", "rank": 32})
    text = answer(tmp_path / "b", SWEEP)
    assert text.startswith("The one trial is lora with rouge_l 0.4")
    assert "on 60 validation rows)." in text


def test_a_small_difference_that_is_claimed_is_not_shown_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def near(number: int, row: int, share: float, chance: random.Random) -> dict[str, Any]:
        value = 0.5 + 1e-5 * number + chance.gauss(0, 1e-7)
        return {"example_id": f"v-{row}"} | dict.fromkeys(
            ("rouge_l", "bleu", "execution_accuracy"), value
        )

    monkeypatch.setattr(synthetic, "_prediction", near)
    for number, rank in enumerate((8, 32)):
        write_trial(Store(tmp_path), number, {"technique": "lora", "rank": rank})
    text = answer(tmp_path, SWEEP)
    assert "It is better than the runner-up lora rank=8 (0.500; difference +1e-05, 95 % " in text
    assert "0.000" not in text
