"""Ends a trial's process that gives no sign of life.

A trial can hang where no Python code runs any more: in a kernel, in a collective operation whose
partner is gone, in a library that holds the interpreter's lock. Python's faulthandler waits in a
thread of its own that needs no lock; it writes where every thread stands and ends the process.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from orchestrator.throttle import Throttle


class Watchdog:
    """Ends the process unless `beat` is called often enough; a context manager.

    There is one such timer in a process.
    """

    def __init__(self, account: Path, seconds: float) -> None:
        """Prepares the timer; it runs within the context.

        Args:
            account: Is written when the time is up: where every thread stood. Absent or empty
                otherwise.
            seconds: The longest time between two signs of life.
        """
        self._account = account
        self._seconds = seconds
        # Starting the timer costs some 50 microseconds, too much for each of the shortest steps.
        self._arming = Throttle(min(1.0, seconds / 10))
        self._file: TextIO | None = None

    def __enter__(self) -> Watchdog:
        """Starts the timer."""
        self._account.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._account.open("w")
        self._arm()
        return self

    def __exit__(self, *error: object) -> None:
        """Stops the timer."""
        faulthandler.cancel_dump_traceback_later()
        if self._file is not None:
            self._file.close()
        self._account.unlink(missing_ok=True)

    def beat(self) -> None:
        """Takes note of a sign of life."""
        if self._arming.due():
            self._arm()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stops the timer while the process waits for others."""
        faulthandler.cancel_dump_traceback_later()
        try:
            yield
        finally:
            self._arm()

    def _arm(self) -> None:
        assert self._file is not None  # within the context
        faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._file)
        self._arming.restart()
