"""Does a predicted SQL statement do what the reference does, on the row's own small database?

For each row, the context (`CREATE TABLE ...; INSERT INTO ...`) is built in a fresh SQLite database
in memory; the prediction finds it as the reference found it. A prediction is right if it returns
what the reference may return (`trainables.sql.sandbox.comparison`): the number and order of columns
count, NULLs, and numbers but for rounding; the order of rows counts where the reference has ORDER
BY at its outermost level, and rows that tie there, or at a LIMIT, are as right as each other
(`trainables.sql.sandbox.judgement`). If either changes data or schema, so do the states of the
database after each, with all that a schema says (`trainables.sql.sandbox.schema`). A text of
several statements is run whole: the results of all of them count, and the state after the last.
Both run at one fixed time (`trainables.sql.sandbox.clock`). A text that SQLite refuses is tried as
MySQL, PostgreSQL and T-SQL, translated by sqlglot (`trainables.sql.dialects`).

What is promised. A prediction is hostile: it runs in a child process
(`trainables.sql.sandbox.scoring_child`) that holds nothing but the row, may open no file and start
no process, and has limits (`Limits`) on instructions, processor time, memory and the size of what
it makes; SQLite's authorizer permits what `trainables.sql.sandbox.permissions` lists, so no ATTACH,
no PRAGMA, no extension, no virtual table. Limits are counted in instructions and processor time: a
busy machine changes no score. A prediction that ends the child scores 0, and the next row gets a
new child.

What is not promised:

- That it is a security boundary against a flaw in SQLite or Python itself. The child runs as the
  same user; no system call is filtered.
- That the address space is limited on macOS, where the system does not enforce it; SQLite's own
  limit on its heap holds there. Windows is not supported.
- That equal results mean equal statements: a small database cannot tell `>` from `>=` unless a row
  lies on the border, and one without rows can tell almost nothing.
- That every choice of SQLite's is known: where a subquery, a window or GROUP_CONCAT takes tied
  rows, or rows without an order, only the first and the last of its choices are.
- That expressions in a schema (CHECK, generated columns, indexes, views without rows, triggers) are
  compared by more than their text: `a > 1` and `1 < a` are two. Names of indexes do not count.
- That every dialect runs. What neither SQLite nor a translation runs is left out (reference) or
  wrong (prediction); a text that SQLite runs is never tried as another dialect, even if it means
  another thing there.
- That a reference with RANDOM() is measured, but by its own text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trainables.sql.dialects import translations
from trainables.sql.parsing import process as parsing
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import ChildDied, SandboxProcess, SandboxUnavailable

__all__ = ["Limits", "SandboxUnavailable", "SqlExecutor", "execute"]

Scores = dict[str, float | None]
Request = dict[str, str | None]
Outcome = dict[str, Any]

_NOT_MEASURED: Scores = {"execution_accuracy": None, "valid_sql": None}


class _NotTranslated(Exception):  # noqa: N818  # what happened, not what is wrong
    """The parsing process reached its limits of time or memory."""


def execute(
    contexts: Sequence[str], references: Sequence[str], predictions: Sequence[str]
) -> list[Scores]:
    """Runs every row in a child process of its own batch; see `SqlExecutor.execute`."""
    with SqlExecutor() as executor:
        return executor.execute(contexts, references, predictions)


class SqlExecutor:
    """Runs rows in one child process, kept between batches.

    Not for use from several threads at once.

    Args:
        limits: What one row may use.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process = SandboxProcess(self._limits)
        self._heartbeat: Callable[[], None] | None = None
        # What runs in place of a context, or of a reference in its context; None: nothing does.
        self._contexts: dict[str, str | None] = {}
        self._references: dict[tuple[str, str], str | None] = {}

    def __enter__(self) -> SqlExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process. A later call of `execute` starts another."""
        self._process.close()

    def execute(
        self,
        contexts: Sequence[str],
        references: Sequence[str],
        predictions: Sequence[str],
        heartbeat: Callable[[], None] | None = None,
    ) -> list[Scores]:
        """Scores each prediction against the reference in the same place.

        Args:
            contexts: SQL that builds the row's database; may be empty.
            references: SQL that does what is asked.
            predictions: What a model wrote; any text.
            heartbeat: Called before each row, and about twice a second within one. What it raises
                ends the call.

        Returns:
            For each row `execution_accuracy`, 1.0 if the prediction does what the reference does,
            0.0 if not, None if the reference itself does not run or the two cannot be compared
            (the reference is of chance, or its ties are not understood); and `valid_sql`, 1.0 if
            the prediction runs within the limits, 0.0 if not. Both are None if the context cannot
            be built, or if a translation twice reached the limits of the parsing process.

        Raises:
            ValueError: The lists differ in length.
            SandboxUnavailable: No child process can be started.
        """
        if not len(contexts) == len(references) == len(predictions):
            raise ValueError(
                f"There are {len(contexts)} contexts, {len(references)} references and "
                f"{len(predictions)} predictions; each row needs one of each."
            )
        self._heartbeat = heartbeat
        rows = []
        for row in zip(contexts, references, predictions, strict=True):
            if heartbeat is not None:
                heartbeat()
            try:
                rows.append(self._row(*row))
            except _NotTranslated:
                rows.append(dict(_NOT_MEASURED))
        return rows

    def _row(self, context: str, reference: str, prediction: str) -> Scores:
        key = (context, reference)
        request: Request = {
            "context": self._contexts.get(context, context),
            "reference": self._references.get(key, reference),
            "prediction": prediction,
        }
        if request["context"] is None:
            return dict(_NOT_MEASURED)
        outcome = self._run(request)
        if outcome["context"]:
            request, outcome = self._say_again("context", request, outcome)
            self._contexts[context] = None if outcome["context"] else request["context"]
            if outcome["context"]:
                return dict(_NOT_MEASURED)
        if outcome["reference"]:
            request, outcome = self._say_again("reference", request, outcome)
            self._references[key] = None if outcome["reference"] else request["reference"]
        if outcome["prediction"]:
            request, outcome = self._say_again("prediction", request, outcome)
        valid = not outcome["prediction"]
        if request["reference"] is None or outcome["reference"]:
            return {"execution_accuracy": None, "valid_sql": float(valid)}
        if outcome["unjudged"]:
            return {"execution_accuracy": None, "valid_sql": float(valid)}
        return {"execution_accuracy": float(bool(outcome["equal"])), "valid_sql": float(valid)}

    def _say_again(self, stage: str, request: Request, outcome: Outcome) -> tuple[Request, Outcome]:
        """Tries what the refused text means in other dialects; if none runs, nothing changes."""
        if outcome[stage] == "error":
            [said_again] = parsing.shared().map(
                translations, [(request[stage] or "",)], self._heartbeat
            )
            if said_again is None:
                raise _NotTranslated
            for said in said_again:
                attempt = request | {stage: said}
                answer = self._run(attempt)
                if answer[stage] is None:
                    return attempt, answer
        return request, outcome

    def _run(self, request: Request) -> Outcome:
        """Asks the child, and answers for a child that did not survive the request."""
        longest = self._limits.value_bytes
        if len(request["context"] or "") > longest:
            return _refused("context")
        for stage in ("reference", "prediction"):
            if len(request[stage] or "") > longest:
                # A lone semicolon is refused too, and needs no path of its own through the child.
                request = request | {stage: ";"}
        try:
            return self._ask(request)
        except ChildDied as death:
            if death.stage == "":
                return _refused("context")
            if death.stage == "context":
                return self._run(request | {"reference": None}) | {"reference": "limit"}
            return _refused("prediction")

    def _ask(self, request: Request) -> Outcome:
        try:
            return self._process.ask(request, self._heartbeat)
        except ChildDied as death:
            if death.limited:
                raise
            # Anyone may have killed the child, once; a second death is the row's doing.
            return self._process.ask(request, self._heartbeat)


def _refused(stage: str) -> Outcome:
    outcome = dict.fromkeys(("context", "reference", "prediction", "equal", "unjudged"))
    return {**outcome, stage: "limit"}
