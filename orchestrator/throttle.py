"""Limits how often something is done."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Throttle:
    """`due` returns True at most once in so many seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """The first `due` is True.

        Args:
            seconds: The shortest time between two times.
            clock: Seconds, monotonic.
        """
        self._seconds = seconds
        self._clock = clock
        self._last = -math.inf

    def due(self) -> bool:
        """Returns whether it is time; if so, the seconds count from now."""
        if self._clock() - self._last < self._seconds:
            return False
        self.restart()
        return True

    def restart(self) -> None:
        """Counts the seconds from now: it was done for another reason, or need not be done yet."""
        self._last = self._clock()
