"""How a worker group learns that it may go on.

A group's report reaches Ray Tune without waiting for the answer, and a group that is stopped by
early stopping would train on until its processes are killed. So the driver posts each decision to
go on, and every rank waits for it after each report.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Any

import ray
from ray.exceptions import GetTimeoutError

_ASK_AGAIN_SECONDS = 30.0


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
    """The driver's side, for as long as trials run.

    Attributes:
        name: By which the workers find it; another one for each board, since Ray (2.60) refuses a
            name while an earlier board of that name is not yet gone.
    """

    def __init__(self) -> None:
        """Starts the actor; Ray must be running."""
        self.name = f"go-aheads-{uuid.uuid4().hex}"
        actor: Any = ray.remote(_Board)
        options = actor.options(name=self.name, num_cpus=0, max_concurrency=1000)
        self._board = options.remote()

    def post(self, trial_id: str, rung: int) -> None:
        """Lets the group of the trial go on past the report at that rung."""
        self._board.post.remote(trial_id, rung)

    def close(self) -> None:
        """Ends the actor; a group that still waits is ended by its own driver."""
        ray.kill(self._board)


def wait_for_go_ahead(board: str, trial_id: str, rung: int) -> None:
    """Waits, in a worker, until the driver lets the group go on; if not, the process is killed.

    Args:
        board: Name of the driver's board.
        trial_id: The group's trial.
        rung: Of its latest report, in examples.
    """
    actor: Any = ray.get_actor(board)
    while True:
        # Ray (2.60) was seen to lose the answer to one such call of many; asked again, the board
        # answers at once if the decision is there.
        with contextlib.suppress(GetTimeoutError):
            ray.get(actor.wait.remote(trial_id, rung), timeout=_ASK_AGAIN_SECONDS)
            return
