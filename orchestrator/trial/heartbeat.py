"""A trial's signs of life: they keep its watchdog quiet and show how far it is between rungs."""

from __future__ import annotations

import contextlib
from pathlib import Path

from orchestrator.state.attempts import AttemptLog
from orchestrator.throttle import Throttle
from orchestrator.trial.watchdog import Watchdog

_SECONDS_BETWEEN_NOTES = 2.0


class Heartbeat:
    """What the learner calls with the training examples so far."""

    def __init__(self, watchdog: Watchdog, note: Path) -> None:
        """Prepares to take signs of life.

        Args:
            watchdog: Ends the process without them.
            note: Where the driver reads how far the trial is.
        """
        self._watchdog = watchdog
        self._note = note
        self._note_due = Throttle(_SECONDS_BETWEEN_NOTES)

    def beat(self, examples_seen: int) -> None:
        """Takes note of a sign of life."""
        self._watchdog.beat()
        if self._note_due.due():
            with contextlib.suppress(OSError):  # on a full disk the next report says so
                self._note.write_text(str(examples_seen))


def examples_seen(log: AttemptLog, trial_number: int) -> int:
    """Returns how many examples a running trial has seen, as of a few seconds ago; 0 if unknown."""
    try:
        return int(log.progress_note(trial_number).read_text())
    except (OSError, ValueError):  # none yet, or it is being written
        return 0
