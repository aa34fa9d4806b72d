"""The sweep command without Ray."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.search_space import Sweep
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store.place import Root
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials

Run = Callable[[Sweep, Root], None]


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with the stand-in for Ray Tune."""

    def trials(stored: StoredSweep, *others: Any, **named: Any) -> None:
        in_another_process = pickle.loads(pickle.dumps(stored))
        instead_of_ray(in_another_process, monkeypatch)
        run_trials(stored, Seen())

    monkeypatch.setattr("orchestrator.sweep.run._run_trials", trials)
    return lambda sweep, root: run(sweep, root, PlainConsole(width=1000), StartOptions())
