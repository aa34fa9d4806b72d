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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainables.sql.dialects import (
    DIALECTS,
    Meaning,
    has_foreign_signs,
    is_foreign,
    meaning_in,
    meanings,
    without_decorations,
)
from trainables.sql.measurement import SCORING_VERSION, Judgement, Measurement, Reason
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import ChildDied, SandboxProcess, SandboxUnavailable

__all__ = [
    "SCORING_VERSION",
    "Judgement",
    "Limits",
    "Measurement",
    "SandboxUnavailable",
    "SqlExecutor",
    "execute",
]

Scores = dict[str, float | None]
Request = dict[str, Any]
Outcome = dict[str, Any]

_OUTCOME = ("context", "reference", "prediction", "equal", "unjudged", "message")


@dataclass(frozen=True)
class _Reading:
    """A row as one dialect reads it: a context and a reference that SQLite runs."""

    dialect: str
    context: str
    reference: str | None
    functions: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """How the predictions of a row are judged.

    Attributes:
        readings: Those of the row; where it cannot be measured, one whose context can be built, or
            none.
        reason: Why it cannot be measured.
    """

    readings: tuple[_Reading, ...]
    reason: Reason | None = None


_FINAL = ("limit", "forbidden")
"""Kinds of failures that no other reading of a text mends."""


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
        # Of the rows that do not simply run as they are; those need no plan.
        self._plans: dict[tuple[str, str], _Plan] = {}

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
            0.0 if not, None if that is not known; and `valid_sql`, 1.0 if the prediction runs
            within the limits, 0.0 if not, None if that is not known. `judge` says why.

        Raises:
            ValueError: The lists differ in length.
            SandboxUnavailable: No child process can be started.
        """
        return [
            {
                "execution_accuracy": judgement.execution_accuracy,
                "valid_sql": judgement.valid_sql,
            }
            for judgement in self.judge(contexts, references, predictions)
        ]

    def judge(
        self, contexts: Sequence[str], references: Sequence[str], predictions: Sequence[str]
    ) -> list[Judgement]:
        """Scores as `execute` does, and says of each row why a score is None.

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

    def measurable(self, context: str, reference: str) -> Measurement:
        """Tells whether a row can be measured: the same for every prediction.

        Raises:
            SandboxUnavailable: No child process can be started.
        """
        key = (context, reference)
        if key not in self._plans and not is_foreign(context, reference):
            outcome = self._run(_as_it_is(context, reference, reference))
            if not outcome["context"] and not outcome["reference"]:
                return Measurement(("sqlite",))
        plan = self._plan(context, reference)
        if plan.reason is not None:
            return Measurement((), plan.reason)
        return Measurement(tuple(reading.dialect for reading in plan.readings))

    def _row(self, context: str, reference: str, prediction: str) -> Judgement:
        if (context, reference) not in self._plans and not is_foreign(context, reference):
            outcome = self._run(_as_it_is(context, reference, prediction))
            if outcome["context"] == "limit":
                reason = Reason("limit", outcome["message"] or "")
                self._plans[(context, reference)] = _Plan((), reason)
            elif not outcome["context"] and not outcome["reference"]:
                reading = _Reading("sqlite", context, reference)
                return self._judgement_of_sqlite(reading, prediction, context, outcome)
        plan = self._plan(context, reference)
        if plan.reason is not None:
            return self._only_validity(plan, context, prediction)
        if plan.readings[0].dialect == "sqlite":
            reading = plan.readings[0]
            outcome = self._run_in(reading, prediction)
            return self._judgement_of_sqlite(reading, prediction, context, outcome)
        return self._judgement(plan, context, prediction)

    # What a row is read as.

    def _plan(self, context: str, reference: str) -> _Plan:
        key = (context, reference)
        if key not in self._plans:
            self._plans[key] = self._made_plan(context, reference)
        return self._plans[key]

    def _made_plan(self, context: str, reference: str) -> _Plan:
        plain = without_decorations(context)
        outcome = self._run(_as_it_is(plain, reference, reference))
        runs = not outcome["context"] and not outcome["reference"]
        as_it_is = _Reading("sqlite", plain, reference)
        if runs and not is_foreign(context, reference):
            return _Plan((as_it_is,))
        if "limit" in (outcome["context"], outcome["reference"]):
            here = () if outcome["context"] else (_Reading("sqlite", plain, None),)
            return _Plan(here, Reason("limit", outcome["message"] or ""))
        readings, unknown = _readings(plain, reference, builds=not outcome["context"])
        if not readings and not unknown:
            if runs:
                return _Plan((as_it_is,))
            return self._failing_plan(plain, outcome)
        kept, failed = self._those_that_run(readings)
        built = kept[:1] or self._built(plain, outcome)
        if unknown:
            return _Plan(_without_reference(built), Reason("no translation", unknown[0].reason))
        if failed:
            return _Plan(_without_reference(built), Reason("no translation", failed[0]))
        if not kept:
            return self._failing_plan(plain, outcome)
        for other in kept[1:]:
            if not self._agree(kept[0], other):
                differing = f"{kept[0].dialect} and {other.dialect}"
                return _Plan(_without_reference(built), Reason("dialects differ", differing))
        return _Plan(tuple(kept))

    def _failing_plan(self, context: str, outcome: Outcome) -> _Plan:
        built = self._built(context, outcome)
        kind = "reference fails" if built else "context fails"
        return _Plan(_without_reference(built), Reason(kind, outcome["message"] or ""))

    def _built(self, context: str, outcome: Outcome) -> list[_Reading]:
        """Returns a reading whose context can be built, for `valid_sql`."""
        if not outcome["context"]:
            return [_Reading("sqlite", context, None)]
        for dialect in DIALECTS:
            said = meaning_in(dialect, None, context)
            if said is not None and said.sql is not None:
                reading = _Reading(dialect, said.sql, None, said.functions)
                if not self._run_in(reading, "SELECT 1")["context"]:
                    return [reading]
        return []

    def _those_that_run(self, readings: list[_Reading]) -> tuple[list[_Reading], list[str]]:
        """Returns the readings that run, and what SQLite says of those that should run there.

        One that fails for a name or a value that its own dialect refuses too is none of the row's.
        """
        kept, failed = [], []
        for reading in readings:
            outcome = self._run_in(reading, reading.reference or "")
            kind = outcome["context"] or outcome["reference"]
            if kind is None:
                kept.append(reading)
            elif kind not in ("name", "value"):
                failed.append(outcome["message"] or kind)
        return kept, failed

    def _agree(self, one: _Reading, other: _Reading) -> bool:
        """Tells whether the reference does the same in two readings."""
        if (one.context, one.reference) == (other.context, other.reference):
            return True
        request = _request(one, other.reference or "", other.functions)
        if one.context != other.context:
            request["prediction_context"] = other.context
        return bool(self._run(request)["equal"])

    # What a prediction is.

    def _judgement_of_sqlite(
        self, reading: _Reading, prediction: str, context: str, outcome: Outcome
    ) -> Judgement:
        """Judges a prediction by what it does as it is, or as another dialect where that fails."""
        failure = outcome["prediction"]
        if failure is None:
            return _measured(outcome)
        if failure in _FINAL or (failure == "name" and not has_foreign_signs(prediction)):
            return Judgement(0.0, 0.0)
        return self._by_other_dialects(reading, prediction, context, DIALECTS)

    def _judgement(self, plan: _Plan, context: str, prediction: str) -> Judgement:
        """Judges a prediction in the dialects of its row."""
        found: list[Judgement] = []
        for reading in plan.readings:
            said = meaning_in(reading.dialect, prediction, context, alone=True)
            if said is None:
                continue
            if said.sql is None:
                found.append(_untranslated(said))
                continue
            outcome = self._run_in(reading, said.sql, said.functions)
            found.append(_measured(outcome) if outcome["prediction"] is None else _failed(outcome))
        if found:
            return _together(found, several=len(plan.readings) > 1)
        reading = plan.readings[0]
        outcome = self._run_in(reading, prediction)
        if outcome["prediction"] is None:
            return _measured(outcome)
        if outcome["prediction"] in _FINAL:
            return Judgement(0.0, 0.0)
        others = [
            dialect for dialect in DIALECTS if dialect not in {r.dialect for r in plan.readings}
        ]
        return self._by_other_dialects(reading, prediction, context, others)

    def _by_other_dialects(
        self, reading: _Reading, prediction: str, context: str, dialects: Sequence[str]
    ) -> Judgement:
        """Judges a prediction that its row's dialect refuses as what it may be else."""
        found = []
        for said in meanings(prediction, context, alone=True):
            if said.dialect not in dialects:
                continue
            if said.sql is None:
                found.append(_untranslated(said))
                continue
            outcome = self._run_in(reading, said.sql, said.functions)
            found.append(_measured(outcome) if outcome["prediction"] is None else _failed(outcome))
        return _together(found, several=False) if found else Judgement(0.0, 0.0)

    def _only_validity(self, plan: _Plan, context: str, prediction: str) -> Judgement:
        if not plan.readings:
            return Judgement(None, None, plan.reason)
        reading = plan.readings[0]
        outcome = self._run_in(reading, prediction)
        valid: float | None = float(outcome["prediction"] is None)
        failure = outcome["prediction"]
        if (
            failure is not None
            and failure not in _FINAL
            and (failure != "name" or has_foreign_signs(prediction))
        ):
            valid = self._by_other_dialects(reading, prediction, context, DIALECTS).valid_sql
        return Judgement(None, valid, plan.reason)

    # How it is run.

    def _run_in(
        self, reading: _Reading, prediction: str, functions: tuple[str, ...] = ()
    ) -> Outcome:
        return self._run(_request(reading, prediction, functions))

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


def _readings(
    context: str, reference: str, *, builds: bool
) -> tuple[list[_Reading], list[Meaning]]:
    """Returns the dialects that a row fits, and what cannot be said of those that it fits too.

    Where no dialect has both the context and the reference, the context stays as it is if SQLite
    builds it.
    """
    for context_binds in (True, False):
        if not context_binds and not builds:
            break
        readings, unknown = [], []
        for dialect in DIALECTS:
            built = meaning_in(dialect, None, context) if context_binds else None
            if context_binds and built is None:
                continue
            said = meaning_in(dialect, reference, context, alone=not context_binds)
            if said is None:
                continue
            for part in (built, said):
                if part is not None and part.sql is None:
                    unknown.append(part)
                    break
            else:
                functions = (*(built.functions if built else ()), *said.functions)
                text = built.sql if built is not None else context
                readings.append(_Reading(dialect, text or "", said.sql, functions))
        if readings or unknown:
            return readings, unknown
    return [], []


def _as_it_is(context: str, reference: str | None, prediction: str) -> Request:
    return _request(_Reading("sqlite", context, reference), prediction)


def _request(reading: _Reading, prediction: str, functions: tuple[str, ...] = ()) -> Request:
    return {
        "context": reading.context,
        "reference": reading.reference,
        "prediction": prediction,
        "functions": sorted({*reading.functions, *functions}),
    }


def _without_reference(readings: Sequence[_Reading]) -> tuple[_Reading, ...]:
    return tuple(
        _Reading(reading.dialect, reading.context, None, reading.functions)
        for reading in readings[:1]
    )


def _refused(stage: str) -> Outcome:
    outcome: Outcome = dict.fromkeys(_OUTCOME)
    return outcome | {stage: "limit"}


def _measured(outcome: Outcome) -> Judgement:
    equal = outcome["equal"]
    if outcome["unjudged"]:
        return Judgement(None, 1.0, Reason("unjudged", outcome["unjudged"]))
    return Judgement(None if equal is None else float(bool(equal)), 1.0)


def _failed(outcome: Outcome) -> Judgement:
    """A translated prediction that does not run: wrong where its own dialect refuses it too."""
    if outcome["prediction"] in ("name", "value", *_FINAL):
        return Judgement(0.0, 0.0)
    return _unjudged(outcome["message"] or "")


def _untranslated(said: Meaning) -> Judgement:
    return Judgement(0.0, 0.0) if said.is_past_limit else _unjudged(said.reason)


def _unjudged(detail: str) -> Judgement:
    return Judgement(None, None, Reason("unjudged", detail))


def _together(found: list[Judgement], *, several: bool) -> Judgement:
    """Returns what all readings of a prediction say, or that it cannot be judged.

    Args:
        found: One judgement for each dialect that the prediction may be of.
        several: Whether the row itself fits several dialects: then those in which the prediction
            can be judged decide.
    """
    known = [judgement for judgement in found if judgement.reason is None]
    if not known or (len(known) < len(found) and not several):
        return next(judgement for judgement in found if judgement.reason is not None)
    first = known[0]
    if all(judgement == first for judgement in known):
        return first
    return _unjudged("its meaning depends on the dialect")
