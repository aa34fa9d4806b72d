"""What `trainables.pack_cost` answers: the wall's side of a measurement of packs.

Standard library only: whoever schedules trials reads the answers without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ready:
    """The process has loaded its libraries, base model and rows.

    Attributes:
        start: Seconds of a processor that this took.
        shares: Whether any of the trials has passes that it can share with others.
        room_bytes: Memory that there is for a pack.
    """

    start: float
    shares: bool
    room_bytes: int


@dataclass(frozen=True)
class PackCost:
    """What some trials take that share a process; a trial alone is a pack of one.

    Seconds are those of the device: of a CPU processor time of one thread.

    Attributes:
        steps: Seconds in which each takes an optimiser step, one after another: a trial's are on
            the same rows in any company.
        examples: Rows that they are trained on by such a step, all together.
        loss_row: Seconds in which the loss of each is measured on one validation row.
        scored_row: Seconds in which each writes the SQL of one row and is scored.
        loaded_bytes: In use of the device before the first step; see `PeakMemory`.
        memory_bytes: The most that was in use.
    """

    steps: tuple[float, ...]
    examples: int
    loss_row: float
    scored_row: float
    loaded_bytes: int
    memory_bytes: int
