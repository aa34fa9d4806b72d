"""The driver's side of packs: one engine a device, and which of them a trial joins."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import ray

from orchestrator.ray_tune.engine_process import EngineProcess
from orchestrator.ray_tune.placement import Slots

_WAITING_CALLS = 2
"""Of one trial at a time: what it asks for, and its sign of life."""
_MORE_CALLS = 8


class Engines:
    """The engines of a sweep on this machine, for as long as trials run."""

    def __init__(
        self, name: str, engine: str, slots: Slots, accounts: Path, silent_seconds: float
    ) -> None:
        """Starts their processes, which load their libraries meanwhile; Ray must be running.

        Args:
            name: Of the sweep; the dashboard shows it beside each.
            engine: "module:class" of a `trainables.contract.packs.Serving`.
            slots: The places of trials; as many engines as there are slots.
            accounts: As of `EngineProcess`.
            silent_seconds: The same.
        """
        actor: Any = ray.remote(EngineProcess)
        self._seats: Counter[str] = Counter()
        self._of: dict[str, str] = {}
        self._actors = {}
        for number in range(slots.trials):
            # Another one for each start: Ray (2.60) refuses a name while an actor is not yet gone.
            own = f"{name}-engine-{number}-{uuid.uuid4().hex}"
            options = actor.options(
                name=own,
                num_cpus=slots.resources["CPU"],
                num_gpus=slots.resources.get("GPU", 0.0),
                max_restarts=-1,
                max_concurrency=_WAITING_CALLS * slots.pack + _MORE_CALLS,
            )
            self._actors[own] = options.remote(
                engine, slots.kind, slots.pack, accounts, silent_seconds
            )
            self._seats[own] = 0

    def seat(self, tune_id: str) -> str:
        """Returns the engine that a trial joins, the one with the fewest trials.

        Args:
            tune_id: Tune's id of the trial.
        """
        engine = min(self._seats, key=self._seats.__getitem__)
        self._seats[engine] += 1
        self._of[tune_id] = engine
        return engine

    def leave(self, tune_id: str) -> None:
        """Notes that a trial has ended."""
        engine = self._of.pop(tune_id, None)
        if engine is not None:
            self._seats[engine] -= 1

    def close(self) -> None:
        """Ends the processes."""
        for actor in self._actors.values():
            ray.kill(actor)
