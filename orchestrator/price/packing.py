"""How many trials are to share a device, by what packs of them were measured to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from orchestrator.price.speed import Range, Speed
from orchestrator.price.work import Work
from trainables.contract.pack_cost import PackCost
from trainables.contract.packs import ASKING_BYTES

LEAST_SAVED = 0.05
"""Of a sweep's device time, for which a larger pack is taken: two measurements of the same pack
differ by as much on a machine that does something else too."""

RAY_BYTES = 256 * 2**20
"""On CPUs the memory of a trial is its process's: Ray is in it, and what earlier trials left."""


@dataclass(frozen=True)
class Pack:
    """Trials that were measured together and one at a time.

    Attributes:
        alone: Of each by itself.
        together: Of all of them in one process.
    """

    alone: Sequence[PackCost]
    together: PackCost

    @property
    def members(self) -> int:
        """Trials."""
        return len(self.alone)

    @property
    def example(self) -> float:
        """Seconds together over seconds alone, of training: the median over the steps."""
        alone = map(sum, zip(*(each.steps for each in self.alone), strict=True))
        pairs = zip(self.together.steps, alone, strict=True)
        return median(together / apart for together, apart in pairs)

    @property
    def loss_row(self) -> float:
        """The same of measuring the loss."""
        return self.together.loss_row / sum(each.loss_row for each in self.alone)

    @property
    def scored_row(self) -> float:
        """The same of writing and scoring SQL."""
        return self.together.scored_row / sum(each.scored_row for each in self.alone)


@dataclass(frozen=True)
class Terms:
    """What a sweep does, and on what.

    Attributes:
        work: From `expected_work`.
        slots: Packs at a time.
        start: Seconds of a device that the start of a process takes which trains.
        asking: The same of the process that each trial of a pack keeps beside it.
        room: Bytes of memory for a pack.
        beside: Bytes that are taken beside what was measured.
        asking_bytes: Bytes that each trial of a pack takes beside that.
    """

    work: Sequence[Work]
    slots: int
    start: float
    asking: float
    room: int
    beside: int
    asking_bytes: int

    @classmethod
    def of(
        cls, work: Sequence[Work], slots: int, kind: str, start: float, asking: float, room: int
    ) -> Terms:
        """Returns the terms on a kind of device.

        The processes that ask run on the CPU. Beside an accelerator they take none of its time or
        memory, and what is loaded at a start is loaded while it is idle in any case.
        """
        if kind == "cpu":
            return cls(work, slots, start, asking, room, RAY_BYTES, ASKING_BYTES)
        return cls(work, slots, 0.0, 0.0, room, 0, 0)

    def bytes(self, pack: Pack) -> int:
        """Returns the memory that a pack takes, or its one trial."""
        asking = self.asking_bytes * pack.members if pack.members > 1 else 0
        return pack.together.memory_bytes + self.beside + asking

    def fits(self, pack: Pack) -> bool:
        """Returns whether there is memory for a pack."""
        return self.bytes(pack) <= self.room

    def starts(self, members: int) -> float:
        """Returns the seconds of devices that starts of processes take.

        A trial alone is in the process that trains it, of which each phase starts its own. A pack
        has one for the whole sweep, and in each phase one more for each trial at a time.
        """
        runs = _runs(self.work).values()
        if members == 1:
            return sum(self.start * min(self.slots, count) for count in runs)
        asking = sum(self.asking * min(self.slots * members, count) for count in runs)
        return self.start * self.slots + asking

    def seconds(self, packs: Sequence[Pack], members: int) -> float:
        """Returns the device time of the sweep in packs of so many members.

        Args:
            packs: What was measured, smaller ones first, the first of one trial.
            members: Of one that was measured.
        """
        alone = packs[-1].alone
        steps = sum(median(each.steps) for each in alone)
        example = steps / sum(each.examples for each in alone)
        loss_row = sum(each.loss_row for each in alone) / len(alone)
        scored_row = sum(each.scored_row for each in alone) / len(alone)
        runs = _runs(self.work)
        total = self.starts(members)
        for part in self.work:
            for share, pack in _companies(packs, members, runs[part.phase], self.slots):
                total += share * (
                    part.examples * example * pack.example
                    + part.loss_rows * loss_row * pack.loss_row
                    + part.scored_rows * scored_row * pack.scored_row
                )
        return total


@dataclass(frozen=True)
class Packing:
    """How many trials are to share a device.

    Attributes:
        members: Trials of a pack; 1 for none.
        words: That number and why, for a person.
        terms: By which it was measured; None where it was not.
        pack: What such a pack was measured to take; None where it was not.
    """

    members: int
    words: str
    terms: Terms | None = None
    pack: Pack | None = None

    def speed(self, alone: Speed) -> Speed:
        """Returns how fast the trials of a technique that trains go in such packs.

        Args:
            alone: How fast they go one at a time.
        """
        terms, pack = self.terms, self.pack
        if terms is None or pack is None or self.members == 1:
            return alone
        start = terms.starts(self.members) / max(1, len({part.phase for part in terms.work}))
        return replace(
            alone,
            example=_times(alone.example, pack.example),
            loss_row=_times(alone.loss_row, pack.loss_row),
            scored_row=_times(alone.scored_row, pack.scored_row),
            memory_bytes=terms.bytes(pack),
            start=Range(start, start, start),
        )


def _times(alone: Range | None, factor: float) -> Range | None:
    return None if alone is None else alone * factor


def chosen(terms: Terms, packs: Sequence[Pack]) -> Pack:
    """Returns the pack with which the sweep's device time is least.

    A larger one counts only if there is memory for it and it saves `LEAST_SAVED` over every smaller
    one.

    Args:
        terms: What the sweep does, and on what.
        packs: What was measured, smaller ones first, the first of one trial.
    """
    best = packs[0]
    least = terms.seconds(packs, best.members)
    for pack in packs[1:]:
        seconds = terms.seconds(packs, pack.members)
        if terms.fits(pack) and seconds <= (1 - LEAST_SAVED) * least:
            best = pack
        least = min(least, seconds)
    return best


def next_members(terms: Terms, packs: Sequence[Pack], most: int) -> int | None:
    """Returns how large a pack is worth measuring next; None where no larger one is.

    Args:
        terms: What the sweep does, and on what.
        packs: What was measured, smaller ones first, the first of one trial.
        most: Trials of a pack at the most.
    """
    last = packs[-1]
    # As many trials again take as much again of what is not the base model's.
    more = last.together.memory_bytes - packs[0].together.loaded_bytes
    grows = chosen(terms, packs) is last and terms.bytes(last) + more <= terms.room
    return 2 * last.members if grows and 2 * last.members <= most else None


def _runs(work: Sequence[Work]) -> dict[str, int]:
    """Returns the runs of each phase; of a technique, which is drawn, they may be no whole ones."""
    found: dict[str, float] = {}
    for part in work:
        found[part.phase] = found.get(part.phase, 0.0) + part.runs
    return {phase: round(runs) for phase, runs in found.items()}


def _companies(
    packs: Sequence[Pack], members: int, runs: int, slots: int
) -> Iterator[tuple[float, Pack]]:
    """Yields in which packs the runs of a phase go, each with its share of them.

    Those that are left over when all packs were full share what devices there are.
    """
    left = runs
    for pack in reversed(packs):
        if pack.members > members or not runs:
            continue
        places = pack.members * slots
        own = left if pack.members == 1 else left // places * places
        yield own / runs, pack
        left -= own
