"""The clock of this machine, which may jump."""

from __future__ import annotations

import datetime
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

DAY = 24 * 3600.0


class Clock:
    """Tells this process a time that is off by some seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Takes the place of `datetime` in those modules of the orchestrator that are loaded."""
        self._seconds = 0.0
        clock = self

        class Kind(type):
            def __instancecheck__(cls, instance: Any) -> bool:
                return isinstance(instance, datetime.datetime)

        class Told(datetime.datetime, metaclass=Kind):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> Any:
                return datetime.datetime.now(tz) + datetime.timedelta(seconds=clock._seconds)

        told = types.ModuleType("datetime")
        vars(told).update(vars(datetime) | {"datetime": Told})
        for name, module in list(sys.modules.items()):
            if name.startswith("orchestrator.") and vars(module).get("datetime") is datetime:
                monkeypatch.setattr(module, "datetime", told)

    def jump(self, seconds: float, *folders: Path) -> None:
        """Jumps; the files in some folders were then written as much longer ago."""
        self._seconds += seconds
        for folder in folders:
            for path in folder.rglob("*"):
                status = path.stat()
                os.utime(path, (status.st_atime - seconds, status.st_mtime - seconds))

    def reset(self) -> None:
        """Tells the time as it is."""
        self._seconds = 0.0
