"""A console for programs: each message and each event is a JSON object on a line of its own."""

from __future__ import annotations

import datetime
from typing import Any

from orchestrator.terminal.json_text import json_text
from orchestrator.terminal.output import json_values
from orchestrator.terminal.plain_console import PIPED_WIDTH, PlainConsole


class JsonConsole(PlainConsole):
    """Writes `{"at": <UTC>, "event": <name>, ...}`; what is printed is the event "message"."""

    def __init__(self, **options: Any) -> None:
        """Opens the console, also on a terminal without colours and frames."""
        without = {"force_terminal": False, "no_color": True, "width": PIPED_WIDTH}
        super().__init__(**{**options, **without})

    def print(self, *objects: Any, **options: Any) -> None:
        """Writes what would be printed as one message; an empty line as nothing."""
        with self.capture() as captured:
            super().print(*objects, **options)
        if text := captured.get().strip("\n"):
            self.event("message", text=text)

    def event(self, name: str, **fields: Any) -> None:
        """Writes an event.

        Args:
            name: What happened.
            fields: Of it, as `json_values` takes them: a number that is none is null.
        """
        if self.quiet and name == "message":
            return
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        values = json_values({"at": at, "event": name, **fields})
        self.file.write(json_text(values) + "\n")
        self.file.flush()
