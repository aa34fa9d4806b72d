"""What is stopped, and what confirms, among runs that are taken over from another sweep."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from orchestrator.outcomes.conclusions import Conclusions, is_searched
from orchestrator.outcomes.standing import standing
from orchestrator.search.adoption import describe
from tests.orchestrator.outcomes.adopting import ASK, Started, measured, of


def test_a_verdict_by_another_rule_is_made_anew_and_the_reports_agree(
    start: Callable[..., Started],
) -> None:
    """Within its rank a trial may be among the best that was not among all of them."""
    old = start(4, 8, 16, trials=12).run()
    stopped = {row["content_id"] for row in old.rows.values() if row["outcome"] == "stopped"}
    assert stopped
    new = start(4, 8, 16, trials=12, **ASK)
    undecided = {run.proposal.trial_number for run in new.adoption.runs if run.undecided}
    assert len(undecided) == len(stopped)
    assert len(new.rows) == 12 - len(stopped)
    assert "stopped by another rule" in describe(new.stored.sweep, new.adoption.runs)
    before = of(new.stored, "reports")
    new.run()
    assert is_searched(new.stored)
    after = {(r["trial_id"], r["rung"]): r for r in of(new.stored, "reports")}
    for row in before:  # the first reports are those of the other sweep, and are not made again
        assert after[row["trial_id"], row["rung"]] == row
    there = {row["content_id"]: row for row in old.rows.values()}
    went_on = {n for n in undecided if new.rows[n]["adopted_from"] is None}
    assert went_on
    assert new.started & undecided == went_on
    for number in went_on:
        row = new.rows[number]
        assert row["last_rung"] > there[row["content_id"]]["last_rung"]
    for number in undecided - went_on:  # it is not trained to be stopped again
        row = new.rows[number]
        assert measured(row, "stratum") == measured(there[row["content_id"]], "stratum")
    fresh = start(4, 8, 16, trials=12, **ASK, fresh=True, folder="elsewhere").run()
    same = {row["content_id"]: row for row in fresh.rows.values()}
    common = [row for row in new.rows.values() if row["content_id"] in same]
    assert common
    for row in common:
        other = same[row["content_id"]]
        if row["last_rung"] == other["last_rung"]:
            assert row["eval_loss"] == other["eval_loss"]


def test_who_is_stopped_here_too_says_whose_it_was_after_that_has_gone(
    start: Callable[..., Started],
) -> None:
    old = start(4, 8, 16, trials=12).run()
    new = start(4, 8, 16, trials=12, **ASK)
    undecided = {run.proposal.trial_number: run for run in new.adoption.runs if run.undecided}
    for part in ("trials", "reports", "predictions", "checkpoints", "state"):
        shutil.rmtree(old.stored.root / part / f"sweep={old.stored.id}", ignore_errors=True)
    new.run()
    assert is_searched(new.stored)
    gone = undecided.keys() - new.started
    assert gone
    for number in gone:
        source = undecided[number].source
        assert new.rows[number]["adopted_from"] == f"{source.sweep_id}/{source.trial_id}"
    assert all(new.rows[number]["adopted_from"] is None for number in new.started)


def test_a_verdict_by_the_same_rule_stands(start: Callable[..., Started]) -> None:
    old = start(4, 8, 16, trials=12).run()
    new = start(4, 8, 16, 32, trials=12)
    assert not any(run.undecided for run in new.adoption.runs)
    assert [new.rows[n]["outcome"] for n in range(12)] == [
        old.rows[n]["outcome"] for n in range(12)
    ]
    state = standing(new.stored, Conclusions(new.stored, "{}"))
    assert state.seconds == 0


def test_what_was_adopted_is_adopted_again_from_who_trained_it(
    start: Callable[..., Started],
) -> None:
    first = start(4, 8, **ASK).run()
    start(4, 8, 16, **ASK, trials=9).run()
    third = start(4, 8, 16, 32, **ASK, trials=12)
    sources = {row["adopted_from"].split("/")[0] for row in third.rows.values()}
    assert len(third.rows) == 9
    assert first.stored.id in sources
    assert len(sources) == 2


CONFIRMED: dict[str, Any] = {**ASK, "stopping": None, "confirm": {"runs": 6, "seeds": 2}}


def test_a_confirming_run_is_taken_over_where_the_same_is_confirmed(
    start: Callable[..., Started],
) -> None:
    old = start(4, 8, **CONFIRMED).run()
    assert old.confirm() == 0
    new = start(4, 8, 16, **CONFIRMED, trials=9)
    assert all(row["phase"] == "tune" for row in new.rows.values())
    new.run()
    began = set(new.started)
    assert new.confirm() == 4
    confirmed = {n: row for n, row in new.rows.items() if row["phase"] == "confirm"}
    assert len(confirmed) == 6
    assert {confirmed[n]["rank"] for n in new.started - began} == {16}
    adopted = [row for row in confirmed.values() if row["adopted_from"]]
    assert all(row["test_rouge_l"] is not None for row in adopted)
    # Nobody has chosen by what confirms, there or here.
    searched = {
        row["content_id"]
        for row in [*old.rows.values(), *new.rows.values()]
        if row["phase"] == "tune"
    }
    assert not searched & {row["content_id"] for row in confirmed.values()}


def test_a_run_that_was_chosen_from_confirms_nothing(start: Callable[..., Started]) -> None:
    """Also where a sweep tunes under the very seed that another one confirms by."""
    old = start(4, 8, **CONFIRMED).run()
    old.confirm()
    confirming = {r["content_id"] for r in old.rows.values() if r["phase"] == "confirm"}
    rows_there = [
        {**row, "phase": "tune"} if row["phase"] == "confirm" else row
        for row in old.stored.store.trials(old.stored.id)
    ]
    for file in (old.stored.root / "trials").rglob("*.parquet"):
        file.unlink()
    for row in rows_there:
        old.stored.store.publish_trial({k: v for k, v in row.items() if k != "schema_version"})
    new = start(4, 8, 16, **CONFIRMED, trials=9)
    assert not confirming & set(new.adoption.confirming)
