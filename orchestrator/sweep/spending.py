"""What a sweep has used of its limits: hours by the clock, hours of devices, money."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.store.rows import Row
from orchestrator.sweep.caps import Caps
from orchestrator.throttle import Throttle

SECONDS_BETWEEN_RECORDS = 5.0
"""One record is a small file that is synced: some milliseconds of the driver's."""


def spent_before(recorded: float, devices: float, trial_seconds: float, pack: int) -> float:
    """Returns the device-seconds that earlier starts have spent.

    Args:
        recorded: What they put on record; a start that was killed may have forgotten some seconds.
        devices: Devices of one trial, or of a pack.
        trial_seconds: How long trials took up to their reports, in all, which do not know of work
            that a crash made of no use.
        pack: Trials of a pack, whose seconds may be the same ones.
    """
    return max(recorded, devices * trial_seconds / pack)


class Spending:
    """Counts hours while trials run; a watcher of a running sweep.

    A device is an accelerator, or on a machine without one a process that trains. Hours of devices
    count while a trial has them, loading and evaluation included, whatever came of it; those of a
    pack once, for all its trials.
    Within the context the total is put on record every `SECONDS_BETWEEN_RECORDS`, and at its end: a
    driver that is killed forgets no more.
    """

    def __init__(
        self,
        devices: float,
        earlier_device_seconds: float,
        caps: Caps,
        record: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
        engines: float = math.inf,
    ) -> None:
        """Starts the clock.

        Args:
            devices: Devices of one trial, or of a pack; a fraction where trials share one.
            earlier_device_seconds: Spent before this start.
            caps: The limits.
            record: Takes the device-seconds spent, earlier starts included.
            clock: Seconds, monotonic.
            engines: Packs at a time at the most; infinity where each trial has its own devices.
        """
        self._devices = devices
        self._earlier = earlier_device_seconds
        self._seconds = 0.0
        self._caps = caps
        self._record = record
        self._clock = clock
        self._begun = clock()
        self._record_due = Throttle(SECONDS_BETWEEN_RECORDS, clock)
        self._record_due.restart()
        self._engines = engines
        self._running: set[int] = set()
        self._counted_to = self._begun

    def __enter__(self) -> Spending:
        """Does nothing: what was spent before is on record."""
        return self

    def __exit__(self, *error: object) -> None:
        """Puts on record what was spent."""
        self._record(self.device_seconds())

    def device_seconds(self) -> float:
        """Returns the device-seconds spent so far, by running trials as well."""
        self._count()
        return self._earlier + self._devices * self._seconds

    def reached(self) -> str | None:
        """Returns which limit has been reached, in words; None before."""
        return self._caps.reached(self._clock() - self._begun, self.device_seconds())

    def describe(self) -> str:
        """Returns what was spent of the limits, in words; "" without a limit or a price."""
        return self._caps.spent(self._clock() - self._begun, self.device_seconds())

    def started(self, proposal: Proposal) -> None:
        """Notes that a trial has started."""
        self._count()
        self._running.add(proposal.trial_number)

    def reported(self, proposal: Proposal, report: RunReport) -> None:
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
        self._count()
        self._running.discard(proposal.trial_number)

    def _count(self) -> None:
        """Counts what was spent since it was counted last."""
        now = self._clock()
        # Trials are spread over the engines: none has two while another has none.
        self._seconds += (now - self._counted_to) * min(len(self._running), self._engines)
        self._counted_to = now
