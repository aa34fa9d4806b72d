"""What a row is read as: decided once, by its context and its reference alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from trainables.sql.dialects import (
    Meaning,
    NotTranslated,
    counts_up,
    has_foreign_signs,
    is_foreign,
    meanings,
    without_decorations,
)
from trainables.sql.measurement import Measurement, Reason
from trainables.sql.runs import Outcome, Reading, Runs


@dataclass(frozen=True)
class Plan:
    """How the predictions of a row are judged.

    Attributes:
        readings: Those of the row; where it cannot be measured, one whose context can be built, or
            none.
        reason: Why it cannot be measured.
    """

    readings: tuple[Reading, ...]
    reason: Reason | None = None

    @property
    def measurement(self) -> Measurement:
        if self.reason is not None:
            return Measurement((), self.reason)
        return Measurement(tuple(reading.dialect for reading in self.readings))


def plan(context: str, reference: str, runs: Runs) -> Plan:
    """Returns how a row is read.

    A row that shows no sign of another dialect, and runs as it is, is SQLite's. Else it is of each
    dialect that has all that it says; it is measured if all of these can be said in SQLite, and do
    the same.

    Args:
        context: What builds its database.
        reference: What is asked for.
        runs: Where it is tried.
    """
    plain = without_decorations(context)
    as_it_is = Reading("sqlite", plain, reference)
    outcome = runs.run(as_it_is, reference)
    does_run = not outcome["context"] and not outcome["reference"]
    if does_run and not is_foreign(context, reference):
        return Plan((as_it_is,))
    if "limit" in (outcome["context"], outcome["reference"]):
        built = () if outcome["context"] else (as_it_is.without_reference(),)
        return Plan(built, Reason("limit", outcome["message"] or ""))
    try:
        return _translated(as_it_is, outcome, runs)
    except NotTranslated:
        built = () if outcome["context"] else (as_it_is.without_reference(),)
        return Plan(built, Reason("limit", "of the parsing process"))


def plan_on(database: str, reference: str, runs: Runs) -> Plan:
    """Returns how a row is read whose database is a file: as SQLite's, which the file is.

    Args:
        database: The file.
        reference: What is asked for.
        runs: Where it is tried.
    """
    reading = Reading("sqlite", "", reference, database=database)
    outcome = runs.run(reading, reference)
    message = outcome["message"] or ""
    if (kind := outcome["context"]) is not None:
        return Plan((), Reason("limit" if kind == "limit" else "context fails", message))
    if (kind := outcome["reference"]) is not None:
        reason = Reason("limit" if kind == "limit" else "reference fails", message)
        return Plan((reading.without_reference(),), reason)
    return Plan((reading,))


def _translated(as_it_is: Reading, outcome: Outcome, runs: Runs) -> Plan:
    context, reference = as_it_is.context, as_it_is.reference or ""
    builds = not outcome["context"]
    contexts = {said.dialect: said for said in meanings(None, context)}
    readings, unknown = _paired(
        contexts.values(), meanings(reference, context, dialects=list(contexts))
    )
    if not readings and not unknown:
        # No dialect has both: the context may be SQLite's, or another dialect's.
        bases = _bases(context, list(contexts.values()), builds=builds)
        said = meanings(reference, context, context_binds=False)
        if not said and bases and bases[0].dialect != "sqlite":
            said = [Meaning("sqlite", reference)]
        readings, unknown = _paired(bases, said, of_one_dialect=False)
    kept, failed = _those_that_run(readings, runs)
    if not kept and not unknown and not failed:
        if builds and not outcome["reference"] and not readings:
            return Plan((as_it_is,))
        built = [as_it_is] if builds else _built(contexts.values(), runs)
        kind = "reference fails" if built else "context fails"
        return _unmeasured(built, kind, outcome["message"] or "")
    built = kept or ([as_it_is] if builds else _built(contexts.values(), runs))
    if unknown or failed:
        return _unmeasured(built, "no translation", unknown[0].reason if unknown else failed[0])
    for other in kept[1:]:
        if not runs.agree(kept[0], other):
            differing = f"{kept[0].dialect} and {other.dialect}"
            return _unmeasured(built, "dialects differ", differing)
    return Plan(tuple(kept))


def _bases(context: str, contexts: Sequence[Meaning], *, builds: bool) -> list[Meaning]:
    """Returns what a context may mean to a reference of another dialect.

    Args:
        context: What builds the database.
        contexts: What it means in the dialects that it is of.
        builds: Whether SQLite runs it as it is.
    """
    if contexts and (has_foreign_signs(context) or not builds):
        return list(contexts)
    if counts_up(context):
        # SQLite would leave the column NULL.
        return [Meaning("sqlite", None, reason="a column that counts up")]
    return [Meaning("sqlite", context)] if builds else []


def _paired(
    contexts: Iterable[Meaning], references: Iterable[Meaning], *, of_one_dialect: bool = True
) -> tuple[list[Reading], list[Meaning]]:
    """Returns the readings of context and reference, and what cannot be said of other ones.

    Args:
        contexts: What the context means.
        references: What the reference means.
        of_one_dialect: Whether both must be of one dialect.
    """
    readings, unknown = [], []
    for built, said in product(contexts, references):
        if of_one_dialect and built.dialect != said.dialect:
            continue
        if built.sql is None or said.sql is None:
            unknown.append(built if built.sql is None else said)
        else:
            functions = (*built.functions, *said.functions)
            readings.append(Reading(said.dialect, built.sql, said.sql, functions))
    return readings, unknown


def _those_that_run(readings: Sequence[Reading], runs: Runs) -> tuple[list[Reading], list[str]]:
    """Returns the readings that run, and what SQLite says of those that should run there.

    One that fails for a name or a value, which its own dialect refuses too, is none of the row's.
    """
    kept, failed = [], []
    for reading in readings:
        outcome = runs.run(reading, reading.reference or "")
        kind = outcome["context"] or outcome["reference"]
        if kind is None:
            kept.append(reading)
        elif kind not in ("name", "value"):
            failed.append(outcome["message"] or kind)
    return kept, failed


def _built(contexts: Iterable[Meaning], runs: Runs) -> list[Reading]:
    """Returns a reading whose context can be built, for `valid_sql`."""
    for said in contexts:
        if said.sql is not None:
            reading = Reading(said.dialect, said.sql, None, said.functions)
            if not runs.run(reading, "SELECT 1")["context"]:
                return [reading]
    return []


def _unmeasured(built: Sequence[Reading], kind: str, detail: str) -> Plan:
    return Plan(tuple(one.without_reference() for one in built[:1]), Reason(kind, detail))
