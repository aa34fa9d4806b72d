"""A console for programs."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

from rich.table import Table

from orchestrator.terminal.json_console import JsonConsole
from orchestrator.terminal.plain_console import shown


def _written(console: JsonConsole) -> list[dict[str, Any]]:
    assert isinstance(console.file, io.StringIO)
    return [json.loads(line) for line in console.file.getvalue().splitlines()]


def test_each_message_is_an_object_on_a_line() -> None:
    console = JsonConsole(file=io.StringIO(), force_terminal=True)
    console.print(shown("two\nlines", "bold"))
    console.print()
    table = Table()
    table.add_column("a")
    table.add_row("1")
    console.print(table)
    first, second = _written(console)
    assert (first["event"], first["text"]) == ("message", "two\nlines")
    assert "a" in second["text"]
    assert "\x1b" not in second["text"]
    assert datetime.datetime.fromisoformat(first["at"]).tzinfo == datetime.UTC


def test_an_event_has_its_fields_and_hostile_text_acts_on_nothing() -> None:
    console = JsonConsole(file=io.StringIO())
    console.event("failed", trial_id="t-a", error="\x1b[2J\u202e", seconds=1.5)
    (event,) = _written(console)
    assert {**event, "at": ""} == {
        "at": "",
        "event": "failed",
        "trial_id": "t-a",
        "error": "\x1b[2J\u202e",
        "seconds": 1.5,
    }
    assert isinstance(console.file, io.StringIO)
    assert not {"\x1b", "\u202e"} & set(console.file.getvalue())


def test_a_quiet_one_tells_events_and_no_messages() -> None:
    console = JsonConsole(file=io.StringIO())
    console.quiet = True
    console.print("unsaid")
    console.event("answer", text="said")
    console.quiet = False
    console.print("said")
    assert [event["text"] for event in _written(console)] == ["said", "said"]
