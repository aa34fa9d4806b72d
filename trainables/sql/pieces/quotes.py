"""Quotes around names: when `a`, [a] and "a" are the name a, and when "a" is a string.

SQLite reads a name in double quotes that no column has as a string, MySQL every one. A statement
alone does not show which; this module takes for a name or a string only what is one in statements
that people write, and else lets the text count as it stands. The words of the row's schema, where
they are known, decide it. In a text that SQLite does not speak, quotes tell which dialect is meant,
and all of them count.
"""

from __future__ import annotations

import re
from collections.abc import Set

from sqlglot import exp

from trainables.sql.pieces.edits import Edits, is_plain_name
from trainables.sql.pieces.keywords import (
    BEFORE_PARENTHESIS,
    FUNCTIONS_OF_SQLITE,
    MEANINGFUL,
    OF_A_DIALECT,
)
from trainables.sql.pieces.lexical import lower

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LOWER_CASE_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")

_OTHER_WORDS = OF_A_DIALECT | {
    *("both", "div", "dual", "duplicate", "fetch", "ilike", "interval", "leading", "regexp"),
    *("rlike", "separator", "trailing", "xor"),
}
_OTHER_SIGNS = frozenset([":=", "::", "&&", "<=>", "@>", "<@", "~", "!~", "~~", "~*", "^"])

_OF_NAMES_ALONE = exp.Table | exp.TableAlias | exp.Alias | exp.ColumnDef | exp.Schema
_Comparison = exp.EQ | exp.NEQ | exp.Like | exp.In


def unquote_names(tree: exp.Expr, edits: Edits, schema: Set[str] | None) -> None:
    """Lets names count without their quotes in one statement, and strings with single ones.

    Args:
        tree: Of the statement.
        edits: Takes what counts.
        schema: The words of the database's definition, in lower case; None if it is not known.
    """
    for identifier in tree.find_all(exp.Identifier):
        if "start" not in identifier.meta:
            continue
        place = edits.place(identifier)
        piece = edits.piece(place)
        if piece.kind != "name" or isinstance(identifier.parent, exp.Func):
            continue
        if piece.text[0] != '"' or _is_name(identifier, schema):
            edits.replace(place, _canonical(identifier))
        elif _is_string(identifier, edits, schema):
            edits.replace(place, "'" + identifier.name.replace("'", "''") + "'")


def is_of_another_dialect(edits: Edits, names: Set[int]) -> bool:
    """Tells whether a text has words, signs or functions that SQLite lacks.

    Args:
        edits: Of the text.
        names: The places of identifiers.
    """
    if not edits.words.keys().isdisjoint(_OTHER_WORDS):
        return True
    opened = [""]  # for each open parenthesis: the function before it, up to a SELECT inside
    for place in range(len(edits)):
        word, after = edits.word(place), edits.word(place + 1)
        if word == "(":
            before = edits.word(place - 1)
            opened.append(before if before not in BEFORE_PARENTHESIS else "")
        elif word == ")" and len(opened) > 1:
            opened.pop()
        elif word == "select":
            opened[-1] = ""
        elif word == "order" and after == "by" and opened[-1].isidentifier():
            # Of the rows that an aggregate takes; SQLite has it since 3.44.
            return True
        if after == "(" and edits.piece(place).kind == "word" and place not in names:
            if word not in BEFORE_PARENTHESIS and word not in FUNCTIONS_OF_SQLITE:
                return True
        elif word in _OTHER_SIGNS or (word == "distinct" and after == "on"):
            return True
    return False


def _canonical(identifier: exp.Identifier) -> str:
    name, owner = lower(identifier.name), identifier.parent
    can_stand_alone = (
        is_plain_name(owner) if isinstance(owner, exp.Column) else name not in MEANINGFUL
    )
    return name if can_stand_alone and _NAME.match(name) else f"`{name}`"


def _is_name(identifier: exp.Identifier, schema: Set[str] | None) -> bool:
    """Tells whether a double-quoted word is surely a name, or in a place where strings are not."""
    column = identifier.parent
    if not isinstance(column, exp.Column):
        return isinstance(column, _OF_NAMES_ALONE)
    if column.table or identifier.arg_key != "this":
        return True
    if schema is not None and lower(identifier.name) not in schema:
        return False
    parent = column.parent
    if isinstance(parent, exp.Predicate):
        return column.arg_key == "this" and isinstance(parent, exp.Binary | exp.In | exp.Between)
    if isinstance(parent, exp.Select):
        # Beside other columns it may be a label: SELECT name, "high" FROM t.
        return all(_is_quoted(item) for item in parent.expressions)
    return isinstance(parent, exp.Group | exp.Ordered | exp.AggFunc | exp.Distinct)


def _is_quoted(item: exp.Expr) -> bool:
    name = item.this if isinstance(item, exp.Column) else None
    return isinstance(name, exp.Identifier) and bool(name.quoted)


def _is_string(identifier: exp.Identifier, edits: Edits, schema: Set[str] | None) -> bool:
    """Tells whether a double-quoted word that is no name by its place is surely a string."""
    column = identifier.parent
    if not isinstance(column, exp.Column) or edits.words[lower(identifier.name)] > 1:
        return False
    if schema is not None:
        return lower(identifier.name) not in schema
    return (
        isinstance(column.parent, _Comparison)
        and column.arg_key != "this"
        and not _LOWER_CASE_NAME.match(identifier.name)
    )
