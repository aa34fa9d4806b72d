"""SIGTERM, by which a machine is taken away: the sweep ends cleanly while there is time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.errors import Terminated
from orchestrator.state.stop_request import GRACE_SECONDS


@contextmanager
def terminable(end_cleanly: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Takes SIGTERM, in the main thread, for as long as the context lasts.

    The first one asks for a clean end. A second one, or the end of the time for that, raises
    `Terminated`, which is raised at the context's end in any case if a SIGTERM has come.

    Enter it after `ray.init`, which sets a handler that ends the process without a word.

    Args:
        end_cleanly: Called in the main thread, in the middle of whatever it does: may set a flag or
            make a file, but not print.

    Yields:
        Returns once whether a SIGTERM has come, for whoever is to say so.
    """
    received = 0
    news = False

    def terminate(number: int, frame: object) -> None:
        nonlocal received, news
        received += 1
        news = received == 1
        if received > 1:
            raise Terminated
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
        end_cleanly()

    def is_news() -> bool:
        nonlocal news
        was, news = news, False
        return was

    signals = (signal.SIGTERM, signal.SIGALRM)
    earlier = [signal.signal(each, terminate) for each in signals]
    try:
        try:
            yield is_news
        except KeyboardInterrupt as interruption:  # Ray Tune raises one of its own in its place
            if received:
                raise Terminated from interruption
            raise
        if received:
            raise Terminated
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each, handler in zip(signals, earlier, strict=True):
            signal.signal(each, handler)
