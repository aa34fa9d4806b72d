"""Runs the texts of a row in the sandbox, and answers for a child that did not survive them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import ChildDied, SandboxProcess

Outcome = dict[str, Any]
"""As `trainables.sql.sandbox.scoring_child` describes it."""

FINAL = ("limit", "forbidden")
"""Kinds of failures that no other reading of a text mends."""

ENDED = "ended"
"""The kind of failure of a prediction that ended the child process twice, for time or memory:
another machine may have more of them."""

_KEYS = ("context", "reference", "prediction", "equal", "unjudged", "message")


@dataclass(frozen=True)
class Reading:
    """A row as one dialect reads it: texts that SQLite runs.

    Attributes:
        dialect: "sqlite" where they are the row's own texts.
        context: Builds the database.
        reference: None where it is known not to run.
        functions: What they call beyond SQLite's own functions.
    """

    dialect: str
    context: str
    reference: str | None
    functions: tuple[str, ...] = ()

    def without_reference(self) -> Reading:
        """Returns it for predictions that are compared with nothing."""
        return replace(self, reference=None)


class Runs:
    """One child process, kept between rows.

    Args:
        limits: What one row may use.

    Attributes:
        heartbeat: Called about twice a second while a row runs.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process = SandboxProcess(limits)
        self.heartbeat: Callable[[], None] | None = None

    def close(self) -> None:
        """Ends the child process; the next row starts another."""
        self._process.close()

    def run(self, reading: Reading, prediction: str, functions: tuple[str, ...] = ()) -> Outcome:
        """Runs a reading's reference and a prediction, each as if in a database of its own.

        Args:
            reading: The row.
            prediction: Any text.
            functions: What it calls beyond SQLite's own functions.
        """
        return self._run(_request(reading, prediction, functions))

    def agree(self, one: Reading, other: Reading) -> bool:
        """Tells whether two readings of one row do the same."""
        if (one.context, one.reference) == (other.context, other.reference):
            return True
        request = _request(one, other.reference or "", other.functions)
        if one.context != other.context:
            request["prediction_context"] = other.context
        return bool(self._run(request)["equal"])

    def _run(self, request: dict[str, Any]) -> Outcome:
        longest = self._limits.value_bytes
        if len(request["context"] or "") > longest:
            return _refused("context")
        for stage in ("reference", "prediction"):
            if len(request[stage] or "") > longest:
                # A lone semicolon is refused too, and needs no path of its own through the child.
                return self._run(request | {stage: ";"}) | {stage: "limit"}
        try:
            return self._ask(request)
        except ChildDied as death:
            if death.stage == "":
                return _refused("context")
            if death.stage == "context":
                return self._run(request | {"reference": None}) | {"reference": "limit"}
            if death.stage == "prediction":
                return dict.fromkeys(_KEYS) | {"unjudged": "limit"}
            message = "it ends the SQL process, for time or memory, at a second try too"
            return dict.fromkeys(_KEYS) | {"prediction": ENDED, "message": message}

    def _ask(self, request: dict[str, Any]) -> Outcome:
        try:
            return self._process.ask(request, self.heartbeat)
        except ChildDied:
            # Anyone may have killed the child, or kept the machine busy, once; a second death, of a
            # new child, is the row's doing.
            return self._process.ask(request, self.heartbeat)


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
