"""Runs that another sweep of the store has trained are taken over, not trained again."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.outcomes.adoption import adoptable
from orchestrator.outcomes.conclusions import is_searched
from orchestrator.search.adoption import describe
from orchestrator.search.content import Base
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.store import Store, keys
from orchestrator.store.errors import NotPublishedError
from orchestrator.store.schema import TABLES
from tests.orchestrator import toy
from tests.orchestrator.outcomes.adopting import ASK, CONTENT, Started, measured, of, turns
from tests.orchestrator.stand_in import Seen


def test_one_more_rank_trains_only_what_is_new(start: Callable[..., Started]) -> None:
    old = start(4, 8, **ASK).run()
    new = start(4, 8, 16, **ASK, trials=9)
    assert describe(new.stored.sweep, new.adoption.runs) == (
        f"6 runs of {old.stored.id} are adopted; 3 are left"
    )
    taken, its_turns = new.rows, turns(new, 16)
    assert len(its_turns) == 3
    assert sorted(taken) == [number for number in range(9) if number not in its_turns]
    new.run()
    assert new.started == its_turns
    assert is_searched(new.stored)
    assert {new.rows[number]["rank"] for number in its_turns} == {16}
    for row in taken.values():
        there = next(r for r in old.rows.values() if r["content_id"] == row["content_id"])
        assert row["adopted_from"] == f"{old.stored.id}/{there['trial_id']}"
        assert measured(row) == measured(there)
        assert row["trial_id"] == new.stored.trial_id(row["trial_number"])
        for table in ("reports", "predictions"):
            copied = [r for r in of(new.stored, table) if r["trial_id"] == row["trial_id"]]
            original = [r for r in of(old.stored, table) if r["trial_id"] == there["trial_id"]]
            for one, other in zip(copied, original, strict=True):
                assert measured(one) == measured(other)
    assert all(new.rows[number]["adopted_from"] is None for number in its_turns)


def test_all_are_taken_over_where_there_are_more_than_the_sweep_would_deal(
    start: Callable[..., Started],
) -> None:
    old = start(4, 8, **ASK).run()
    new = start(4, 8, 16, **ASK)  # two trials a rank
    assert len(new.rows) == 6
    assert describe(new.stored.sweep, new.adoption.runs).endswith("are adopted; 2 are left")
    new.run()
    assert {new.rows[number]["rank"] for number in new.started} == {16}
    assert len(new.started) == 2
    assert is_searched(new.stored)
    assert len(old.rows) == 6
    again = Started.__new__(Started)
    again.stored, again.seen = new.stored, Seen()
    assert again.run().started == set()


def test_a_sweep_without_strata_takes_them_over_in_their_order(
    start: Callable[..., Started],
) -> None:
    start(4, 8).run()
    new = start(4, 8, 16, trials=10).run()
    assert new.started == {6, 7, 8, 9}
    assert [new.rows[n]["adopted_from"] is None for n in range(10)] == [False] * 6 + [True] * 4


def test_what_is_trained_after_follows_from_the_list_alone(
    start: Callable[..., Started],
) -> None:
    """A start that ends after each trial proposes what an undisturbed one does."""
    start(4, 8, **ASK).run()
    start(4, 8, **ASK, folder="elsewhere").run()
    new = start(4, 8, 16, **ASK, trials=15).run()
    halting = start(4, 8, 16, **ASK, trials=15, folder="elsewhere")
    while not is_searched(halting.stored):
        before = len(halting.rows)
        halting.run(expired=lambda: len(halting.rows) > before)  # noqa: B023
    wanted = {n: measured(row, "attempts") for n, row in new.rows.items()}
    assert {n: measured(row, "attempts") for n, row in halting.rows.items()} == wanted


def test_what_is_stored_later_elsewhere_changes_nothing(start: Callable[..., Started]) -> None:
    new = start(4, 8, **ASK)
    begun = ProposalLog(new.stored.files)
    assert new.adoption.runs == ()
    new.run(expired=lambda: len(new.rows) > 1)
    assert begun.read()
    start(4, 8, 16, **ASK).run()
    again = start(4, 8, **ASK)
    assert again.adoption.runs == ()
    assert AdoptionLog(again.stored.files).read().runs == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"budget": {"examples": 901}},
        {"evaluation": {"validation_rows": 99}},
        {"stopping": None},
        {"confirm": {"runs": 2, "seeds": 2}},  # these are not scored on test rows
        {"content": dataclasses.replace(CONTENT, rows="4321")},
        {"content": dataclasses.replace(CONTENT, base=Base.of("c" * 64, "b" * 64))},
        {"content": dataclasses.replace(CONTENT, rows=None)},
        {"fresh": True},
    ],
)
def test_other_runs_are_not(start: Callable[..., Started], changes: dict[str, Any]) -> None:
    start(4, 8).run()
    assert start(4, 8, 16, **changes).adoption.runs == ()


@pytest.mark.parametrize("here", [True, False])
def test_runs_whose_meteor_has_other_synonyms_are_not(
    start: Callable[..., Started], monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    monkeypatch.setattr(toy, "SYNONYMS", True)
    old = start(4, 8, stopping={"first_rung": 0.5, "reduction_factor": 2}).run()
    monkeypatch.setattr("orchestrator.outcomes.adoption._has_synonyms", lambda: here)
    there = [row["outcome"] for row in old.rows.values()]
    new = start(4, 8, 16, stopping={"first_rung": 0.5, "reduction_factor": 2})
    assert "completed" in there
    assert len(new.adoption.runs) == (len(there) if here else there.count("stopped"))


def test_runs_outside_of_the_space_are_not(start: Callable[..., Started]) -> None:
    old = start(4, 8, **ASK).run()
    new = start(8, 16, **ASK)
    found = {old.rows[n]["rank"] for n in range(6)}
    assert found == {4, 8}
    assert {row["rank"] for row in new.rows.values()} == {8}
    assert len(new.rows) == 3


def test_points_a_grid_and_the_baseline_keep_their_numbers(start: Callable[..., Started]) -> None:
    grid: dict[str, Any] = {
        "search": {"method": "grid"},
        "trials": None,
        "stopping": None,
        "baseline": True,
        "points": [{"technique": "lora", "rank": 2, "learning_rate": 0.5, "data_size": 100}],
    }

    def space(*ranks: int) -> dict[str, Any]:
        rates = {"choice": [0.2, 0.4]}
        branch = {"rank": {"choice": list(ranks)}, "learning_rate": rates}
        return {"technique": {"lora": branch}, "data_size": 100}

    start(**grid, space=space(4, 8)).run()
    new = start(**grid, space=space(1, 4, 8)).run()
    assert sorted(new.rows) == list(range(8))
    assert {new.rows[number]["rank"] for number in new.started} == {1}
    assert [new.rows[n]["phase"] for n in (0, 1, 2)] == ["baseline", "point", "tune"]
    fresh = start(**grid, space=space(1, 4, 8), fresh=True, folder="elsewhere").run()
    assert len(fresh.started) == 8
    for number, row in new.rows.items():
        assert measured(row, "checkpoint") == measured(fresh.rows[number], "checkpoint")


def test_replicates_that_are_missing_are_trained(start: Callable[..., Started]) -> None:
    start(4, 8).run()
    new = start(4, 8, 16, replicates=2).run()
    assert len(new.rows) == 12
    assert new.started == set(range(1, 12, 2))
    for number in range(0, 12, 2):
        pair = new.rows[number], new.rows[number + 1]
        assert len({row["configuration_id"] for row in pair}) == 1
        assert [row["seed"] for row in pair] == [0, 1]


def test_failures_are_taken_over_too(start: Callable[..., Started]) -> None:
    rates = {"choice": [0.2, 8.0, 9.0]}
    space = {"technique": {"lora": {"rank": 4, "learning_rate": rates}}, "data_size": 100}
    wider = {
        "technique": {"lora": {"rank": {"choice": [4, 8]}, "learning_rate": rates}},
        "data_size": 100,
    }
    changes: dict[str, Any] = {"trials": 3, "search": {"method": "random"}}
    old = start(space=space, **changes).run()
    outcomes = {"failed", "diverged"}
    assert outcomes < {row["outcome"] for row in old.rows.values()}
    new = start(space=wider, **changes | {"trials": 5}).run()
    assert len(new.started) == 2
    assert [new.rows[n]["outcome"] for n in range(3)] == [old.rows[n]["outcome"] for n in range(3)]
    assert [new.rows[n]["error"] for n in range(3)] == [old.rows[n]["error"] for n in range(3)]


def test_a_start_that_ends_anywhere_is_taken_up(
    start: Callable[..., Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(4, 8, **ASK).run()
    start(4, 8, **ASK, folder="elsewhere").run()
    whole = start(4, 8, 16, **ASK, trials=9)
    put = Store.put_if_absent

    def dies_after(count: int) -> Callable[[Store, str, bytes], bool]:
        left = [count]

        def publish(store: Store, key: str, data: bytes) -> bool:
            if not left[0]:
                raise NotPublishedError("killed")
            published = put(store, key, data)
            left[0] -= published
            return published

        return publish

    attempts = 0
    for _ in range(50):
        attempts += 1
        monkeypatch.setattr(Store, "put_if_absent", dies_after(5))
        try:
            halting = start(4, 8, 16, **ASK, trials=9, folder="elsewhere")
            break
        except NotPublishedError:
            continue
        finally:
            monkeypatch.setattr(Store, "put_if_absent", put)
    assert attempts > 5
    for table in TABLES:
        one, other = (
            {r["trial_id"] + str(r.get("rung")): measured(r) for r in of(s.stored, table)}
            for s in (whole, halting)
        )
        assert one.keys() == other.keys()
        assert one == other
    verdicts = [
        sorted(
            (p.name, p.read_bytes())
            for p in (s.stored.root / s.stored.files.verdicts_key).rglob("*.json")
        )
        for s in (whole, halting)
    ]
    assert verdicts[0] == verdicts[1]
    assert halting.run().started == turns(halting, 16)


def test_a_source_that_has_gone_is_trained(start: Callable[..., Started]) -> None:
    old = start(4, 8, **ASK).run()
    new = start(4, 8, 16, **ASK, trials=9)
    number = min(new.rows)
    gone = new.rows[number]
    (new.stored.root / keys.trial_key(new.stored.id, gone["trial_id"])).unlink()
    shutil.rmtree(new.stored.root / keys.report_folder(new.stored.id, gone["trial_id"]))
    for row in old.rows.values():
        if row["content_id"] == gone["content_id"]:
            (old.stored.root / keys.trial_key(old.stored.id, row["trial_id"])).unlink()
    again = start(4, 8, 16, **ASK, trials=9)
    assert number not in again.rows
    assert number in again.run().started
    assert is_searched(again.stored)


def test_a_kept_model_is_there_under_both_names(start: Callable[..., Started]) -> None:
    old = start(4, 8, **ASK).run()
    new = start(4, 8, 16, **ASK, trials=9)
    best = max(new.rows.values(), key=lambda row: row["objective"] or 0.0)
    folder = new.stored.root / best["checkpoint"]
    assert best["trial_id"] in best["checkpoint"]
    (file,) = folder.iterdir()
    assert file.stat().st_nlink == 2
    there = next(r for r in old.rows.values() if r["content_id"] == best["content_id"])
    assert (old.stored.root / there["checkpoint"] / file.name).samefile(file)


def test_a_sweep_that_cannot_be_read_is_left_aside(start: Callable[..., Started]) -> None:
    old = start(4, 8, **ASK).run()
    other = start(4, 8, **ASK, seed=3).run()
    broken = next((other.stored.root / "trials" / f"sweep={other.stored.id}").iterdir())
    broken.write_bytes(b"no table")
    new = start(4, 8, 16, **ASK, trials=9)
    assert {run.source.sweep_id for run in new.adoption.runs} == {old.stored.id}
    assert adoptable(new.stored, CONTENT) == new.adoption
