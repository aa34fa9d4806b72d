"""Does a predicted SQL statement do what the reference does, on the row's own small database?

For each row, the context (`CREATE TABLE ...; INSERT INTO ...`) is built in a fresh SQLite database
in memory; the prediction finds it as the reference found it. Their results are compared as
multisets of rows: the number and order of columns, NULLs, and numbers within a tolerance count
(`trainables.sql.sandbox.comparison`); the order of rows counts only where the reference has ORDER
BY at its outermost level. If either changes data or schema, so do the states of the database after
each. A text of several statements is run whole: the results of all of them count, and the state
after the last. A text that SQLite refuses is tried as MySQL, PostgreSQL and T-SQL, translated by
sqlglot (`trainables.sql.dialects`).

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
- That ties come in the same order: where ORDER BY leaves rows tied, or LIMIT cuts between them, a
  prediction with another plan may be told apart from a reference that means the same.
- That CHECK constraints, collations and the names of indexes are compared after a change of schema.
- That every dialect runs. What neither SQLite nor a translation runs is left out (reference) or
  wrong (prediction); a text that SQLite runs is never tried as another dialect, even if it means
  another thing there.
- That RANDOM() or the time of day is the same in both runs, unless both texts are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainables.sql.dialects import for_sqlite
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import ChildDied, SandboxProcess, SandboxUnavailable

__all__ = ["Limits", "SandboxUnavailable", "SqlExecutor", "execute"]

Scores = dict[str, float | None]
Request = dict[str, str | None]
Outcome = dict[str, Any]

_NOT_MEASURED: Scores = {"execution_accuracy": None, "valid_sql": None}


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
        self, contexts: Sequence[str], references: Sequence[str], predictions: Sequence[str]
    ) -> list[Scores]:
        """Scores each prediction against the reference in the same place.

        Args:
            contexts: SQL that builds the row's database; may be empty.
            references: SQL that does what is asked.
            predictions: What a model wrote; any text.

        Returns:
            For each row `execution_accuracy`, 1.0 if the prediction does what the reference does,
            0.0 if not, None if the reference itself does not run; and `valid_sql`, 1.0 if the
            prediction runs within the limits, 0.0 if not. Both are None if the context cannot be
            built.

        Raises:
            ValueError: The lists differ in length.
            SandboxUnavailable: No child process can be started.
        """
        if not len(contexts) == len(references) == len(predictions):
            raise ValueError(
                f"There are {len(contexts)} contexts, {len(references)} references and "
                f"{len(predictions)} predictions; each row needs one of each."
            )
        return [self._row(*row) for row in zip(contexts, references, predictions, strict=True)]

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
        # The same text is right even where it says RANDOM().
        equal = outcome["equal"] or (valid and prediction.strip() == reference.strip())
        return {"execution_accuracy": float(bool(equal)), "valid_sql": float(valid)}

    def _say_again(self, stage: str, request: Request, outcome: Outcome) -> tuple[Request, Outcome]:
        """Tries what the refused text means in other dialects; if none runs, nothing changes."""
        if outcome[stage] == "error":
            for said in for_sqlite(request[stage] or ""):
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
            return self._process.ask(request)
        except ChildDied as death:
            if death.limited:
                raise
            # Anyone may have killed the child, once; a second death is the row's doing.
            return self._process.ask(request)


def _refused(stage: str) -> Outcome:
    return {"context": None, "reference": None, "prediction": None, "equal": None, stage: "limit"}
