"""What a sweep has used of its limits: hours by the clock, and hours of devices."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from orchestrator.search.proposals import Proposal
from orchestrator.store.rows import Row
from orchestrator.throttle import Throttle

SECONDS_BETWEEN_RECORDS = 5.0
"""One record is a small file that is synced: some milliseconds of the driver's."""


class Spending:
    """Counts hours while trials run; a watcher of a running sweep.

    A device is an accelerator, or on a machine without one a trial's process. Hours of devices
    count from a trial's start to its end, loading and evaluation included, whatever came of it.
    Within the context the total is put on record every `SECONDS_BETWEEN_RECORDS`, and at its end: a
    driver that is killed forgets no more.
    """

    def __init__(
        self,
        devices: float,
        earlier_device_seconds: float,
        max_hours: float | None,
        max_device_hours: float | None,
        record: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts the clock.

        Args:
            devices: Devices of one trial; a fraction where trials share one.
            earlier_device_seconds: Spent before this start.
            max_hours: Limit on hours since this start; None for none.
            max_device_hours: Limit on hours of devices, earlier starts included; None for none.
            record: Takes the device-seconds spent, earlier starts included.
            clock: Seconds, monotonic.
        """
        self._devices = devices
        self._earlier = earlier_device_seconds
        self._seconds = 0.0
        self._max_hours = math.inf if max_hours is None else max_hours
        self._max_device_hours = math.inf if max_device_hours is None else max_device_hours
        self._record = record
        self._clock = clock
        self._begun = clock()
        self._record_due = Throttle(SECONDS_BETWEEN_RECORDS, clock)
        self._record_due.restart()
        self._running: dict[int, float] = {}

    def __enter__(self) -> Spending:
        """Does nothing: what was spent before is on record."""
        return self

    def __exit__(self, *error: object) -> None:
        """Puts on record what was spent."""
        self._record(self.device_seconds())

    def device_seconds(self) -> float:
        """Returns the device-seconds spent so far, by running trials as well."""
        now = self._clock()
        running = math.fsum(now - since for since in self._running.values())
        return self._earlier + self._devices * (self._seconds + running)

    def reached(self) -> str | None:
        """Returns which limit has been reached, in words; None before."""
        if self._clock() - self._begun >= 3600 * self._max_hours:
            return f"{self._max_hours:g} hours (--max-hours)"
        if self.device_seconds() >= 3600 * self._max_device_hours:
            return f"{self._max_device_hours:g} hours of devices (--max-device-hours)"
        return None

    def started(self, proposal: Proposal) -> None:
        """Notes that a trial has started."""
        self._running[proposal.trial_number] = self._clock()

    def reported(
        self, proposal: Proposal, rung_examples: int, objective: float | None, loss: float | None
    ) -> None:
        """Does nothing: the clock counts."""

    def ended(self, proposal: Proposal, row: Row) -> None:
        """Notes that a trial has ended."""
        self._stop(proposal)

    def paused(self, proposal: Proposal) -> None:
        """Notes that a trial has freed its slot."""
        self._stop(proposal)

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        """Notes that a trial has ended and is to be continued."""
        self._stop(proposal)

    def passed(self) -> None:
        """Puts on record what was spent, every few seconds."""
        if self._record_due.due():
            self._record(self.device_seconds())

    def _stop(self, proposal: Proposal) -> None:
        since = self._running.pop(proposal.trial_number, None)
        if since is not None:
            self._seconds += self._clock() - since
