"""What Ray Tune is handed to run next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.room import FixedRoom
from orchestrator.ray_tune.searcher import SweepSearcher
from orchestrator.search.run_queue import RunQueue
from tests.orchestrator import sweeps
from tests.orchestrator.stand_in import ROOM


def test_nothing_starts_when_the_time_is_up(tmp_path: Path) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("nothing was to start")

    sweep = sweeps.toy(tmp_path)
    queue = RunQueue(sweep, {}, {}, never)
    searcher = SweepSearcher(sweep, queue, never, expired=lambda: True, room=ROOM)
    assert searcher.suggest("tune-0") == "FINISHED"
    assert len(queue) == 9


class _Room(FixedRoom):
    """Keeps how many trials it was told of: those that run and those that are left."""

    def __init__(self) -> None:
        super().__init__(Slots("cpu", 8, 1, {"CPU": 1.0}))
        self.changes = True
        self.engines = None
        self.told: list[int] = []

    def next(self, running: Mapping[str, int], left: int) -> Slots | None:
        self.told.append(sum(running.values()) + left)
        return super().next(running, left)


def test_the_room_hears_of_the_last_trials_so_that_idle_nodes_may_go(tmp_path: Path) -> None:
    """What an autoscaler was asked for it keeps, also when only the last trial still runs."""
    sweep = sweeps.toy(tmp_path, baseline=None, trials=3)
    queue = RunQueue(sweep, {}, {}, lambda proposal: proposal)
    room = _Room()
    searcher = SweepSearcher(sweep, queue, lambda *_: None, room=room)
    for name in ("a", "b", "c"):
        assert isinstance(searcher.suggest(name), dict)
    assert room.told[-1] == 3
    for name, left in (("a", 2), ("b", 1)):
        searcher.on_trial_complete(name)
        assert searcher.suggest("another") is None
        assert room.told[-1] == left
    searcher.on_trial_complete("c")
    assert searcher.suggest("another") == "FINISHED"
