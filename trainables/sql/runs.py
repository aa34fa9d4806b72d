"""Runs the texts of a row in the sandbox, and answers for a child that did not survive them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainables.sql.database_file import DatabaseTooLarge, content
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import ChildDied, SandboxProcess

Outcome = dict[str, Any]
"""As `trainables.sql.sandbox.scoring_child` describes it."""

FINAL = ("limit", "forbidden")
"""Kinds of failures that no other reading of a text mends."""

ENDED = "ended"
"""The kind of failure of a prediction that ended the child process twice, for time or memory:
another machine may have more of them."""

_INSTRUCTIONS_A_BYTE = 20
_MOST_INSTRUCTIONS = 500_000_000
_INSTRUCTIONS_A_SECOND = 20_000_000
"""Of SQLite's virtual machine, on a slow machine."""

_KEYS = ("context", "reference", "prediction", "equal", "unjudged", "message")


@dataclass(frozen=True)
class Reading:
    """A row as one dialect reads it: texts that SQLite runs.

    Attributes:
        dialect: "sqlite" where they are the row's own texts.
        context: Builds the database.
        reference: None where it is known not to run.
        functions: What they call beyond SQLite's own functions.
        database: The file that the database is a copy of; None where the context builds it.
    """

    dialect: str
    context: str
    reference: str | None
    functions: tuple[str, ...] = ()
    database: str | None = None

    def without_reference(self) -> Reading:
        """Returns it for predictions that are compared with nothing."""
        return replace(self, reference=None)


class Runs:
    """One child process, kept between rows, and one for the rows of the last database file.

    Args:
        limits: What one row may use.

    Attributes:
        heartbeat: Called about twice a second while a row runs.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process = SandboxProcess(limits)
        self._on_file: tuple[str, SandboxProcess] | None = None
        self.heartbeat: Callable[[], None] | None = None

    def close(self) -> None:
        """Ends the child process; the next row starts another."""
        self._process.close()
        self._close_file()

    def _close_file(self) -> None:
        if self._on_file is not None:
            self._on_file[1].close()
            self._on_file = None

    def _process_for(self, database: str | None) -> SandboxProcess:
        """Returns the process that holds a database.

        Raises:
            DatabaseUnreadable: It cannot be read any more, or is too large to be copied.
        """
        if database is None:
            return self._process
        if self._on_file is None or self._on_file[0] != database:
            self._close_file()
            copied = content(Path(database))
            limits = limits_with(len(copied), self._limits)
            self._on_file = (database, SandboxProcess(limits, copied))
        return self._on_file[1]

    def run(self, reading: Reading, prediction: str, functions: tuple[str, ...] = ()) -> Outcome:
        """Runs a reading's reference and a prediction, each as if in a database of its own.

        Args:
            reading: The row.
            prediction: Any text.
            functions: What it calls beyond SQLite's own functions.
        """
        try:
            process = self._process_for(reading.database)
        except DatabaseTooLarge as error:
            return _refused("context") | {"message": str(error)}
        return self._run(_request(reading, prediction, functions), process)

    def agree(self, one: Reading, other: Reading) -> bool:
        """Tells whether two readings of one row do the same."""
        if (one.context, one.reference) == (other.context, other.reference):
            return True
        request = _request(one, other.reference or "", other.functions)
        if one.context != other.context:
            request["prediction_context"] = other.context
        return bool(self._run(request, self._process)["equal"])

    def _run(self, request: dict[str, Any], process: SandboxProcess) -> Outcome:
        longest = self._limits.value_bytes
        if len(request["context"] or "") > longest:
            return _refused("context")
        for stage in ("reference", "prediction"):
            if len(request[stage] or "") > longest:
                # A lone semicolon is refused too, and needs no path of its own through the child.
                return self._run(request | {stage: ";"}, process) | {stage: "limit"}
        try:
            return self._ask(request, process)
        except ChildDied as death:
            if death.stage == "":
                return _refused("context")
            if death.stage == "context":
                return self._run(request | {"reference": None}, process) | {"reference": "limit"}
            if death.stage == "prediction":
                return dict.fromkeys(_KEYS) | {"unjudged": "limit"}
            message = "it ends the SQL process, for time or memory, at a second try too"
            return dict.fromkeys(_KEYS) | {"prediction": ENDED, "message": message}

    def _ask(self, request: dict[str, Any], process: SandboxProcess) -> Outcome:
        try:
            return process.ask(request, self.heartbeat)
        except ChildDied:
            # Anyone may have killed the child, or kept the machine busy, once; a second death, of a
            # new child, is the row's doing.
            return process.ask(request, self.heartbeat)


def limits_with(content_bytes: int, limits: Limits) -> Limits:
    """Returns what a row may use whose database is a copy of a file.

    A statement may look at each byte of it a few times over, and SQLite has to hold it, twice where
    it is changed.

    Args:
        content_bytes: Size of the file.
        limits: Of a row whose context builds its database.
    """
    more = min(_INSTRUCTIONS_A_BYTE * content_bytes, _MOST_INSTRUCTIONS)
    seconds = more / _INSTRUCTIONS_A_SECOND
    return limits._replace(
        instructions=limits.instructions + more,
        cpu_seconds=limits.cpu_seconds + seconds,
        wall_seconds=limits.wall_seconds + 10 * seconds,
        heap_bytes=limits.heap_bytes + 2 * content_bytes,
        address_bytes=limits.address_bytes + 4 * content_bytes,
    )


def _request(reading: Reading, prediction: str, functions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "context": reading.context,
        "reference": reading.reference,
        "prediction": prediction,
        "functions": sorted({*reading.functions, *functions}),
        "is_translated": reading.dialect != "sqlite",
    }


def _refused(stage: str) -> Outcome:
    outcome: Outcome = dict.fromkeys(_KEYS)
    return outcome | {stage: "limit", "message": "it ends the SQL process, or is too long"}
