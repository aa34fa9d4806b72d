"""How long a parent waits for its child, with signs of life meanwhile. Standard library only."""

from __future__ import annotations

import time
from collections.abc import Callable

Heartbeat = Callable[[], None]

_SECONDS_BETWEEN_BEATS = 0.5


class TooLong(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child has not answered by its deadline. No error that a heartbeat could raise."""


class Patience:
    """Says before each pause how long that may last, and calls a heartbeat twice a second."""

    def __init__(self) -> None:
        """Counts the time to the first heartbeat from now."""
        self._last_beat = time.monotonic()

    def seconds(self, deadline: float, heartbeat: Heartbeat | None) -> float:
        """Returns how many seconds to wait at most, after a heartbeat if it is time for one.

        Args:
            deadline: By the monotonic clock.
            heartbeat: What it raises is not caught here.

        Raises:
            TooLong: The deadline has passed.
        """
        now = time.monotonic()
        if now > deadline:
            raise TooLong
        if heartbeat is not None and now - self._last_beat >= _SECONDS_BETWEEN_BEATS:
            self._last_beat = now
            heartbeat()
        return min(_SECONDS_BETWEEN_BEATS, deadline - now)
