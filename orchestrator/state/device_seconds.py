"""Keeps on disk how many device-seconds a sweep has spent, those lost by crashes included.

The reports say how long the work took that counts. What a killed trial had done since its last
report, and does again, is in none of them, but it was paid for.
"""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.errors import StoreError
from orchestrator.throttle import Throttle

_SECONDS_BETWEEN_REQUESTS = 60.0
_LARGEST = 1 << 16
"""Bytes of what is read; the number takes less."""


class DeviceSeconds:
    """A number in the sweep's folder under `state/`, written by the one driver of the sweep.

    Into a bucket it is written once a minute, and the last one at the context's end.
    """

    def __init__(self, files: SweepFiles) -> None:
        """Names the file."""
        self._files = files
        in_folder = isinstance(files.store.address, Path)
        self._due = Throttle(0.0 if in_folder else _SECONDS_BETWEEN_REQUESTS)
        self._unwritten: float | None = None

    def __enter__(self) -> DeviceSeconds:
        """Does nothing: what was spent before is on record."""
        return self

    def __exit__(self, *error: object) -> None:
        """Puts on record what has not been yet."""
        if self._unwritten is not None:
            self._write(self._unwritten)

    def read(self) -> float:
        """Returns the device-seconds on record; 0 if there is no record, or a damaged one."""
        try:
            data = self._files.place.get(self._files.device_seconds_key, _LARGEST)
            seconds = json.loads(data or b"{}")["device_seconds"]
            return float(seconds) if 0 <= seconds < math.inf else 0.0
        except (StoreError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return 0.0

    def write(self, seconds: float) -> None:
        """Puts a total on record, whole and durable, in place of the last one.

        Args:
            seconds: The total.
        """
        self._unwritten = seconds
        if self._due.due():
            self._write(seconds)

    def _write(self, seconds: float) -> None:
        """Writes it.

        Where the store refuses it the last one stays: the next report of a trial says why.
        """
        data = json.dumps({"device_seconds": seconds}).encode()
        with contextlib.suppress(StoreError):
            self._files.place.replace(self._files.device_seconds_key, data)
            self._unwritten = None
