"""What a sweep of the toy answers when it has confirmed what it chose."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from orchestrator.confirmation.begin import confirmation
from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.standing import standing
from orchestrator.results.answer import answer
from orchestrator.results.confirmed_answer import confirmed_answer_of
from orchestrator.results.find_trial import named_trial
from orchestrator.results.leaderboard import leaderboard
from orchestrator.results.sweeps import overview
from tests.orchestrator.confirmation.toy_sweep import asked_sweep, confirm, stored_in, tune
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.stand_in import Seen, run_trials


def test_the_answer_rests_on_the_confirming_runs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    assert confirmed_answer_of(stored.root, stored.id) is None
    chosen = confirm(stored)
    found = confirmed_answer_of(stored.root, stored.id)
    assert found is not None
    rows = {row["trial_id"]: row for row in stored.store.trials(stored.id)}
    for each, standing_ in zip(chosen.confirmed, found.standings, strict=True):
        assert standing_.runs == tuple(stored.trial_id(number) for number in each.trials)
        own = [rows[run]["test_rouge_l"] for run in standing_.runs]
        assert standing_.score is not None
        assert standing_.score.value == pytest.approx(math.fsum(own) / len(own))
        assert standing_.score.interval is not None
        low, high = standing_.score.interval
        assert low < standing_.score.value < high
    (rank,) = found.asked["rank"]
    assert (rank.asked.against, rank.asked.value) == (4, 64)
    assert rank.differs == (not rank.interval[0] <= 0.0 <= rank.interval[1])
    said = answer(stored.root, stored.id)
    assert "From 7 trials 3 configurations were chosen" in said
    assert "under 2 new seeds each; scores are on 2 test rows" in said
    assert "rank: " in said
    assert "Best by tuning: lora" in said


def test_the_best_trial_is_the_first_confirming_run_of_what_tuning_found_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    leader = leaderboard(stored.root, stored.id)[0]["trial_id"]
    assert named_trial(stored.root, [], "best")["trial_id"] == leader
    chosen = confirm(stored)
    first = stored.trial_id(chosen.confirmed[0].trials[0])
    assert named_trial(stored.root, [], "best")["trial_id"] == first
    # The ranking of the search is not mixed with what confirmed it.
    ranked = leaderboard(stored.root, stored.id)
    assert ranked[0]["trial_id"] == leader
    assert len(ranked) == 7
    rows = overview(stored.root, [stored.id]).data
    assert isinstance(rows, list)
    assert (rows[0]["best_trial"], rows[0]["completed"]) == (leader, 13)


def test_what_has_not_ended_or_failed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirmation(stored, standing(stored, Conclusions(stored, "{}")))
    run_trials(stored, Seen(), confirming=chosen.runs[:1])
    said = answer(stored.root, stored.id)
    assert "5 confirming runs have not ended yet." in said
    assert "rank: not known from what was confirmed." in said
    assert "each the best of 2 settings that were tried in its combination" in said
    assert "No configuration has completed under two seeds" in said
    assert said.count("No confirming run of lora") == 2
    assert "one seed: another may reverse it" in said


@pytest.mark.parametrize("everything", [True, False])
def test_predictions_that_the_store_lacks_are_not_called_unmeasured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, everything: bool
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    first = stored.trial_id(confirm(stored).confirmed[0].trials[0])
    folder = stored.root / "predictions" / f"sweep={stored.id}"
    shutil.rmtree(folder if everything else folder / f"trial={first}")
    said = answer(stored.root, stored.id)
    assert f"lacks the predictions on test rows of {first}" in said
    assert f"copy predictions/sweep={stored.id} from the store that it was made of" in said
    assert "could not be measured" not in said
    if everything:
        code, _, err = run("compare", "rank=4", "rank=64", store=stored.root)
        assert code == 2
        assert "lacks the predictions on test rows of" in err.replace("\n", " ")


def test_the_command_prints_the_answer_and_its_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    code, said, _ = run("answer", store=stored.root)
    assert code == 0
    assert "Best of 7 trials" in said
    confirm(stored)
    code, said, _ = run("answer", store=stored.root)
    assert code == 0
    assert "less the best" in said
    assert "Best by tuning" in said
    code, said, _ = run("answer", "--format", "json", store=stored.root)
    (data,) = json.loads(said)
    assert data["sweep_id"] == stored.id
    assert data["confirmed"]["asked"]["rank"][0]["asked"]["value"] == 64
    assert len(data["confirmed"]["standings"]) == 3


def test_a_compacted_copy_answers_as_the_store_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    copy = tmp_path / "copy"
    assert run("export", copy, store=stored.root)[0] == 0
    for form in ("table", "json"):
        asked = ("answer", "--format", form)
        assert run(*asked, store=copy) == run(*asked, store=stored.root)
    assert named_trial(copy, [], "best") == named_trial(stored.root, [], "best")
    twice = tmp_path / "copy-of-the-copy"
    assert run("export", twice, store=copy)[0] == 0
    assert confirmed_answer_of(twice, stored.id) is not None


@pytest.mark.parametrize("verb", [["answer"], ["effect", "rank"], ["compare", "rank=4", "rank=64"]])
def test_a_store_without_the_record_of_what_was_confirmed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, verb: list[str]
) -> None:
    """As one of which the tables alone were copied."""
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    words = f"lacks state/sweep={stored.id}, which says what the confirming runs confirm; copy it"
    code, out, err = run(*verb, store=stored.root)
    assert code == 0
    assert words not in out + err
    shutil.rmtree(stored.root / "state")
    code, out, err = run(*verb, store=stored.root)
    assert code == 0
    assert words in out + err


def test_what_was_not_shown_has_what_it_would_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    found = confirmed_answer_of(stored.root, stored.id)
    assert found is not None
    said = answer(stored.root, stored.id)
    shown = [name for name, each in found.asked.items() if each[0].differs]
    assert set(found.detectable) == set(found.asked) - set(shown)
    for name, could in found.detectable.items():
        assert f"{name}: an estimate" in said
        assert f"show a difference of {could.difference:.3f}" in said
        ((low, high),) = [each.interval for each in found.asked[name]]
        assert could.difference > (high - low) / 2


def test_a_loss_that_no_row_is_scored_by_is_on_no_test_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = asked_sweep(tmp_path, objective={"metric": "eval_loss", "mode": "min"})
    stored = stored_in(sweep, tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    said = answer(stored.root, stored.id)
    assert "trained again under 2 new seeds each." in said
    assert "0 test rows" not in said
    assert "eval_loss is not measured row by row" in said
