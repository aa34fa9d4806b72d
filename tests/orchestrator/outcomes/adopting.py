"""Sweeps of the toy that take runs over from each other, started as the command does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulation import Unsynced
from orchestrator.confirmation.begin import confirmation
from orchestrator.outcomes.adoption import begin_adoption, carry_out, carry_out_confirming
from orchestrator.outcomes.conclusions import Conclusions, is_finished
from orchestrator.outcomes.standing import standing
from orchestrator.search.adoption import Adoption
from orchestrator.search.content import Base, Content, present_versions
from orchestrator.state.content_log import ContentLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
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
        count = carry_out_confirming(self.stored, chosen.runs)
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


def measured(row: dict[str, Any], *also: str) -> dict[str, Any]:
    without = {*NO_PLACE, *NO_TIME, "checkpoint", "replicate", "environment_json", *also}
    return {name: value for name, value in row.items() if name not in without}


ASK = {"ask": ["rank"]}


def turns(started: Started, rank: int) -> set[int]:
    """Returns the numbers, of the first nine, that are dealt to a rank."""
    ranks = [dict(stratum.values)["rank"] for stratum in started.stored.sweep.strata]
    return {number for number in range(9) if ranks[number % len(ranks)] == rank}


def of(stored: StoredSweep, table: str) -> list[dict[str, Any]]:
    return [row for row in rows(stored.root, table) if row["sweep_id"] == stored.id]
