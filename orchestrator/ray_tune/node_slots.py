"""How many trials the nodes of a cluster hold, on each kind of device."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.ray_tune.placement import Slots
from orchestrator.search_space import Sweep

ACCELERATORS = ("cuda", "mps")
KINDS = (*ACCELERATORS, "cpu")


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Ray's.
        name: Its host name.
        address: Its IP address.
        resources: What Ray may give out of it.
        kind: "cuda", "mps" or "cpu".
        system: "Linux" or "Darwin".
    """

    id: str
    name: str
    address: str
    resources: Mapping[str, float]
    kind: str = "cpu"
    system: str = "Linux"

    @property
    def described(self) -> str:
        """Its name, for a person."""
        return f"{self.name} ({self.address})" if self.name != self.address else self.name

    @property
    def cpus(self) -> float:
        """How many of its CPUs trials may have."""
        return self.resources.get("CPU", 0.0)

    def found_to_be(self, kind: str, system: str) -> Node:
        """Returns the node with the kind of device and the system that its check has found."""
        return replace(self, kind=kind, system=system)

    def describe(self) -> str:
        """Returns what it has, for a person."""
        count = self.resources.get("GPU", 0.0)
        devices = f" and {count:g} {self.kind}" if self.kind != "cpu" else ""
        return f"{self.cpus:g} CPU{'' if self.cpus == 1 else 's'}{devices} ({self.name})"


def kinds_of(sweep: Sweep, nodes: Iterable[Node]) -> tuple[str, ...]:
    """Returns on which kinds of devices trials run.

    Args:
        sweep: May say it; if not, CPUs are for clusters without any accelerator.
        nodes: Those of the cluster.
    """
    if sweep.resources.kinds is not None:
        return tuple(kind for kind in KINDS if kind in sweep.resources.kinds)
    return ACCELERATORS if any(node.kind != "cpu" for node in nodes) else ("cpu",)


def node_slots(sweep: Sweep, nodes: Iterable[Node], kinds: Sequence[str]) -> tuple[Slots, ...]:
    """Divides the nodes' resources among trials.

    A process of a trial is on one node; those of a worker group may be on several of one kind and
    one system: gloo speaks otherwise on macOS (by libuv) than on Linux.

    Args:
        sweep: Says what one trial takes.
        nodes: Those that may have trials.
        kinds: Which kinds of devices may be used; a node whose own is not among them is used for
            its CPUs if these are.

    Returns:
        What there is of each kind; none of one that holds no trial.
    """
    wanted, workers = sweep.resources.accelerators, sweep.resources.workers
    each = {"CPU": float(sweep.resources.cpus)}
    found = []
    nodes = list(nodes)
    for kind in kinds:
        if kind == "mps" and workers > 1:  # a trial cannot span several Apple devices
            continue
        resources = each if kind == "cpu" else each | {"GPU": min(wanted, 1.0)}
        held = {
            node.id: _processes(node, resources)
            for node in nodes
            if node.kind == kind or (kind == "cpu" and node.kind not in kinds)
        }
        if workers > 1:
            held = _of_one_system(held, nodes)
        used = tuple(sorted(node_id for node_id, count in held.items() if count))
        trials = sum(held.values()) // workers
        if sweep.limits.max_concurrent is not None:
            trials = min(trials, sweep.limits.max_concurrent)
        if trials:
            found.append(Slots(kind, trials, workers, resources, used))
    return tuple(found)


def _of_one_system(held: Mapping[str, int], nodes: Iterable[Node]) -> dict[str, int]:
    """Returns how many trials each node holds, of nodes of the system that holds most."""
    system = {node.id: node.system for node in nodes}
    in_all: Counter[str] = Counter()
    for node_id, count in held.items():
        in_all[system[node_id]] += count
    most = max(sorted(in_all), key=in_all.__getitem__, default=None)
    return {node_id: count for node_id, count in held.items() if system[node_id] == most}


def _processes(node: Node, resources: Mapping[str, float]) -> int:
    """Returns how many processes a node holds; fractions fill whole devices one by one."""
    fit = [node.cpus / resources["CPU"]]
    if "GPU" in resources:
        share = resources["GPU"]
        fit.append(node.resources.get("GPU", 0.0) * math.floor(1 / share + 1e-9))
    return math.floor(min(fit) + 1e-9)
