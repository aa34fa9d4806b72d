"""Keeps on disk how many device-seconds a sweep has spent, those lost by crashes included.

The reports say how long the work took that counts. What a killed trial had done since its last
report, and does again, is in none of them, but it was paid for.
"""

from __future__ import annotations

import contextlib
import json
import math
import os

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.errors import StoreError

_LARGEST = 1 << 16
"""Bytes of what is read; the number takes less."""


class DeviceSeconds:
    """A number in the sweep's folder under `state/`, written by the one driver of the sweep."""

    def __init__(self, files: SweepFiles) -> None:
        """Names the file."""
        self._files = files

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

        On a disk that refuses it the last one stays: the next report of a trial says why.
        """
        path = self._files.path(self._files.device_seconds_key)
        staged = path.with_suffix(".new")
        with contextlib.suppress(OSError):
            with staged.open("w") as file:
                json.dump({"device_seconds": seconds}, file)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(path)
