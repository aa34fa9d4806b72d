"""How a sweep was started: the command and the search space, whole, one record for each change.

Nothing of a sweep's run depends on it; whoever reads the results can repeat it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles

_WHAT = "a record of a start"
_REMEDY = "put it back from a copy of the store, or move it out"


@dataclasses.dataclass(frozen=True)
class Start:
    """One start of a sweep.

    Attributes:
        command: The words of the command line, without the program.
        profile: Of the sweep.
        search_space: What a file says that resolves to the sweep under that profile.
    """

    command: tuple[str, ...]
    profile: str
    search_space: Mapping[str, Any]


class StartLog:
    """The records of one sweep, in `state/sweep=<sweep_id>/starts/`, one JSON file each."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before `note`."""
        self._files = files

    def note(self, start: Start) -> None:
        """Writes a start down, unless it is the one that was written down last.

        Only the process that holds the sweep may.

        Raises:
            DamagedError: A record is none; names it and the remedy.
            StoreError: It could not be stored.
        """
        if self.latest() != start:
            data = json.dumps(dataclasses.asdict(start), indent=1).encode()
            self._files.store.put_if_absent(self._key(self._count()), data)

    def latest(self) -> Start | None:
        """Returns the last start; None of a sweep that began when none was written down.

        Raises:
            DamagedError: The record is none; names it and the remedy.
        """
        count = self._count()
        if not count:
            return None
        key = self._key(count - 1)
        name = self._files.place.name(key)
        record = read_record(self._files.place, key, _WHAT, _REMEDY)
        if record is None:
            return None
        try:
            start = Start(**record | {"command": tuple(record["command"])})
        except (LookupError, TypeError) as error:
            raise damaged(name, _WHAT, _REMEDY) from error
        if not _is_sound(start):
            raise damaged(name, _WHAT, _REMEDY)
        return start

    def _count(self) -> int:
        count = 0
        while self._files.place.has(self._key(count)):
            count += 1
        return count

    def _key(self, index: int) -> str:
        return f"{self._files.starts_key}/{index:04d}.json"


def _is_sound(start: Start) -> bool:
    said = start.search_space
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        return False
    return all(isinstance(word, str) for word in (*start.command, start.profile))
