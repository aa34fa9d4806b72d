from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.results.importance import something_matters
from orchestrator.store import Store
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import write_sweep, write_trial

Ask = Callable[..., Any]


def test_values_are_compared_at_the_rung_that_all_trials_reached(ask: Ask) -> None:
    found = ask("effect", "rank")
    assert found["rung_examples"] == 600
    values = found["values"]
    assert [entry["value"] for entry in values] == [4, 8, 16, 32]
    assert [entry["trials"] for entry in values] == [3, 3, 3, 3]
    assert [entry["stopped"] for entry in values] == [2, 2, 2, 0]
    assert [entry["completed"] for entry in values] == [1, 1, 1, 3]
    means = [entry["mean"] for entry in values]
    assert means == sorted(means)
    assert all(entry["low"] < entry["mean"] < entry["high"] for entry in values)
    assert all(entry["mean"] <= entry["best"] < entry["completed_mean"] for entry in values)
    assert "trend" not in found
    assert found["confirmed"] == []


def test_no_interval_is_wider_than_the_score(tmp_path: Path, ask: Ask) -> None:
    for number, rank in enumerate([4, 4, 8, 8, 8]):
        parameters = {"technique": "lora", "rank": rank, "learning_rate": 1e-3 * (1 + number)}
        write_trial(Store(tmp_path), number, parameters)
    two, three = ask("effect", "rank", store=tmp_path)["values"]
    assert (two["low"], two["high"]) == (None, None)
    assert 0.0 <= three["low"] < three["mean"] < three["high"] <= 1.0


def test_early_stopping_does_not_bias_the_means(tmp_path: Path, ask: Ask) -> None:
    # The same truth for both values, but one was stopped more often: its naive mean is lower.
    store = Store(tmp_path)
    for number in range(8):
        parameters = {"technique": "lora", "rank": 8, "dropout": 0.0 if number < 4 else 0.1}
        stopped = number in (0, 1, 2)
        write_trial(
            store,
            number,
            parameters,
            "stopped" if stopped else "completed",
            rungs=1 if stopped else 3,
        )
    one, other = ask("effect", "dropout", store=tmp_path)["values"]
    assert one["stopped"] == 3
    assert abs(one["mean"] - other["mean"]) < 0.05
    assert one["completed_mean"] > one["mean"] + 0.05


def test_many_values_are_put_into_quarters(ask: Ask) -> None:
    values = ask("effect", "learning_rate")["values"]
    assert [entry["trials"] for entry in values] == [3, 3, 3, 3]
    assert all(" to " in entry["value"] for entry in values)


def test_what_follows_from_the_parameters_can_be_asked_for(ask: Ask) -> None:
    values = ask("effect", "trainable_parameters")["values"]
    assert [entry["value"] for entry in values] == [4000, 8000, 16000, 32000]


def test_importance_finds_the_parameter_that_matters(ask: Ask) -> None:
    shares = ask("effect", "rank")["importance"]["lora"]
    assert list(shares) == ["rank", "learning_rate"]
    assert sum(shares.values()) == pytest.approx(1.0)


def test_the_table_says_it_in_words(run: Run) -> None:
    code, out, _ = run("effect", "rank")
    assert code == 0
    assert "At 600 examples, the highest rung" in out
    assert "Described, not tested: what a search leaves is too little" in out
    assert "the best of them by rouge_l apart (PED-ANOVA): rank" in out
    assert "the best of them by bleu apart" in run("effect", "rank", "--by", "bleu")[1]


def test_techniques_compare_without_the_baseline(tmp_path: Path, ask: Ask) -> None:
    write_sweep(tmp_path)
    for number in range(20, 24):
        write_trial(Store(tmp_path), number, {"technique": "prefix", "rank": 4})
    found = ask("effect", "technique", store=tmp_path)
    assert [entry["value"] for entry in found["values"]] == ["lora", "prefix"]


def test_replicates_are_one_configuration(tmp_path: Path, ask: Ask) -> None:
    for number in range(6):
        parameters = {"technique": "lora", "rank": 4 if number < 3 else 32}
        write_trial(Store(tmp_path), number, parameters, replicate=number % 3)
    values = ask("effect", "rank", store=tmp_path)["values"]
    assert [(each["configurations"], each["trials"]) for each in values] == [(1, 3), (1, 3)]
    assert [each["low"] for each in values] == [None, None]


def test_no_importance_is_shown_of_what_does_not_matter(tmp_path: Path, run: Run) -> None:
    chance = random.Random(0)
    for number in range(16):
        rate = 10 ** chance.uniform(-4, -2)
        write_trial(
            Store(tmp_path), number, {"technique": "lora", "rank": 8, "learning_rate": rate}
        )
    code, out, _ = run("effect", "learning_rate", store=tmp_path)
    assert code == 0
    assert "Importance" not in out


def test_something_matters_in_one_of_twenty_where_nothing_does() -> None:
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        own = [
            {"rank": int(generator.choice([4, 16, 64])), "learning_rate": float(rate)}
            for rate in generator.uniform(1e-4, 1e-2, 24)
        ]
        found += something_matters(own, ["rank", "learning_rate"], generator.random(24).tolist())
    assert found / 200 <= 0.12  # four standard errors above 5 %


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("rnak", "no parameter 'rnak'; the nearest is 'rank'"),
        ("technique", "'technique' has the same value in all of these trials; varied were rank"),
    ],
)
def test_mistakes(run: Run, parameter: str, words: str) -> None:
    code, out, err = run("effect", parameter)
    assert (code, out) == (2, "")
    assert words in err


def test_failed_trials_are_left_out_and_said(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    for number in range(4):
        write_trial(store, number, {"technique": "lora", "rank": 4 * (1 + number)})
    write_trial(store, 9, {"technique": "lora", "rank": 64}, "failed", rungs=0)
    code, out, err = run("effect", "rank", store=tmp_path)
    assert code == 0
    assert "64" not in [line.split()[0] for line in out.splitlines()]
    assert err == "1 of these trials were not measured by rouge_l and are left out.\n"


def test_what_was_stopped_before_it_wrote_sql_is_said_to_be(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    for number in range(4):
        write_trial(store, number, {"technique": "lora", "rank": 4 * (1 + number)})
    for number, outcome in ((8, "stopped"), (9, "failed")):
        write_trial(store, number, {"technique": "lora", "rank": 64}, outcome, rungs=0)
    code, _, err = run("effect", "rank", store=tmp_path)
    assert code == 0
    assert err == (
        "1 of these trials were stopped by their loss, before they wrote any SQL that rouge_l could"
        " be measured of, and are left out.\n"
        "1 of these trials were not measured by rouge_l and are left out.\n"
    )


def test_what_came_to_nothing_after_a_report_is_said(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    for number, rank in enumerate((4, 8, 8)):
        write_trial(store, number, {"technique": "lora", "rank": rank})
    write_trial(store, 3, {"technique": "lora", "rank": 4}, "diverged", rungs=1)
    code, out, err = run("effect", "rank", store=tmp_path)
    assert code == 0
    assert "Of these trials 1 diverged after a report" in " ".join((out + err).split())


def test_where_nothing_was_varied_that_is_said(tmp_path: Path, run: Run) -> None:
    write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": 8})
    code, _, err = run("effect", "rank", store=tmp_path)
    assert code == 2
    assert "has the same value in all of these trials; none was varied." in " ".join(err.split())
