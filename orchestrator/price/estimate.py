"""What a sweep is expected to take: device time, hours by the clock, money, memory and disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.price.disk import Disk
from orchestrator.price.speed import NOTHING, Range, Speed
from orchestrator.price.work import Work

START_SECONDS = 12.0
"""From the command to the first trial, and from the last one to the end: Ray, and imports."""


@dataclass(frozen=True)
class Estimate:
    """What a sweep is expected to take from an empty store.

    Attributes:
        phases: Phase -> seconds of devices.
        slots: Trials at a time.
        devices: Devices of one trial.
        unknown: Techniques of which too little is known; where there are any, the rest is what the
            others take.
        trials: On how many earlier trials it rests; 0 where it was measured on request.
        memory_bytes: The most that a trial takes of its device; None where not known.
        disk: What its files take; None where not known.
        together: Trials in a process that were measured to take this memory and time.
    """

    phases: Mapping[str, Range]
    slots: int
    devices: float
    unknown: Sequence[str]
    trials: int
    memory_bytes: int | None
    disk: Disk | None
    together: int = 1

    @property
    def device_seconds(self) -> Range:
        """Seconds of devices, all phases; those of a trial on two count twice."""
        return sum(self.phases.values(), NOTHING)

    @property
    def seconds(self) -> Range:
        """Seconds by the clock, if no trial fails and no slot is idle."""
        busy = self.device_seconds * (1 / (self.slots * self.devices))
        return busy + Range(START_SECONDS, START_SECONDS, START_SECONDS)


def estimate(
    work: Sequence[Work],
    speeds: Mapping[str, Speed],
    slots: int,
    devices: float,
    files: Disk | None = None,
) -> Estimate:
    """Returns what the work takes at these speeds.

    Args:
        work: From `expected_work`.
        speeds: By technique.
        slots: Trials at a time.
        devices: Devices of one trial.
        files: What its files take, where that is known.
    """
    phases: dict[str, Range] = {}
    unknown = []
    for part in work:
        speed = speeds.get(part.technique)
        seconds = None if speed is None else speed.seconds(part)
        if seconds is None:
            unknown.append(part.technique)
            continue
        phases[part.phase] = phases.get(part.phase, NOTHING) + seconds * devices
    used = [speeds[name] for name in {part.technique for part in work} if name in speeds]
    starts = [speed.start for speed in used if speed.start is not None]
    # Each phase has processes of its own. What they load is nearly the same for all techniques, so
    # that how far what was measured lies apart is chance: the largest would be too much.
    start = sum(starts, NOTHING) * (1 / len(starts)) if starts else NOTHING
    phases = {phase: seconds + start * devices for phase, seconds in phases.items()}
    memory = [speed.memory_bytes for speed in used if speed.memory_bytes is not None]
    return Estimate(
        phases,
        slots,
        devices,
        list(dict.fromkeys(unknown)),
        sum(speed.trials for speed in used),
        max(memory, default=None),
        None if unknown else files,
    )
