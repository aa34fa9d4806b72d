"""Rates beside a chosen one, and a sweep of the toy that is confirmed at them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.confirmation.begin import confirmation
from orchestrator.confirmation.beside import rates_beside
from orchestrator.outcomes.conclusions import Conclusions, is_finished
from orchestrator.outcomes.standing import standing
from orchestrator.results.answer import answer
from orchestrator.results.compare import compare
from orchestrator.results.confirmed import of_chosen
from orchestrator.results.confirmed_answer import confirmed_answer_of
from orchestrator.results.find_trial import named_trial
from orchestrator.results.selection import final_rows
from orchestrator.state.confirmation_log import ConfirmationLog
from tests.orchestrator.confirmation.toy_sweep import asked_sweep, confirm, stored_in, tune
from tests.orchestrator.stand_in import Seen, run_trials

_AROUND: dict[str, Any] = {"confirm": {"runs": 15, "seeds": 2, "around": [-0.3, -0.15, 0.15]}}


@given(
    low=st.floats(-6, 0),
    width=st.floats(0.05, 4),
    share=st.floats(0, 1),
    around=st.lists(
        st.floats(0.05, 2).flatmap(lambda size: st.sampled_from([size, -size])),
        min_size=1,
        max_size=8,
        unique=True,
    ),
)
def test_rates_beside_a_chosen_one_are_others_within_the_range(
    low: float, width: float, share: float, around: list[float]
) -> None:
    least, most = 10**low, 10 ** (low + width)
    rate = min(most, max(least, 10 ** (low + share * width)))
    found = rates_beside(rate, least, most, around)
    assert len(found) == len(around)
    assert len({rate, *found}) == len(around) + 1
    assert all(least * (1 - 1e-9) <= each <= most * (1 + 1e-9) for each in found)


def test_where_there_is_room_they_are_as_far_as_asked() -> None:
    found = rates_beside(1e-3, 1e-5, 1e-1, [-0.8, -0.4, 0.4])
    assert [math.log10(each / 1e-3) for each in found] == pytest.approx([-0.8, -0.4, 0.4])


def test_at_an_end_they_go_to_the_other_side() -> None:
    found = rates_beside(1e-2, 1e-4, 1e-2, [-0.8, 0.4])
    assert [math.log10(each / 1e-2) for each in found] == pytest.approx([-0.8, -0.4])


def test_each_combination_is_confirmed_at_rates_around_its_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, **_AROUND), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirm(stored)
    assert is_finished(stored)
    best = [each for each in chosen.confirmed if not each.choice.beside]
    assert [len(each.trials) for each in chosen.confirmed] == [2] * 3 + [1] * 9
    assert len(best) == 3
    for each in best:
        own = [other for other in chosen.confirmed if other.choice.tuned == each.choice.tuned]
        assert len(own) == 4
        rates = {other.choice.configuration["learning_rate"] for other in own}
        assert len(rates) == 4
        assert {other.choice.searched for other in own} == {(0.1, 0.9)}
        assert all(isinstance(rate, float) and 0.1 <= rate <= 0.9 for rate in rates)
        assert len({other.choice.configuration["rank"] for other in own}) == 1
    # The chosen ones come first, so that a sweep that is cut short can speak of them.
    assert [run.replicate for run in chosen.runs] == [0] * 12 + [1] * 3
    assert named_trial(stored.root, [], "best")["trial_id"] == stored.trial_id(best[0].trials[0])


def test_seeds_that_make_no_difference_tell_nothing_of_the_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, **_AROUND), tmp_path, monkeypatch)
    tune(stored)
    confirm(stored)
    found = confirmed_answer_of(stored.root, stored.id)
    assert found is not None
    assert len(found.standings) == 3
    assert {len(each.runs) for each in found.standings} == {2}
    said = answer(stored.root, stored.id)
    assert "From 7 trials 3 configurations were chosen" in said
    assert "under 2 new seeds each, and at 3 further rates around its own" in said
    # The toy writes the same text under every seed.
    assert found.best_rates is None
    assert "is not known: no configuration has completed under two seeds that differ." in said


def test_groups_that_are_compared_are_of_what_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, **_AROUND), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirm(stored)
    rows = final_rows(stored.root, [stored.id])
    data: Any = compare(stored.root, rows, "rank=4", "rank=64", None).data
    assert (data["trials_a"], data["trials_b"]) == (2, 2)
    beside = {
        number
        for each in chosen.confirmed
        if each.choice.beside and each.choice.configuration["rank"] == 4
        for number in each.trials
    }
    of_beside = [row for row in rows if row["trial_number"] in beside]
    assert of_chosen(stored.root, of_beside) == of_beside


def test_without_the_runs_around_the_answer_is_about_the_configurations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path, **_AROUND), tmp_path, monkeypatch)
    tune(stored)
    chosen = confirmation(stored, standing(stored, Conclusions(stored, "{}")))
    own = [
        run
        for each in chosen.confirmed
        if not each.choice.beside
        for run in chosen.runs
        if run.trial_number in each.trials
    ]
    run_trials(stored, Seen(), confirming=own)
    found = confirmed_answer_of(stored.root, stored.id)
    assert found is not None
    assert found.best_rates is None
    assert found.asked["rank"]
    said = answer(stored.root, stored.id)
    assert "This is about these configurations, each the best of 2 settings" in said
    assert "a combination has completed at 1 of the 3 rates" in said
    assert "9 confirming runs have not ended yet." in said


def test_other_rates_around_choose_again_and_keep_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    first = confirm(stored)
    more = stored_in(asked_sweep(tmp_path, **_AROUND), tmp_path, monkeypatch)
    assert more.id == stored.id
    assert not is_finished(more)
    second = confirm(more)
    assert [each.trials for each in second.confirmed[:3]] == [
        each.trials for each in first.confirmed
    ]
    assert ConfirmationLog(more.files).read() == [first, second]
