"""Ray Tune's questions for the next trial, passed on to the queue of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from ray.tune.search import Searcher

from orchestrator.ray_tune.room import Room
from orchestrator.ray_tune.trainable import ENGINE, SLOTS
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_queue import Queue
from orchestrator.search.run_result import RunResult
from orchestrator.search_space import Sweep


class SweepSearcher(Searcher):
    """Hands runs to Ray Tune and takes their ends."""

    def __init__(
        self,
        sweep: Sweep,
        queue: Queue,
        conclude: Callable[[str, Proposal], RunResult | None],
        expired: Callable[[], bool] = lambda: False,
        *,
        room: Room,
    ) -> None:
        """Makes the searcher.

        Args:
            sweep: The resolved search space file.
            queue: The runs that are left.
            conclude: Called with Tune's trial id and the proposal when a trial has ended; returns
                None when the end is not final (an interruption).
            expired: Whether the sweep's time is up, so that nothing more is to start.
            room: Where runs may run.
        """
        super().__init__(metric=sweep.objective.metric, mode=sweep.objective.mode)
        self._queue = queue
        self._conclude = conclude
        self._expired = expired
        self._room = room
        self._running: dict[str, Proposal] = {}
        self._kinds: dict[str, str] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | Literal["FINISHED"] | None:
        """Returns the next run as a Tune configuration, see `trainable.tune_function`.

        None where there is none before others have reported, or no room.
        """
        if self._expired():
            return Searcher.FINISHED  # type: ignore[no-any-return]
        self._room.look()
        # A trial that waits for one of those that run may go on when that has reported; and one
        # whose node turns out to be unfit is handed out again.
        waits = bool(self._running) and (self._queue.pauses or self._room.changes)
        # Also where nothing is left: the nodes that the last ones leave idle may go.
        slots = self._room.next(Counter(self._kinds.values()), len(self._queue))
        if not len(self._queue):
            return None if waits else Searcher.FINISHED
        if slots is None:
            return None
        proposal = self._queue.next()
        if proposal is None:
            return None if waits else Searcher.FINISHED
        self._running[trial_id] = proposal
        self._kinds[trial_id] = slots.kind
        engine = None if self._room.engines is None else self._room.engines.seat(trial_id)
        return {"proposal": proposal, SLOTS: slots, ENGINE: engine}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Concludes the run and lets the study learn from it."""
        proposal = self._running.pop(trial_id, None)
        self._kinds.pop(trial_id, None)
        if self._room.engines is not None:
            self._room.engines.leave(trial_id)
        if proposal is None:
            return
        ended = self._conclude(trial_id, proposal)
        if ended is not None:
            self._queue.ended(proposal, ended)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Does nothing: the study learns from whole curves, when a run has ended."""

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Ray Tune (2.60) pickles it into a snapshot that is never read here."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: the store and the proposals are what a sweep continues from."""

    def restore(self, checkpoint_path: str) -> None:
        """Refuses: a snapshot of Tune's is never read.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("a sweep is continued from its store, not from Ray Tune's snapshots")
