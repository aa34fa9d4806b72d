"""How far running trials are, by notes that are not read again at every event."""

from __future__ import annotations

import time
from collections.abc import Callable

from orchestrator.throttle import Throttle

SECONDS_BETWEEN = 5.0
"""Trials write theirs every two."""


class Notes:
    """Gives the training examples that a running trial has seen, as of a few seconds ago.

    The time that is left is asked for at every event, and of each running trial: with a thousand of
    them on a shared disk reading their notes would be most of what the driver does.
    """

    def __init__(
        self, read: Callable[[int], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begins without a note.

        Args:
            read: Reads the note of a trial, by its number.
            clock: Seconds, monotonic.
        """
        self._read = read
        self._due = Throttle(SECONDS_BETWEEN, clock)
        self._known: dict[int, int] = {}

    def __call__(self, trial_number: int) -> int:
        """Returns the examples that a trial has seen; 0 if that is not known."""
        if self._due.due():
            self._known.clear()  # with those of trials that have ended
        if trial_number not in self._known:
            self._known[trial_number] = self._read(trial_number)
        return self._known[trial_number]
