"""Runs that another sweep of the store has trained are taken over, not trained again."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulation import Unsynced
from orchestrator.confirmation.begin import confirmation
from orchestrator.outcomes.adoption import adoptable, begin_adoption, carry_out
from orchestrator.outcomes.adoption import carry_out_confirming as adopt_confirming
from orchestrator.outcomes.conclusions import Conclusions, is_finished, is_searched
from orchestrator.outcomes.standing import standing
from orchestrator.search.adoption import Adoption, describe
from orchestrator.search.content import Base, Content, present_versions
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.content_log import ContentLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.store.errors import NotPublishedError
from orchestrator.store.schema import TABLES
from tests.orchestrator import sweeps
from tests.orchestrator.running import rows
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials

CONTENT = Content(present_versions("embedded"), "1234", Base.of("a" * 64, "b" * 64))
RATES = {"uniform": [0.1, 0.9]}
NO_PLACE = ("trial_id", "trial_number", "sweep_id", "sweep_name", "question", "adopted_from")
NO_TIME = ("started_at", "ended_at", "reported_at")


class Started:
    """A sweep of the toy, started as the command does it."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *ranks: int, **changes: Any
    ) -> None:
        space = {
            "technique": {"lora": {"rank": {"choice": list(ranks)}, "learning_rate": RATES}},
            "data_size": 100,
        }
        fresh, content = changes.pop("fresh", False), changes.pop("content", CONTENT)
        sweep = sweeps.toy(folder, **({"space": space, "trials": 6, "baseline": None} | changes))
        self.stored = latest(sweep, Store(folder / "store", Unsynced()))
        instead_of_ray(self.stored, monkeypatch)
        ContentLog(self.stored.files).begin(content)
        self.adoption: Adoption = begin_adoption(self.stored, content, fresh=fresh)
        carry_out(self.stored, self.adoption)
        self.seen = Seen()

    def run(self, **options: Any) -> Started:
        run_trials(self.stored, self.seen, **options)
        return self

    def confirm(self) -> int:
        conclusions = Conclusions(self.stored, "{}")
        chosen = confirmation(self.stored, standing(self.stored, conclusions))
        count = adopt_confirming(self.stored, chosen.runs)
        self.run(confirming=chosen.runs)
        assert is_finished(self.stored)
        return count

    @property
    def rows(self) -> dict[int, dict[str, Any]]:
        found = self.stored.store.trials(self.stored.id)
        return {row["trial_number"]: row for row in found}

    @property
    def started(self) -> set[int]:
        return {number for what, number in self.seen.events if what == "started"}


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Started]:
    def begin(*ranks: int, folder: str = "", **changes: Any) -> Started:
        return Started(tmp_path / folder, monkeypatch, *ranks, **changes)

    (tmp_path / "elsewhere").mkdir()
    return begin


def measured(row: dict[str, Any], *also: str) -> dict[str, Any]:
    without = {*NO_PLACE, *NO_TIME, "checkpoint", "replicate", "environment_json", *also}
    return {name: value for name, value in row.items() if name not in without}


ASK = {"ask": ["rank"]}


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


def turns(started: Started, rank: int) -> set[int]:
    """Returns the numbers, of the first nine, that are dealt to a rank."""
    ranks = [dict(stratum.values)["rank"] for stratum in started.stored.sweep.strata]
    return {number for number in range(9) if ranks[number % len(ranks)] == rank}


def of(stored: StoredSweep, table: str) -> list[dict[str, Any]]:
    return [row for row in rows(stored.root, table) if row["sweep_id"] == stored.id]


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
    wanted = {n: measured(row) for n, row in new.rows.items()}
    assert {n: measured(row) for n, row in halting.rows.items()} == wanted


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


def test_a_verdict_by_another_rule_is_made_anew_and_the_reports_agree(
    start: Callable[..., Started],
) -> None:
    """Within its rank a trial may be among the best that was not among all of them."""
    old = start(4, 8, 16, trials=12).run()
    stopped = {row["content_id"] for row in old.rows.values() if row["outcome"] == "stopped"}
    assert stopped
    new = start(4, 8, 16, trials=12, **ASK)
    going_on = [run for run in new.adoption.runs if run.goes_on]
    assert going_on
    assert len(new.rows) == 12 - len(going_on)
    assert "stopped there and trained on here" in describe(new.stored.sweep, new.adoption.runs)
    before = of(new.stored, "reports")
    new.run()
    assert new.started >= {run.proposal.trial_number for run in going_on}
    after = {(r["trial_id"], r["rung"]): r for r in of(new.stored, "reports")}
    for row in before:  # the first reports are those of the other sweep, and are not made again
        assert after[row["trial_id"], row["rung"]] == row
    for run in going_on:
        row = new.rows[run.proposal.trial_number]
        there = next(r for r in old.rows.values() if r["content_id"] == row["content_id"])
        assert row["last_rung"] > there["last_rung"]
        assert row["adopted_from"] is None
    fresh = start(4, 8, 16, trials=12, **ASK, fresh=True, folder="elsewhere").run()
    same = {row["content_id"]: row for row in fresh.rows.values()}
    common = [row for row in new.rows.values() if row["content_id"] in same]
    assert common
    for row in common:
        other = same[row["content_id"]]
        if row["last_rung"] == other["last_rung"]:
            assert row["eval_loss"] == other["eval_loss"]


def test_a_verdict_by_the_same_rule_stands(start: Callable[..., Started]) -> None:
    old = start(4, 8, 16, trials=12).run()
    new = start(4, 8, 16, 32, trials=12)
    assert not any(run.goes_on for run in new.adoption.runs)
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
    new.stored.store.trial_file(new.stored.id, gone["trial_id"]).unlink()
    shutil.rmtree(new.stored.store.report_folder(new.stored.id, gone["trial_id"]))
    for row in old.rows.values():
        if row["content_id"] == gone["content_id"]:
            old.stored.store.trial_file(old.stored.id, row["trial_id"]).unlink()
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
