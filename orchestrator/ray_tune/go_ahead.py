"""How a worker group learns that it may go on.

A group's report reaches Ray Tune without waiting for the answer, and a group that is stopped by
early stopping would train on until its processes are killed. So the driver posts each decision to
go on, and every rank waits for it after each report.
"""

from __future__ import annotations

import asyncio
from typing import Any

import ray


class _Board:
    """An actor that remembers which reports were answered with "go on"."""

    def __init__(self) -> None:
        self._posted: dict[tuple[str, int], asyncio.Event] = {}

    def _event(self, trial_id: str, rung: int) -> asyncio.Event:
        return self._posted.setdefault((trial_id, rung), asyncio.Event())

    async def post(self, trial_id: str, rung: int) -> None:
        self._event(trial_id, rung).set()

    async def wait(self, trial_id: str, rung: int) -> None:
        await self._event(trial_id, rung).wait()


class GoAheadBoard:
    """The driver's side: lives as long as the sweep runs."""

    def __init__(self, sweep_id: str) -> None:
        """Starts the actor; Ray must be running."""
        actor: Any = ray.remote(_Board)
        self._board = actor.options(name=_name(sweep_id), num_cpus=0, max_concurrency=1000).remote()

    def post(self, trial_id: str, rung: int) -> None:
        """Lets the group of the trial go on past the report at that rung."""
        self._board.post.remote(trial_id, rung)


def wait_for_go_ahead(sweep_id: str, trial_id: str, rung: int) -> None:
    """Waits, in a worker, until the driver lets the group go on; if not, the process is killed."""
    ray.get(ray.get_actor(_name(sweep_id)).wait.remote(trial_id, rung))


def _name(sweep_id: str) -> str:
    return f"go-aheads of {sweep_id}"
