"""What a sweep is expected to take: device time, hours by the clock, money, memory and disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.price.speed import NOTHING, Range, Speed
from orchestrator.price.work import Work

START_SECONDS = 12.0
"""From the command to the first trial, and from the last one to the end: Ray, and imports."""

_BYTES_TRAINED = 12
"""Of a checkpoint, for each trained weight: itself and AdamW's two moments, in float32."""


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
        checkpoint_bytes: Of the largest checkpoint; None where not known.
    """

    phases: Mapping[str, Range]
    slots: int
    devices: float
    unknown: Sequence[str]
    trials: int
    memory_bytes: int | None
    checkpoint_bytes: int | None

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
    work: Sequence[Work], speeds: Mapping[str, Speed], slots: int, devices: float
) -> Estimate:
    """Returns what the work takes at these speeds.

    Args:
        work: From `expected_work`.
        speeds: By technique.
        slots: Trials at a time.
        devices: Devices of one trial.
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
    memory = [speed.memory_bytes for speed in used if speed.memory_bytes is not None]
    trained = [speed.trained for speed in used if speed.trained is not None]
    return Estimate(
        phases,
        slots,
        devices,
        list(dict.fromkeys(unknown)),
        sum(speed.trials for speed in used),
        max(memory, default=None),
        max(trained) * _BYTES_TRAINED if trained and not unknown else None,
    )
