"""Functions for a parsing process to call in tests."""

from __future__ import annotations

import os
import time
from pathlib import Path


def double(value: int) -> int:
    return 2 * value


def process_id() -> int:
    return os.getpid()


def compute(seconds: float) -> float:
    """Uses the processor for so long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


def fill(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def die_once(marker: str) -> bool:
    """Ends its process the first time; tells the second that it lives."""
    if not Path(marker).exists():
        # The child may write no file, but can make a folder.
        Path(marker).mkdir()
        os._exit(9)
    return True


def fail(text: str) -> str:
    raise KeyError(text)
