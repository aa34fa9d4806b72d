"""What there is to run trials on, and how many of them at a time."""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from orchestrator.errors import UserError
from orchestrator.search_space import Sweep


class NoRoomError(UserError):
    """The cluster cannot hold even one trial of the sweep."""


@dataclass(frozen=True)
class Slots:
    """How trials are placed on the cluster.

    Attributes:
        kind: "cuda", "mps" or "cpu".
        trials: How many run at a time, or of packs, how many packs: each has its own device.
        workers: Processes of one trial; 1 is the trial's own process.
        resources: What Ray reserves for one process of a trial.
        nodes: Ids of the nodes that take them; none where any does.
        pack: The most trials that share a device in an engine; 1 for none that do.
        at_most: Trials at a time at most, of all packs together; None for as many as there are
            places.
    """

    kind: str
    trials: int
    workers: int
    resources: dict[str, float]
    nodes: tuple[str, ...] = ()
    pack: int = 1
    at_most: int | None = None

    @property
    def at_a_time(self) -> int:
        """Trials at a time."""
        places = self.trials * self.pack
        return places if self.at_most is None else min(places, self.at_most)

    @property
    def members(self) -> int:
        """Trials at a time of one pack; 1 where there are no packs."""
        return -(-self.at_a_time // self.trials) if self.pack > 1 else 1

    @property
    def selector(self) -> dict[str, str]:
        """What Ray is told of the nodes that take a process; nothing where any does."""
        return {"ray.io/node-id": f"in({','.join(self.nodes)})"} if self.nodes else {}

    @property
    def devices(self) -> float:
        """Devices of one trial: accelerators, or where there are none its processes."""
        return self.workers * (1.0 if self.kind == "cpu" else self.resources["GPU"])

    def describe(self) -> str:
        """Returns one line for a person."""
        each = f"{self.resources['CPU']:g} CPU"
        if self.kind != "cpu":
            each = f"{self.resources['GPU']:g} {'GPU' if self.kind == 'cuda' else 'MPS device'}"
        if self.workers > 1:
            each = f"{self.workers} workers of {each}"
        where = ""
        if self.nodes:
            where = " on 1 node" if len(self.nodes) == 1 else f" on {len(self.nodes)} nodes"
        trials = f"{self.at_a_time} trial{'s' if self.at_a_time != 1 else ''}"
        if self.pack > 1:
            packs = "1 pack" if self.trials == 1 else f"{self.trials} packs"
            return f"{trials} at a time in {packs}{where}, {each} a pack"
        return f"{trials} at a time{where}, {each} each"


def local_accelerators() -> int:
    """Returns the number of accelerators of this machine, without starting Ray or loading torch.

    CUDA devices as `nvidia-smi` lists them, within `CUDA_VISIBLE_DEVICES`; one on Apple silicon.
    """
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return 1
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return 0
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return found if visible is None else min(found, len(visible.split(",")))


def local_slots(sweep: Sweep) -> Slots:
    """Returns how trials would be placed on this machine alone, without starting Ray.

    Raises:
        NoRoomError: Not even one trial fits.
    """
    found = local_accelerators()
    here = {"CPU": float(psutil.cpu_count() or 1)}
    if found:
        here["GPU"] = float(found)
    return slots(sweep, here)


def slots(sweep: Sweep, cluster: Mapping[str, float], *, apple: bool | None = None) -> Slots:
    """Divides the cluster's resources among trials.

    Args:
        sweep: Says what one trial takes: accelerators (a fraction shares one; more than one makes a
            worker group) and CPUs.
        cluster: Ray's total resources, `{"CPU": ..., "GPU": ...}`.
        apple: Whether the accelerators are Apple's; None asks this machine.

    Returns:
        The placement of trials; never more at a time than the cluster holds or the sweep allows.

    Raises:
        NoRoomError: Not even one trial fits.
    """
    cpus, gpus = cluster.get("CPU", 0.0), cluster.get("GPU", 0.0)
    wanted = sweep.resources.accelerators
    workers = sweep.resources.workers
    each_cpus = float(sweep.resources.cpus)
    if cpus < each_cpus * workers:
        raise NoRoomError(
            f"A trial takes {each_cpus * workers:g} CPUs (resources.cpus is"
            f" {sweep.resources.cpus} for each of its processes), but the cluster has {cpus:g};"
            " lower resources.cpus or add nodes."
        )
    on_apple = apple if apple is not None else platform.system() == "Darwin"
    kinds = sweep.resources.kinds
    if kinds is not None and (gpus == 0 or ("mps" if on_apple else "cuda") not in kinds):
        if "cpu" not in kinds:
            raise NoRoomError(
                f"A trial runs on {' or '.join(kinds)} (resources.kinds), and there is no such"
                " device; add cpu to resources.kinds, or start where there is one."
            )
        gpus = 0.0
    # On a cluster without accelerators a worker group takes CPUs, one process each.
    fit = [cpus / (each_cpus * workers)]
    resources = {"CPU": each_cpus}
    kind = "cpu"
    if gpus:
        if wanted > gpus:
            raise NoRoomError(
                f"A trial takes {wanted:g} accelerators (resources.accelerators), but the cluster"
                f" has {gpus:g}; lower resources.accelerators or add nodes."
            )
        kind = "mps" if on_apple else "cuda"
        if kind == "mps" and workers > 1:
            raise NoRoomError(
                f"resources.accelerators is {wanted:g}, but a trial cannot span several Apple"
                " devices; set it to 1."
            )
        resources["GPU"] = wanted if wanted < 1 else 1.0
        # A trial cannot span two devices, so fractions fill whole devices one by one.
        fit.append(gpus * math.floor(1 / wanted) if wanted < 1 else gpus / workers)
    trials = math.floor(min(fit) + 1e-9)
    if sweep.limits.max_concurrent is not None:
        trials = min(trials, sweep.limits.max_concurrent)
    at_most = _at_a_time(sweep, trials)
    return Slots(kind, trials, workers, resources, pack=sweep.resources.members, at_most=at_most)


def _at_a_time(sweep: Sweep, devices: int) -> int | None:
    """Returns how many trials of packs may run at a time; None without packs.

    A search that learns from ends proposes blindly what it proposes before there are any.
    """
    if sweep.resources.members == 1:
        return None
    most = sweep.limits.max_concurrent or devices * sweep.resources.members
    if sweep.search.method == "tpe":
        most = min(most, max(devices, sweep.trials // 4))
    return most
