"""What is confirmed, from a sweep of the toy whose trials a stand-in for Ray Tune runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.confirmation.begin import confirmation
from orchestrator.confirmation.optimum import surface
from orchestrator.outcomes.conclusions import (
    Conclusions,
    confirmation_of,
    is_finished,
)
from orchestrator.outcomes.standing import standing
from orchestrator.results.answer import answer
from orchestrator.results.confirmed_answer import confirmed_answer_of
from orchestrator.search.proposals import CONFIRMING
from orchestrator.state.confirmation_log import Choice, ConfirmationLog, Optima
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.statistics.response_surface import NoSurface
from orchestrator.store.errors import DamagedError
from orchestrator.store.rows import Row
from tests.orchestrator.confirmation.toy_sweep import asked_sweep, confirm, stored_in, tune
from tests.orchestrator.stand_in import Seen, run_trials


def _rows(stored: StoredSweep, phase: str) -> list[Row]:
    rows = sorted(stored.store.trials(stored.id), key=lambda row: row["trial_number"])
    return [row for row in rows if row["phase"] == phase]


def test_the_best_of_each_stratum_is_trained_again_under_new_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    assert not is_finished(stored)
    chosen = confirm(stored)
    assert is_finished(stored)
    tuned, confirmed = _rows(stored, "tune"), _rows(stored, "confirm")
    assert len(tuned) == len(confirmed) == 6
    best = {
        rank: max((row for row in tuned if row["rank"] == rank), key=lambda row: row["objective"])
        for rank in (4, 8, 64)
    }
    assert {row["configuration_id"] for row in confirmed} == {
        row["configuration_id"] for row in best.values()
    }
    whole = max(best.values(), key=lambda row: row["objective"])
    assert chosen.confirmed[0].choice == Choice(
        chosen.confirmed[0].choice.configuration, whole["trial_id"], "best"
    )
    assert [row["trial_number"] for row in confirmed] == [*range(CONFIRMING, CONFIRMING + 6)]
    assert {row["outcome"] for row in confirmed} == {"completed"}
    assert {row["stratum"] for row in confirmed} == {"rank=4", "rank=8", "rank=64"}


def test_no_seed_that_chose_is_used_again_and_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, replicates=2), tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    seeds = [row["seed"] for row in _rows(stored, "confirm")]
    assert len({*seeds}) == len(seeds) == 6
    assert not {*seeds} & {row["seed"] for row in _rows(stored, "tune")}
    # The rows and their split are those of every trial.
    configs = [json.loads(row["config_json"]) for row in stored.store.trials(stored.id)]
    assert len({config["data_seed"] for config in configs}) == 1


def test_only_what_is_not_chosen_from_sees_the_test_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [{"technique": "lora", "data_size": 100, "rank": 2}]
    stored = stored_in(asked_sweep(tmp_path, points=points), tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    tested = {
        row["phase"]: row["test_rouge_l"] is not None for row in stored.store.trials(stored.id)
    }
    assert tested == {"baseline": True, "point": False, "tune": False, "confirm": True}
    split = {
        row["phase"]: stored.store.predictions(stored.id, row["trial_id"], "test").num_rows
        for row in stored.store.trials(stored.id)
    }
    assert {phase for phase, rows in split.items() if rows} == {"baseline", "confirm"}


def test_without_confirming_every_completed_trial_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, confirm=None), tmp_path, monkeypatch)
    tune(stored)
    assert is_finished(stored)
    assert all(row["test_rouge_l"] is not None for row in stored.store.trials(stored.id))


def test_what_confirms_is_never_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = {"first_rung": 0.1, "reduction_factor": 3}
    stored = stored_in(asked_sweep(tmp_path, stopping=stopping, trials=12), tmp_path, monkeypatch)
    tune(stored)
    assert "stopped" in {row["outcome"] for row in _rows(stored, "tune")}
    confirm(stored)
    assert {row["outcome"] for row in _rows(stored, "confirm")} == {"completed"}


def test_the_choice_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    state = standing(stored, Conclusions(stored, "{}"))
    chosen = confirmation(stored, state)
    # As if other trials led now: what is on record counts.
    rows = {number: row | {"objective": 1 - row["objective"]} for number, row in state.rows.items()}
    assert confirmation(stored, state.__class__(**vars(state) | {"rows": rows})) == chosen
    assert confirmation_of(stored) == chosen


def test_a_longer_search_keeps_what_was_confirmed_and_chooses_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    before = confirm(stored)
    longer = stored_in(asked_sweep(tmp_path, trials=12), tmp_path, monkeypatch)
    assert longer.id == stored.id
    assert confirmation_of(longer) is None
    tune(longer)
    after = confirm(longer)
    assert is_finished(longer)
    earlier = {json.dumps(e.choice.configuration): e.trials for e in before.confirmed}
    for each in after.confirmed:
        known = earlier.get(json.dumps(each.choice.configuration))
        assert known in (None, each.trials)
    numbers = [number for each in (*before.confirmed, *after.confirmed) for number in each.trials]
    assert len(_rows(longer, "confirm")) == len({*numbers})
    assert confirmation_of(longer) == after
    assert len(ConfirmationLog(longer.files).read()) == 2


def test_more_seeds_add_runs_to_those_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    before = confirm(stored)
    more = stored_in(asked_sweep(tmp_path, confirm={"runs": 9, "seeds": 3}), tmp_path, monkeypatch)
    assert not is_finished(more)
    after = confirm(more)
    assert [e.trials[:2] for e in after.confirmed] == [e.trials for e in before.confirmed]
    assert len(_rows(more, "confirm")) == 9


def test_with_little_room_the_best_and_the_ends_are_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(
        asked_sweep(tmp_path, confirm={"runs": 4, "seeds": 2}), tmp_path, monkeypatch
    )
    tune(stored)
    chosen = confirm(stored)
    ranks = [each.choice.configuration["rank"] for each in chosen.confirmed]
    best = max(_rows(stored, "tune"), key=lambda row: row["objective"])["rank"]
    assert ranks[0] == best
    assert ranks[1] == (64 if best == 4 else 4)


def test_without_a_question_about_values_the_best_ones_are_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, ask=None), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirm(stored)
    ranked = sorted(_rows(stored, "tune"), key=lambda row: -row["objective"])
    assert [each.choice.tuned for each in chosen.confirmed] == [r["trial_id"] for r in ranked[:3]]


def test_a_stratum_whose_trials_all_failed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = {"learning_rate": 8.0, "rank": {"choice": [4, 8]}}
    space = {"technique": {"lora": fails, "full": {"learning_rate": {"choice": [0.4, 0.5]}}},
             "data_size": 100}  # fmt: skip
    changes = {"ask": ["technique"], "space": space, "trials": 4, "baseline": True}
    stored = stored_in(asked_sweep(tmp_path, **changes), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirm(stored)
    assert [each.choice.configuration["technique"] for each in chosen.confirmed] == ["full"]
    assert is_finished(stored)


def test_a_record_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    confirmation(stored, standing(stored, Conclusions(stored, "{}")))
    path = stored.root / stored.files.confirmations_key / "0000.json"
    whole = path.read_text()
    record = json.loads(whole)
    record["confirmed"][0]["trials"] = ["../../x"]
    for text in ("", "[]", whole[:50], "{}", json.dumps(record)):
        path.write_text(text)
        with pytest.raises(DamagedError) as refused:
            is_finished(stored)
        assert str(path) in str(refused.value)


def test_confirming_goes_on_where_it_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirmation(stored, standing(stored, Conclusions(stored, "{}")))
    run_trials(stored, Seen(), confirming=chosen.runs[:2])
    before = _rows(stored, "confirm")
    assert len(before) == 2
    assert not is_finished(stored)
    assert confirm(stored) == chosen
    assert is_finished(stored)
    assert [row for row in _rows(stored, "confirm") if row in before] == before


def test_where_rates_are_many_the_optimum_of_each_combination_is_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the toy no rate suits better than 1.0; from 2.0 on it has accidents.
    lora = {"rank": {"choice": [4, 64]}, "learning_rate": {"loguniform": [0.1, 1.9]}}
    space = {"technique": {"lora": lora}, "data_size": 100}
    changes = {"space": space, "trials": 16, "search": {"method": "random"}}
    stored = stored_in(asked_sweep(tmp_path, **changes), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirm(stored)
    assert isinstance(chosen.optima, Optima)
    assert len(chosen.optima.missing) == len(chosen.confirmed) == 2
    for each in chosen.confirmed:
        assert each.choice.reason == "optimum of its combination"
        rank, rate = (each.choice.configuration[name] for name in ("rank", "learning_rate"))
        assert isinstance(rate, float)
        rates = [row["learning_rate"] for row in _rows(stored, "tune") if row["rank"] == rank]
        assert min(rates) <= rate <= max(rates)
    said = answer(stored.root, stored.id)
    assert "This is about rank, every combination at the learning rate that suits it best" in said
    assert "Best by tuning: lora" in said
    found = confirmed_answer_of(stored.root, stored.id)
    assert found is not None
    assert found.not_at_their_best is None


def test_where_rates_are_few_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirm(stored)
    assert chosen.optima == (
        "of rank=4 2 rates were tried, of the 6 that are needed, each trained in full; 18 trials"
        " without early stopping (`stopping: null`) would have them"
    )
    assert str(chosen.optima) in answer(stored.root, stored.id)


_RANK = {"rank": {"choice": [4, 8]}}
_RATE = {"learning_rate": {"uniform": [0.1, 0.9]}}
_NUMBER = {"dropout": {"uniform": [0.0, 0.2]}}


@pytest.mark.parametrize(
    ("technique", "said"),
    [
        ({"lora": _RANK}, "no learning rate is searched over a range above 0"),
        ({"lora": _RANK | _RATE | _NUMBER}, "numbers beside the learning rate are tuned over"),
        ({"lora": _RANK, "full": {}}, "several techniques are tuned, whose rates have ranges of"),
    ],
)
def test_what_has_no_surface_says_why(tmp_path: Path, technique: dict[str, Any], said: str) -> None:
    space = {"technique": technique, "data_size": 100}
    found = surface(asked_sweep(tmp_path, space=space, trials=2), [])
    assert isinstance(found, NoSurface)
    assert found.reason.startswith(said)
