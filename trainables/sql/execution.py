"""Does a predicted SQL statement do what the reference does, on the row's own small database?

For each row, the context (`CREATE TABLE ...; INSERT INTO ...`) is built in a fresh SQLite database
in memory, or that database is a copy of the row's file; the prediction finds it as the reference
found it. A prediction is right if it returns what the reference may return
(`trainables.sql.sandbox.comparison`): the number and order of columns count, NULLs, and numbers but
for rounding; the order of rows counts where the reference has ORDER BY at its outermost level, and
rows that tie there, or at a LIMIT, are as right as each other (`trainables.sql.sandbox.judgement`).
If either changes data or schema, so do the states of the database after each, with all that a
schema says (`trainables.sql.sandbox.schema`). A text of several statements is run whole: the
results of all of them count, and the state after the last. Both run at one fixed time
(`trainables.sql.sandbox.clock`).

A score is exact, or it is not given. Context and reference run as they are in SQLite; where they
show signs of MySQL, PostgreSQL, T-SQL or Oracle, or SQLite refuses them, they run in a translation
that is known to keep the meaning (`trainables.sql.translation`), in every dialect that they fit: if
the reference returns the same in all of them, the row is measured, else it is not, with a reason
(`trainables.sql.plans`). That is decided by context and reference alone. A prediction is read in
its row's dialect, then as SQLite, then as another dialect; one that may say something of which no
translation is known is neither right nor wrong ("unjudged"), and one that is of no dialect is wrong
(`trainables.sql.measurement` has the reasons). Where texts run as they are, a decimal that is whole
is still divided as a decimal (`trainables.sql.sandbox.decimals`).

What is promised. A prediction is hostile: it runs in a child process
(`trainables.sql.sandbox.scoring_child`) that holds nothing but the row and the copy of its database
(read by `trainables.sql.database_file`, which cannot change the file), may open no file and start
no process, and has limits (`Limits`) on instructions, processor time, memory and the size of what
it makes; SQLite's authorizer permits what `trainables.sql.sandbox.permissions` lists, so no ATTACH,
no PRAGMA, no extension, no virtual table. Limits are counted in instructions and processor time: a
busy machine changes no score. What decides one is counted: instructions, rows, characters, bytes of
SQLite's heap. Time, and memory beyond that heap, only end the child: then the row is tried once
more, alone in a new child, and a prediction that ends this one too is not judged.

What is not promised:

- That it is a security boundary against a flaw in SQLite or Python itself. The child runs as the
  same user; no system call is filtered.
- That the address space is limited on macOS, where the system does not enforce it; SQLite's own
  limit on its heap holds there. Windows is not supported.
- That equal results mean equal statements: a small database cannot tell `>` from `>=` unless a row
  lies on the border, and one without rows can tell almost nothing.
- That every choice of SQLite's is known: where a subquery, a window or GROUP_CONCAT takes tied
  rows, or rows without an order, the first, the last and some dozens of shuffles are tried; where
  these leave the outcome open, the prediction is not judged.
- That expressions in a schema (CHECK, generated columns, indexes, views without rows, triggers) are
  compared by more than their text: `a > 1` and `1 < a` are two. Names of indexes do not count.
- That every construct of every dialect is measured: `trainables.sql.translation` is an allow-list.
- That a text which runs as it is, and shows no sign of another dialect, means what that dialect
  would make of it: `7 / 2` is 3, LIKE does not see the case of letters, NULLs come first.
- That a reference with RANDOM() is measured, but by its own text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from trainables.contract.scores import UNJUDGED
from trainables.sql.dialects import (
    DIALECTS,
    Meaning,
    NotTranslated,
    has_foreign_signs,
    is_foreign,
    meanings,
    without_quotes_around_names,
)
from trainables.sql.measurement import Judgement, Measurement, Reason
from trainables.sql.plans import Plan, plan, plan_on
from trainables.sql.runs import ENDED, FINAL, Outcome, Reading, Runs
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import SandboxUnavailable

__all__ = [
    "Judgement",
    "Limits",
    "Measurement",
    "SandboxUnavailable",
    "SqlExecutor",
    "execute",
]

Scores = dict[str, float | None]
Heartbeat = Callable[[], None]

_WRONG = Judgement(0.0, 0.0)


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
        self._runs = Runs(limits or Limits())
        # Of the rows that do not simply run as they are; those need no plan.
        self._plans: dict[tuple[str, str, str | None], Plan] = {}

    def __enter__(self) -> SqlExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process. A later call of `execute` starts another."""
        self._runs.close()

    def execute(
        self,
        contexts: Sequence[str],
        references: Sequence[str],
        predictions: Sequence[str],
        heartbeat: Heartbeat | None = None,
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
            for judgement in self.judge(contexts, references, predictions, heartbeat)
        ]

    def judge(
        self,
        contexts: Sequence[str],
        references: Sequence[str],
        predictions: Sequence[str],
        heartbeat: Heartbeat | None = None,
        databases: Sequence[str | None] | None = None,
    ) -> list[Judgement]:
        """Scores as `execute` does, and says of each row why a score is None.

        Args:
            contexts: As there; of a row with a database file its schema.
            references: As there.
            predictions: As there.
            heartbeat: As there.
            databases: SQLite files, one a row; None for a row whose context builds its database.
                The row's database is then a copy of the file, in memory.

        Raises:
            DatabaseUnreadable: A file cannot be read.
            ValueError: The lists differ in length.
            SandboxUnavailable: No child process can be started.
        """
        if not len(contexts) == len(references) == len(predictions):
            raise ValueError(
                f"There are {len(contexts)} contexts, {len(references)} references and "
                f"{len(predictions)} predictions; each row needs one of each."
            )
        self._runs.heartbeat = heartbeat
        files = databases or [None] * len(contexts)
        rows = list(zip(contexts, references, predictions, files, strict=True))
        found: dict[int, Judgement] = {}
        # One process holds one database.
        for number in sorted(range(len(rows)), key=lambda number: rows[number][3] or ""):
            if heartbeat is not None:
                heartbeat()
            try:
                found[number] = self._row(*rows[number])
            except NotTranslated:
                found[number] = _unjudged("the parsing process reached its limits")
        return [found[number] for number in range(len(rows))]

    def measurable(self, context: str, reference: str, database: str | None = None) -> Measurement:
        """Tells whether a row can be measured: the same for every prediction.

        Args:
            context: Builds its database; of one with a database file its schema.
            reference: SQL that does what is asked.
            database: Its SQLite file. Rows of one are best asked about one after the other.

        Raises:
            DatabaseUnreadable: The file cannot be read.
            SandboxUnavailable: No child process can be started.
        """
        return self._plan(context, reference, database).measurement

    def _plan(self, context: str, reference: str, database: str | None) -> Plan:
        key = (context, reference, database)
        if key not in self._plans:
            self._plans[key] = (
                plan(context, reference, self._runs)
                if database is None
                else plan_on(database, reference, self._runs)
            )
        return self._plans[key]

    def _row(
        self, context: str, reference: str, prediction: str, database: str | None
    ) -> Judgement:
        key = (context, reference, database)
        if database is None and key not in self._plans and not is_foreign(context, reference):
            # Most rows: they run as they are, and one request tells all.
            reading = Reading("sqlite", context, reference)
            outcome = self._runs.run(reading, prediction)
            if not outcome["context"] and not outcome["reference"]:
                return self._as_sqlite(reading, prediction, context, outcome)
            if outcome["context"] == "limit":
                reason = Reason("limit", outcome["message"] or "")
                self._plans[key] = Plan((), reason)
        made = self._plan(context, reference, database)
        if made.reason is not None:
            return self._validity(made, context, prediction)
        reading = made.readings[0]
        if reading.dialect == "sqlite":
            return self._as_sqlite(
                reading, prediction, context, self._runs.run(reading, prediction)
            )
        return self._as_dialects(made, context, prediction)

    def _as_sqlite(
        self, reading: Reading, prediction: str, context: str, outcome: Outcome
    ) -> Judgement:
        """Judges a prediction by what it does as it is, or as another dialect where that fails."""
        if (final := _final(outcome)) is not None:
            is_wrong = final == Judgement(0.0, 1.0)
            if is_wrong and has_foreign_signs(without_quotes_around_names(prediction)):
                return self._unless_right_elsewhere(reading, prediction, context, final)
            return final
        if outcome["prediction"] == "name" and not has_foreign_signs(prediction):
            return _WRONG
        return self._as_others(reading, prediction, context, DIALECTS)

    def _unless_right_elsewhere(
        self, reading: Reading, prediction: str, context: str, as_it_is: Judgement
    ) -> Judgement:
        """Judges a prediction that is wrong in SQLite, and shows signs of a dialect that it is not.

        `CAST(x AS DECIMAL(10, 2))` rounds everywhere but there.
        """
        said = self._meanings(prediction, context, DIALECTS)
        if any(self._judged(reading, one).execution_accuracy == 1.0 for one in said):
            return Judgement(None, 1.0, Reason(UNJUDGED, "its meaning depends on the dialect"))
        return as_it_is

    def _as_dialects(self, made: Plan, context: str, prediction: str) -> Judgement:
        """Judges a prediction in the dialects of its row, and else as any."""
        dialects = {reading.dialect: reading for reading in made.readings}
        said = self._meanings(prediction, context, list(dialects))
        if said:
            found = [self._judged(dialects[one.dialect], one) for one in said]
            return _together(found, several=len(dialects) > 1)
        reading = made.readings[0]
        outcome = self._runs.run(reading, prediction)
        if (final := _final(outcome)) is not None:
            return final
        others = [dialect for dialect in DIALECTS if dialect not in dialects]
        return self._as_others(reading, prediction, context, others)

    def _as_others(
        self, reading: Reading, prediction: str, context: str, dialects: Sequence[str]
    ) -> Judgement:
        """Judges a prediction that its row's dialect refuses as what it may be else."""
        said = self._meanings(prediction, context, dialects)
        found = [self._judged(reading, one) for one in said]
        return _together(found, several=False) if found else _WRONG

    def _validity(self, made: Plan, context: str, prediction: str) -> Judgement:
        """Judges a prediction of a row that cannot be measured: does it run?"""
        if not made.readings:
            return Judgement(None, None, made.reason)
        reading = made.readings[0]
        outcome = self._runs.run(reading, prediction)
        valid = self._as_sqlite(reading, prediction, context, outcome).valid_sql
        return Judgement(None, valid, made.reason)

    def _meanings(self, text: str, context: str, dialects: Iterable[str]) -> list[Meaning]:
        said: list[Meaning] = []
        # Quotes around names are no evidence against a prediction: SQLite takes all of them.
        for spelling in dict.fromkeys((text, without_quotes_around_names(text))):
            said = said or meanings(
                spelling,
                context,
                context_binds=False,
                dialects=list(dialects),
                heartbeat=self._runs.heartbeat,
            )
        return said

    def _judged(self, reading: Reading, said: Meaning) -> Judgement:
        if said.sql is None:
            return _WRONG if said.is_past_limit else _unjudged(said.reason)
        outcome = self._runs.run(reading, said.sql, said.functions)
        if (final := _final(outcome)) is not None:
            return final
        # Wrong where its own dialect refuses it too.
        if outcome["prediction"] in ("name", "value"):
            return _WRONG
        return _unjudged(outcome["message"] or "")


def _final(outcome: Outcome) -> Judgement | None:
    """Returns the judgement of a prediction that no other reading can change, else None."""
    if outcome["prediction"] is None:
        return _measured(outcome)
    if outcome["prediction"] == ENDED:
        return _unjudged(outcome["message"] or "")
    return _WRONG if outcome["prediction"] in FINAL else None


def _measured(outcome: Outcome) -> Judgement:
    if outcome["unjudged"]:
        return Judgement(None, 1.0, Reason(UNJUDGED, outcome["unjudged"]))
    equal = outcome["equal"]
    return Judgement(None if equal is None else float(bool(equal)), 1.0)


def _unjudged(detail: str) -> Judgement:
    return Judgement(None, None, Reason(UNJUDGED, detail))


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
    if all(judgement == known[0] for judgement in known):
        return known[0]
    return _unjudged("its meaning depends on the dialect")
