"""Where the next trial may run: on this machine, or on the nodes of a cluster that is joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from orchestrator.errors import CommandError, UserError
from orchestrator.ray_tune.engines import Engines
from orchestrator.ray_tune.placement import Slots
from orchestrator.state.node_marker import NodeMarker
from orchestrator.throttle import Throttle

_LOOK_SECONDS = 5.0


class NoNodeError(UserError):
    """No node of the cluster can run trials of the sweep."""


class RayEndedError(CommandError):
    """The Ray that was started on this machine has ended before the sweep."""


class Room(Protocol):
    """What trials run on."""

    @property
    def slots(self) -> tuple[Slots, ...]:
        """The places that there are now, of each kind of device."""

    @property
    def most(self) -> int:
        """Trials at a time that there may ever be."""

    @property
    def engines(self) -> Engines | None:
        """What trains packs of trials; None where each trains in its own process."""

    @property
    def changes(self) -> bool:
        """Whether nodes come and go, and trials may move."""

    @property
    def marker(self) -> NodeMarker | None:
        """By which a node sees that its root is the driver's; None on this machine alone."""

    def look(self) -> None:
        """Takes notice of nodes that came or went; called often while trials run.

        Raises:
            RayEndedError: There is none any more, and no other one will come.
        """

    def next(self, running: Mapping[str, int], left: int) -> Slots | None:
        """Returns where the next trial is to run; None while there is no room.

        Args:
            running: Trials that run now, by the kind of device.
            left: Trials that could run beside them; 0 where the last ones run, and what is idle may
                be given back.
        """

    def takes(self, slots: Slots) -> bool:
        """Returns whether slots that were given are still all that there are of their kind."""

    def set_aside(self, node_id: str, reason: str) -> None:
        """Gives a node no further trial, and says so.

        Raises:
            NoNodeError: There is no other.
        """


class FixedRoom:
    """The room of a cluster that is this machine."""

    def __init__(
        self,
        slots: Slots,
        engines: Engines | None = None,
        is_up: Callable[[], bool] = lambda: True,
    ) -> None:
        """Makes it of what `placement.slots` found.

        Args:
            slots: The places of trials.
            engines: In these places, where trials share them.
            is_up: Whether Ray still runs.
        """
        self._is_up = is_up
        self._due = Throttle(_LOOK_SECONDS)
        self.slots = (slots,)
        self.most = slots.at_a_time
        self.engines = engines
        self.changes = False
        self.marker = None

    def look(self) -> None:
        """Takes notice of the end of Ray: trials would wait for its node for ever."""
        if self._due.due() and not self._is_up():
            raise RayEndedError(
                "Ray has ended on this machine in the midst of the sweep: something has killed its"
                " process `raylet`, perhaps for want of memory. Nothing that was reported is lost;"
                " the same command goes on from the last rungs."
            )

    def next(self, running: Mapping[str, int], left: int) -> Slots | None:
        """Returns the one kind of slots; None while all are taken."""
        (slots,) = self.slots
        return slots if sum(running.values()) < slots.at_a_time else None

    def takes(self, slots: Slots) -> bool:
        """Returns True: they stay."""
        return True

    def set_aside(self, node_id: str, reason: str) -> None:
        """Does nothing: what is wrong with the one machine ends the sweep."""
