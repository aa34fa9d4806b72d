"""What a sweep was expected to take when it began, kept to be held against what it took."""

from __future__ import annotations

import dataclasses
import json
import math

from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles

_WHAT = "what the sweep was expected to take"
_REMEDY = "remove it; nothing but a comparison depends on it"


@dataclasses.dataclass(frozen=True)
class Planned:
    """Seconds of devices that a sweep was expected to take in all.

    Attributes:
        low: The least, as single trials differ.
        middle: The most likely.
        high: The most.
        trials: On how many earlier trials it rests.
    """

    low: float
    middle: float
    high: float
    trials: int


def note_plan(files: SweepFiles, planned: Planned) -> None:
    """Writes the expectation down, once.

    Raises:
        StoreError: It could not be stored.
    """
    files.store.put_if_absent(files.plan_key, json.dumps(dataclasses.asdict(planned)).encode())


def read_plan(files: SweepFiles) -> Planned | None:
    """Returns what a sweep was expected to take; None where that was not known at its start.

    Raises:
        DamagedError: The record is none; names it and the remedy.
    """
    record = read_record(files.place, files.plan_key, _WHAT, _REMEDY)
    if record is None:
        return None
    try:
        planned = Planned(**record)
        seconds = [float(planned.low), float(planned.middle), float(planned.high)]
    except (TypeError, ValueError, OverflowError) as error:
        raise damaged(files.place.name(files.plan_key), _WHAT, _REMEDY) from error
    if not all(0 <= each < math.inf for each in seconds) or not isinstance(planned.trials, int):
        raise damaged(files.place.name(files.plan_key), _WHAT, _REMEDY)
    return planned
