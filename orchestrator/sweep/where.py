"""Where a sweep's trials run: on this machine, or on those nodes of a cluster that pass a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

from orchestrator.ray_tune.engines import Engines
from orchestrator.ray_tune.placement import slots
from orchestrator.ray_tune.room import FixedRoom, Room
from orchestrator.search.content import Content
from orchestrator.state.node_marker import NodeMarker
from orchestrator.state.stored_sweep import StoredSweep


@contextmanager
def room_for(
    stored: StoredSweep,
    content: Content,
    address: str | None,
    resources: Mapping[str, float],
    say: Callable[[str], None],
    is_over: Callable[[], bool],
    engine: str,
) -> Iterator[Room]:
    """Yields where trials run, for as long as they do; Ray must be running.

    Args:
        stored: The sweep.
        content: What its runs depend on.
        address: Of the cluster that was joined; None for one that is this machine.
        resources: Ray's total resources.
        say: Tells a person what changes.
        is_over: Whether the sweep is to end before it has begun.
        engine: "module:class" of what trains packs, where there are any.

    Raises:
        NoRoomError: Not even one trial fits.
        NoNodeError: No node of the cluster can run one.
        StoreError: The marker could not be stored.
    """
    if address is None:
        # Imported by whoever has started Ray, and by nobody before: it takes two seconds.
        from orchestrator.ray_tune.cluster import is_up

        place = slots(stored.sweep, resources)
        if place.pack == 1:
            yield FixedRoom(place, is_up=is_up)
            return
        sweep = stored.sweep
        silent_seconds = 60 * sweep.limits.heartbeat_minutes
        accounts = stored.files.engine_accounts
        with closing(Engines(sweep.name, engine, place, accounts, silent_seconds)) as found:
            yield FixedRoom(place, found, is_up)
        return
    # Imports what a sweep on this machine has no use for.
    from orchestrator.nodes.demands import Demands
    from orchestrator.ray_tune.nodes import nodes

    marker = NodeMarker.place(stored.files)
    try:
        with nodes(
            stored.sweep, Demands.of(stored, content, marker), marker, address, say
        ) as found:
            found.wait(is_over)
            yield found
    finally:
        NodeMarker.remove(stored.files)
