"""A sweep of the toy that asks about rank, tuned and confirmed without Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulation import Unsynced
from orchestrator.confirmation.begin import confirmation
from orchestrator.outcomes.conclusions import Conclusions, is_searched
from orchestrator.outcomes.standing import standing
from orchestrator.search_space import Sweep
from orchestrator.state.confirmation_log import Confirmation
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from tests.orchestrator import sweeps
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials

ASKED: dict[str, Any] = {
    "ask": ["rank"],
    "space": {
        "technique": {
            "lora": {"rank": {"choice": [4, 8, 64]}, "learning_rate": {"uniform": [0.1, 0.9]}}
        },
        "data_size": 100,
    },
    "trials": 6,
    "stopping": None,
    "confirm": {"runs": 6, "seeds": 2},
}


def asked_sweep(folder: Path, **changes: Any) -> Sweep:
    return sweeps.toy(folder, **ASKED | changes)


def stored_in(sweep: Sweep, folder: Path, monkeypatch: pytest.MonkeyPatch) -> StoredSweep:
    stored = latest(sweep, Store(folder / "store", Unsynced()))
    instead_of_ray(stored, monkeypatch)
    return stored


def tune(stored: StoredSweep) -> None:
    run_trials(stored, Seen())
    assert is_searched(stored)


def confirm(stored: StoredSweep) -> Confirmation:
    chosen = confirmation(stored, standing(stored, Conclusions(stored, "{}")))
    run_trials(stored, Seen(), confirming=chosen.runs)
    return chosen
