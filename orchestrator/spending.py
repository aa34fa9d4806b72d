"""What a sweep has used of its limits: hours by the clock, and hours of devices."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from orchestrator.proposals import Proposal
from orchestrator.store.rows import Row


class Spending:
    """Counts hours while trials run; a watcher of `orchestrator.tuning.run_trials`.

    A device is an accelerator, or on a machine without one a trial's process. Hours of devices
    count from a trial's start to its end, loading and evaluation included.
    """

    def __init__(
        self,
        devices: float,
        earlier_seconds: float,
        max_hours: float | None,
        max_device_hours: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts the clock.

        Args:
            devices: Devices of one trial; a fraction where trials share one.
            earlier_seconds: Seconds that trials took before this start, of one trial's devices.
            max_hours: Limit on hours since this start; None for none.
            max_device_hours: Limit on hours of devices, earlier starts included; None for none.
            clock: Seconds, monotonic.
        """
        self._devices = devices
        self._seconds = earlier_seconds
        self._max_hours = math.inf if max_hours is None else max_hours
        self._max_device_hours = math.inf if max_device_hours is None else max_device_hours
        self._clock = clock
        self._begun = clock()
        self._running: dict[int, float] = {}

    def reached(self) -> str | None:
        """Returns which limit has been reached, in words; None before."""
        if self._clock() - self._begun >= 3600 * self._max_hours:
            return f"{self._max_hours:g} hours (--max-hours)"
        now = self._clock()
        seconds = self._seconds + math.fsum(now - since for since in self._running.values())
        if self._devices * seconds >= 3600 * self._max_device_hours:
            return f"{self._max_device_hours:g} hours of devices (--max-device-hours)"
        return None

    def started(self, proposal: Proposal) -> None:
        """Notes that a trial has started."""
        self._running[proposal.trial_number] = self._clock()

    def reported(self, proposal: Proposal, rung_examples: int, objective: float | None) -> None:
        """Does nothing: the clock counts."""

    def ended(self, proposal: Proposal, row: Row) -> None:
        """Notes that a trial has ended."""
        self._stop(proposal)

    def interrupted(self, proposal: Proposal) -> None:
        """Notes that a trial has ended and is to be continued."""
        self._stop(proposal)

    def _stop(self, proposal: Proposal) -> None:
        since = self._running.pop(proposal.trial_number, None)
        if since is not None:
            self._seconds += self._clock() - since
