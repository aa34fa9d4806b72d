"""SIGTERM, by which a machine is taken away: the sweep ends as with Ctrl-C, and can go on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Terminated(KeyboardInterrupt):
    """The process has received SIGTERM."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raises `Terminated` in the main thread on SIGTERM, for as long as the context lasts.

    Call it in the main thread, and after `ray.init`, which sets a handler of its own: that one
    would end the process without a word.
    """
    earlier = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _raise(signal_number: int, frame: object) -> None:
    raise Terminated
