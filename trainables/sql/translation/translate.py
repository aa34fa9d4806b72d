"""A text of a dialect as statements of SQLite: plain values in, plain values out.

These functions parse what anyone wrote, so a caller may run them in a process with limits.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp

from trainables.sql.translation import (
    DIALECTS,
    aggregates,
    alter,
    arithmetic,
    call_syntax,
    commands,
    comparisons,
    conditions,
    create,
    functions,
    insert,
    literals,
    merge,
    operands,
    patterns,
    queries,
    structure,
    update,
)
from trainables.sql.translation.alter import with_constraints_in_place
from trainables.sql.translation.grammar import parse, quoted_doubly
from trainables.sql.translation.kinds import NotKnown, NotSpoken, PastLimit
from trainables.sql.translation.reading import Reading

# Imported for the rules that they register.
_RULES = (
    aggregates,
    alter,
    arithmetic,
    call_syntax,
    commands,
    comparisons,
    conditions,
    create,
    functions,
    insert,
    literals,
    merge,
    operands,
    patterns,
    queries,
    update,
)

_OF_UNKNOWN_SHAPE = (ValueError, TypeError, AttributeError, LookupError, AssertionError)
"""What a rule raises for a tree of another shape than it expects."""

_LONGEST_KEPT = 8_000
"""Characters of a context that is kept as it was read; it takes 0.1 MB, of some 2,000 at most."""

Translation = dict[str, Any]
"""`sql` and `functions` (what it calls of the sandbox), where the text is translated; else
`refused`: "not spoken", "not known" or "limit", and `reason`."""


def translate(
    dialect: str, context: str, text: str | None = None, *, known_tables: bool = True
) -> Translation:
    """Returns a context, or a text in its context, said in SQLite.

    Args:
        dialect: One of `DIALECTS`.
        context: What builds the database, in the same dialect.
        text: The statements to be said; None: the context itself.
        known_tables: Whether a context that is not of the dialect refuses the text too; else the
            text is said with the kinds that columns have in another dialect, or without.
    """
    read = _context if len(context) <= _LONGEST_KEPT else _context.__wrapped__
    found = read(dialect, context)
    if text is None or (known_tables and "refused" in found.translation):
        return found.translation
    if "refused" in found.translation:
        reading = Reading(dialect, {})
        reading.knows_tables = False
        # A plain loop: each dialect is read at one depth of the stack, whoever asks.
        for other in DIALECTS:
            if other == dialect:
                continue
            found = read(other, context)
            if "sql" in found.translation:
                reading.tables, reading.knows_tables = copy.deepcopy(found.reading.tables), True
                break
    else:
        reading = _after(found.reading)
    return _translated(reading, text, is_context=False)


@dataclass(frozen=True)
class _Context:
    """A context as one dialect reads it; not to be changed, since it is kept.

    Attributes:
        translation: It in SQLite, or why not.
        reading: What it says of its tables, where it is translated.
    """

    translation: Translation
    reading: Reading


@lru_cache(maxsize=2_048)
def _context(dialect: str, context: str) -> _Context:
    """Returns a context as one dialect reads it: each prediction of its row asks for it again."""
    reading = Reading(dialect, {})
    if not context.strip():
        return _Context({"sql": "", "functions": []}, reading)
    return _Context(_translated(reading, context, is_context=True), reading)


def _translated(reading: Reading, text: str, *, is_context: bool) -> Translation:
    try:
        said = _statements(reading, text, is_context=is_context)
    except NotSpoken as refusal:
        return {"refused": "not spoken", "reason": str(refusal)}
    except NotKnown as refusal:
        return {"refused": "not known", "reason": str(refusal)}
    except (PastLimit, RecursionError) as refusal:
        return {"refused": "limit", "reason": str(refusal)}
    except _OF_UNKNOWN_SHAPE:
        # A tree of another shape than the rules expect: nothing is known of what it means.
        return {"refused": "not known", "reason": "a construct of an unknown shape"}
    if is_context and any("REFERENCES" in statement for statement in said):
        # The other systems enforce foreign keys; in contexts as they are written they may not
        # hold yet where they stand.
        said.append("PRAGMA foreign_keys = ON")
    return {"sql": ";\n".join(said), "functions": sorted(reading.functions)}


def _statements(reading: Reading, text: str, *, is_context: bool) -> list[str]:
    trees, doubt = parse(text, reading.dialect)
    if is_context:
        trees = with_constraints_in_place(trees)
    said = []
    for tree in trees:
        # The rules first: a text that the dialect does not have is of it in no part.
        said += reading.statement(tree)
        structure.check(tree)
    if reading.is_of("mysql") and not is_context and '"' in text:
        names = {name for table in reading.tables.values() for name in table.columns}
        names |= {node.alias.lower() for tree in trees for node in tree.find_all(exp.Alias)}
        if names & quoted_doubly(text):
            doubt = (
                doubt or "a name in double quotes, which are a string's or a name's by a setting"
            )
    if doubt:
        raise NotKnown(doubt)
    return said


def _after(reading: Reading) -> Reading:
    """Returns the reading of a text after its context."""
    following = Reading(reading.dialect, copy.deepcopy(reading.tables))
    following.knows_tables = reading.knows_tables
    following.enums = copy.deepcopy(reading.enums)
    return following
