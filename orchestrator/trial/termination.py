"""SIGTERM to a trial's own process: the trial saves where it is and ends there.

Ray's handler ends the process at once, and with it the work since the last rung. Here that waits
until the trial has saved, for `GRACE_SECONDS` at most; a process without a trial ends at once.

Handlers belong to the main thread, and a trial may run in another one: whoever makes the process
sets them (`install`), before the first trial.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.state.stop_request import GRACE_SECONDS


class Termination:
    """Whether this process has been asked to end; there is one in a process."""

    def __init__(self) -> None:
        """Begins without handlers: `received` stays false until `install`."""
        self.received = False
        self._in_trial = False
        self._last_words: Callable[[], object] | None = None
        self._end: Any = signal.SIG_DFL

    def install(self) -> None:
        """Takes SIGTERM from whoever handles it; in the main thread."""
        self._end = signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGALRM, self._end)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Lets a trial come to its end first, in any thread but the main one.

        If SIGTERM has come in the meantime, the process ends here, before Ray Tune could give it
        the next trial.
        """
        self._in_trial = True
        try:
            yield
        finally:
            self._in_trial = False
            if self.received:
                os.kill(os.getpid(), signal.SIGTERM)
                threading.Event().wait()

    @contextmanager
    def announced(self, last_words: Callable[[], object]) -> Iterator[None]:
        """Lets a trial say that it was SIGTERM that ended it; it does not come to its end first.

        Args:
            last_words: Called in the main thread, while the trial goes on in its own.
        """
        self._last_words = last_words
        try:
            yield
        finally:
            self._last_words = None

    def _terminate(self, number: int, frame: object) -> None:
        if self._last_words is not None:
            words, self._last_words = self._last_words, None
            with contextlib.suppress(Exception):  # the disk may be gone; the end is not
                words()
        if self._in_trial and not self.received:
            self.received = True
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
        else:
            self._end(number, frame)


THIS_PROCESS = Termination()
