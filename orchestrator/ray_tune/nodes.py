"""The nodes of a cluster that is joined: each is checked before it gets a trial.

A node that joins later is checked then, one that fails is named and gets no trial, and one that is
gone is counted no more. Trials are placed by a list of the nodes that have passed, so that none
lands on one that nobody has looked at.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.autoscaler import sdk
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.nodes.demands import Demands
from orchestrator.ray_tune.node_slots import Node, kinds_of, node_slots
from orchestrator.ray_tune.placement import NoRoomError, Slots
from orchestrator.ray_tune.room import NoNodeError
from orchestrator.search_space import Sweep
from orchestrator.state.node_marker import NodeMarker
from orchestrator.throttle import Throttle

MOST_TRIALS = 1000
"""At a time, on a cluster that grows."""

_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 60.0
"""After which a node that has failed is asked again: its share may have been mounted late."""
_ANSWER_SECONDS = 900.0
"""For an answer; a large base model is read whole, over a network perhaps."""
_CLOCK_SECONDS = 60.0
"""By which clocks may differ without a word."""
_SETTLE_SECONDS = 20.0
"""How long the start waits for further answers when there is a first one."""


@dataclass
class _Asked:
    node: Node
    answer: Any
    since: float
    at: float
    """The time of day here."""


@dataclass
class _Aside:
    node: Node
    reason: str
    since: float
    again: bool


class Nodes:
    """The room of a cluster that is joined: a `Room` that follows its nodes."""

    def __init__(
        self,
        sweep: Sweep,
        demands: Demands,
        marker: NodeMarker,
        address: str,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares to look; Ray must be running.

        Args:
            sweep: Says what a trial takes.
            demands: What every node must have.
            marker: Lies in the root.
            address: Of the cluster, for messages.
            say: Tells a person what changes.
            clock: Seconds, monotonic.
        """
        self._sweep = sweep
        self._demands = demands
        self.marker = marker
        self._address = address
        self._say = say
        self._clock = clock
        self._due = Throttle(_LOOK_SECONDS, clock)
        self._small: dict[str, Node] = {}
        self._asked: dict[str, _Asked] = {}
        self._fit: dict[str, Node] = {}
        self._aside: dict[str, _Aside] = {}
        self._kinds: tuple[str, ...] | None = None
        self._requested: int | None = None
        self._is_up = False
        self.engines = None
        self.changes = True
        self.most = sweep.limits.max_concurrent or MOST_TRIALS
        self.slots: tuple[Slots, ...] = ()

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Returns when there is room for a trial, or the sweep is over.

        Args:
            is_over: Whether the sweep is to end.

        Raises:
            NoNodeError: Every node that there is has failed.
            NoRoomError: A trial fits into none of them.
        """
        begun, waits = self._clock(), False
        while not is_over():
            self.look()
            self._hear()  # answers come within a second
            answered = not self._asked or self._clock() - begun > _SETTLE_SECONDS
            if self.slots and answered:
                break
            if not self._asked and self._aside:
                raise self._none()
            if not self._asked:
                if self._fit or self._small:
                    raise NoRoomError(self._too_small())
                if not waits:
                    self._say(
                        f"No node of {self._address} has {self._each()} yet; waiting for one, and"
                        " asking the cluster's autoscaler, if it has one. Ctrl-C ends it."
                    )
                    waits = True
                self._request(1)
            time.sleep(0.1)
        self._is_up = True

    def look(self) -> None:
        """Takes notice of nodes that came or went, and of answers; at most once a second."""
        if not self._due.due():
            return
        there = {each["NodeID"]: each for each in ray.nodes() if each["Alive"]}
        self._small.clear()
        for node in map(_node, there.values()):
            if node.cpus >= self._sweep.resources.cpus:
                self._meet(node)
            elif node.cpus:  # a head that is for Ray alone has none
                self._small[node.id] = node
        for node_id in [*self._asked, *self._aside]:
            if node_id not in there:
                self._asked.pop(node_id, None)
                self._aside.pop(node_id, None)
        for node in [each for each in self._fit.values() if each.id not in there]:
            del self._fit[node.id]
            self._divide()
            self._say(
                f"Node {node.described} is gone; its trials go on elsewhere, from their last rung."
                f" {self._now()}"
            )
        self._hear()

    def next(self, running: Mapping[str, int], left: int) -> Slots | None:
        """Returns where the next trial is to run; None while there is no room."""
        self._request(min(left + sum(running.values()), self.most))
        if sum(running.values()) >= self.most:
            return None
        free = (each for each in self.slots if running.get(each.kind, 0) < each.trials)
        return next(free, None)

    def takes(self, slots: Slots) -> bool:
        """Returns whether no node of the kind has come or gone since the slots were given."""
        return any(each.kind == slots.kind and each.nodes == slots.nodes for each in self.slots)

    def set_aside(self, node_id: str, reason: str) -> None:
        """Gives a node no further trial: it passed its check, but has failed a trial.

        Raises:
            NoNodeError: There is no other.
        """
        node = self._fit.pop(node_id, None)
        if node is None:  # a second trial of the same node
            return
        self._put_aside(node, reason, again=False)
        if not self._fit and not self._asked:
            raise self._none()

    def _meet(self, node: Node) -> None:
        if node.id in self._fit or node.id in self._asked:
            return
        aside = self._aside.get(node.id)
        if aside is None or (aside.again and self._clock() - aside.since > _AGAIN_SECONDS):
            self._asked[node.id] = _Asked(node, self._ask(node), self._clock(), time.time())

    def _ask(self, node: Node) -> Any:
        """Starts the check on a node; it takes nothing of what trials need."""

        # Goes to the node by value, which may have another version of this module or none.
        def answer(asked: dict[str, Any], node_id: str, accelerators: float) -> dict[str, Any]:
            import importlib
            import sys

            try:
                module = importlib.import_module("orchestrator.nodes.check")
            except ImportError as error:
                return {
                    "kind": "cpu",
                    "faults": [
                        f"cannot load this package with {sys.executable} ({error}); install it"
                        " there, or start Ray there from the environment that has it"
                    ],
                }
            found: dict[str, Any] = module.check(asked, node_id, accelerators)
            return found

        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        task: Any = ray.remote(answer)
        options = task.options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        accelerators = node.resources.get("GPU", 0.0) if self._wants_accelerators else 0.0
        return options.remote(self._demands.to_dict(), node.id, accelerators)

    @property
    def _wants_accelerators(self) -> bool:
        kinds = self._sweep.resources.kinds
        return kinds is None or set(kinds) != {"cpu"}

    def _hear(self) -> None:
        """Takes in the answers that have come."""
        for node_id, asked in list(self._asked.items()):
            late = self._clock() - asked.since > _ANSWER_SECONDS
            if not late and not ray.wait([asked.answer], timeout=0)[0]:
                continue
            del self._asked[node_id]
            try:
                if late:
                    raise TimeoutError(f"no answer in {_ANSWER_SECONDS:g} s")
                found = ray.get(asked.answer)
                faults = list(found["faults"])
            except (RayError, TimeoutError) as error:
                found, faults = {}, [f"did not answer: {_last_line(error)}"]
            if not faults and not self.marker.answered(node_id):
                faults = [f"has another folder {self._demands.root}: what it writes is not here"]
            if faults:
                self._put_aside(asked.node, "; ".join(faults), again=True)
            else:
                self._compare(asked, found["clock"])
                self._admit(asked.node.found_to_be(found["kind"], found["system"]))

    def _compare(self, asked: _Asked, clock: float) -> None:
        """Says by how much a node's clock is off, which was read between the question and now."""
        ahead, behind = clock - time.time(), asked.at - clock
        if max(ahead, behind) < _CLOCK_SECONDS:
            return
        where = (
            f"{ahead / 3600:.1f} hours ahead of"
            if ahead > 0
            else f"{behind / 3600:.1f} hours behind"
        )
        self._say(
            f"Node {asked.node.described} has a clock that is {where} the clock here; times in"
            " its rows are by it, no score depends on them."
        )

    def _admit(self, node: Node) -> None:
        self._aside.pop(node.id, None)
        self._fit[node.id] = node
        self._divide()
        if self._is_up:
            self._say(f"Node {node.described} has joined. {self._now()}")

    def _put_aside(self, node: Node, reason: str, *, again: bool) -> None:
        before = self._aside.get(node.id)
        self._aside[node.id] = _Aside(node, reason, self._clock(), again)
        self._divide()
        if before is None or before.reason != reason:
            self._say(f"Node {node.described} is set aside: it {reason.rstrip('.')}.")

    def _divide(self) -> None:
        """Divides what the nodes have among trials."""
        if self._kinds is None and self._fit:
            self._kinds = kinds_of(self._sweep, self._fit.values())
        self.slots = node_slots(self._sweep, self._fit.values(), self._kinds or ())

    def _request(self, trials: int) -> None:
        """Asks the cluster to have room for so many trials, where it can grow."""
        if trials == self._requested:
            return
        resources = self._sweep.resources
        each = {"CPU": float(resources.cpus)}
        kinds = self._kinds or resources.kinds or ("cpu",)
        if "cpu" not in kinds:
            each["GPU"] = min(resources.accelerators, 1.0)
        with contextlib.suppress(Exception):  # a hint, which is given again
            sdk.request_resources(bundles=[each] * (trials * resources.workers))
            self._requested = trials

    def _now(self) -> str:
        words = " and ".join(each.describe() for each in self.slots)
        return f"Now {words}." if words else "Now there is none; waiting for another."

    def _each(self) -> str:
        resources = self._sweep.resources
        kinds = resources.kinds
        words = f"{resources.cpus:g} CPU{'s' if resources.cpus > 1 else ''} for a trial"
        return words if kinds is None else f"{words} and a device of {' or '.join(kinds)}"

    def _too_small(self) -> str:
        nodes = [*self._fit.values(), *self._small.values()]
        held = ", ".join(node.describe() for node in nodes)
        resources = self._sweep.resources
        kinds = "" if resources.kinds is None else f" of {' or '.join(resources.kinds)}"
        return (
            f"A trial takes {resources.accelerators:g} accelerators{kinds} and"
            f" {resources.cpus * resources.workers:g} CPUs, but the nodes of {self._address} have"
            f" {held}; change resources.kinds, resources.accelerators or resources.cpus, or add"
            " nodes."
        )

    def _none(self) -> NoNodeError:
        listed = "".join(
            f"\n  {each.node.described}: it {each.reason}" for each in self._aside.values()
        )
        return NoNodeError(
            f"No node of the cluster at {self._address} can run trials of this sweep:{listed}\nA"
            " sweep on several machines needs one folder that all of them have under the same"
            f" path, for --root (here {self._demands.root}) as for a data set or base model of"
            " your own, and the same packages on each; mend that and run the same command again."
        )


@contextmanager
def nodes(
    sweep: Sweep, demands: Demands, marker: NodeMarker, address: str, say: Callable[[str], None]
) -> Iterator[Nodes]:
    """Follows the nodes of the cluster that is joined, for as long as trials run.

    Arguments as of `Nodes`.
    """
    try:
        yield Nodes(sweep, demands, marker, address, say)
    finally:
        with contextlib.suppress(Exception):  # the cluster may be gone
            sdk.request_resources(bundles=[])


def _node(each: Mapping[str, Any]) -> Node:
    return Node(
        each["NodeID"], each["NodeManagerHostname"], each["NodeManagerAddress"], each["Resources"]
    )


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
