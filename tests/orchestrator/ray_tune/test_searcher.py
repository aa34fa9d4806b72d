"""What Ray Tune is handed to run next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
