"""How a worker group's reports reach Ray Tune, and the decision to go on reaches the group.

Ray Train's own report needs an answer to each worker, and in Ray 2.60 such an answer was seen to
get lost: the group waits for ever. It also does not wait for Ray Tune's answer, so that a group
that early stopping ends would train on until its processes are killed. Here the first worker posts
its report at a board, the trial's own process hands it to Ray Tune, the driver posts the decision,
and every worker waits for that. Whoever gets no answer asks again; to ask twice changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import uuid
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Any

import ray
from ray.exceptions import GetTimeoutError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_HELD_SECONDS = 20.0
"""After which the board answers that there is nothing yet; a group's rung may last for hours."""
_ASK_AGAIN_SECONDS = 30.0
_LOOK_SECONDS = 0.5


class _Board:
    """An actor that keeps what is posted, and lets others wait for it."""

    def __init__(self) -> None:
        self._posted: dict[Hashable, Any] = {}
        self._changed = asyncio.Condition()

    async def post(self, key: Hashable, value: Any) -> None:
        async with self._changed:
            self._posted[key] = value
            self._changed.notify_all()

    async def wait(self, key: Hashable) -> list[Any]:
        """Returns the value in a list, or an empty one if nothing was posted for some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HELD_SECONDS), self._changed:
                await self._changed.wait_for(lambda: key in self._posted)
        return [self._posted[key]] if key in self._posted else []


class GroupBoard:
    """The driver's side, for as long as trials run.

    Attributes:
        name: By which the others find it; another one for each board, since Ray (2.60) refuses a
            name while an earlier board of that name is not yet gone.
    """

    def __init__(self) -> None:
        """Starts the actor; Ray must be running."""
        self.name = f"groups-{uuid.uuid4().hex}"
        actor: Any = ray.remote(_Board)
        # On the driver's own node: another one may not have been looked at, or may be taken away.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = actor.options(
            name=self.name, num_cpus=0, max_concurrency=1000, scheduling_strategy=here
        )
        self._board = options.remote()
        _keep_coordinator_here()

    def go_on(self, trial_id: str, rung: int) -> None:
        """Lets the group of the trial go on past the report at that rung."""
        self._board.post.remote((trial_id, rung), None)

    def close(self) -> None:
        """Ends the actor; a group that still waits is ended by its own driver."""
        ray.kill(self._board)


def _keep_coordinator_here() -> None:
    """Makes the actor of Ray Train (2.60) that outlives all groups, on the driver's own node.

    Else the first group makes it on one of its nodes, which then counts as busy for ever: no
    autoscaler gives it back.
    """
    with contextlib.suppress(ImportError):  # another version may have none
        from ray.train.v2._internal.execution.scaling_policy import autoscaling_coordinator_client

        autoscaling_coordinator_client.get_or_create_autoscaling_coordinator()


class GroupReports:
    """The reports of a group in one attempt at a trial: made in its workers, handed on outside.

    Args:
        board: Name of the driver's board.
    """

    def __init__(self, board: str) -> None:
        self._board = board
        self._attempt = uuid.uuid4().hex
        self._posted = 0

    def post(self, result: dict[str, Any]) -> None:
        """Makes the next report, in the first worker."""
        _asked(self._board, "post", (self._attempt, self._posted), result)
        self._posted += 1

    def wait_for_go_ahead(self, trial_id: str, rung: int) -> None:
        """Waits, in a worker, until the driver lets the group go on; if not, the process is killed.

        Args:
            trial_id: The group's trial.
            rung: Of its latest report, in examples.
        """
        while not _asked(self._board, "wait", (trial_id, rung)):
            pass

    @contextlib.contextmanager
    def handed_to_tune(self) -> Iterator[None]:
        """Hands each report to Ray Tune while the block runs, in the trial's own process."""
        has_ended = threading.Event()
        thread = threading.Thread(target=self._hand_on, args=(has_ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            has_ended.set()
            thread.join()

    def _hand_on(self, has_ended: threading.Event) -> None:
        import ray.tune

        for number in count():
            found: list[dict[str, Any]] = []
            while not found:
                if has_ended.is_set():
                    return
                found = _asked(self._board, "wait", (self._attempt, number), ended=has_ended)
            ray.tune.report(found[0])


def _asked(
    board: str, method: str, *arguments: Any, ended: threading.Event | None = None
) -> list[Any]:
    """Returns the board's answer, asked for again where none comes; empty once `ended` is set."""
    actor: Any = ray.get_actor(board)
    while True:
        answer = getattr(actor, method).remote(*arguments)
        for _ in range(int(_ASK_AGAIN_SECONDS / _LOOK_SECONDS)):
            with contextlib.suppress(GetTimeoutError):
                return ray.get(answer, timeout=_LOOK_SECONDS) or []
            if ended is not None and ended.is_set():
                return []
