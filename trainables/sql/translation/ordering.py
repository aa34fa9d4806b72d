"""ORDER BY as each dialect sorts: NULLs in their place, texts by their collation."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.kinds import COLLATIONS, NotKnown
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier, string


def directed(node: exp.Expr) -> tuple[bool, bool]:
    """Returns whether a key is sorted downwards, and whether its NULLs come first."""
    return bool(node.args.get("desc")), bool(node.args.get("nulls_first"))


def order_text(reading: Reading, order: exp.Expr, scope: Scope, named: Columns) -> str:
    """Returns an ORDER BY clause.

    Args:
        reading: Of the text.
        order: The clause.
        scope: What its keys can name.
        named: Result columns, which come before the tables' columns.
    """
    return "ORDER BY " + ", ".join(
        key_text(reading, key, scope, named) for key in order.expressions
    )


def key_text(reading: Reading, key: exp.Expr, scope: Scope, named: Columns) -> str:
    """Returns one key of an ORDER BY clause."""
    descending, nulls_first = directed(key)
    value = key.this
    if isinstance(value, exp.Literal) and not value.is_string:
        kinds = list(named.values())
        place = int(value.name) - 1 if value.name.isdigit() else -1
        kind = kinds[place] if 0 <= place < len(kinds) else None
        sql, collated = value.name, False
    elif isinstance(value, exp.Column) and not value.table and value.name.lower() in named:
        sql, kind, collated = identifier(value.name), named[value.name.lower()], False
    else:
        said = reading.expression(value, scope)
        if said.interval:
            raise NotKnown("an order by intervals")
        sql, kind, collated = said.sql, said.kind, said.collation
    collation = COLLATIONS.get(reading.dialect)
    if kind is not None and kind.values:
        if isinstance(value, exp.Literal):
            raise NotKnown("an order by the number of an enumeration's column")
        places = (f"WHEN {string(each)} THEN {place}" for place, each in enumerate(kind.values, 1))
        sql, kind = f"CASE {sql} {' '.join(places)} END", None
    if kind is not None and kind.is_text and collation and not collated:
        reading.functions.add(collation)
        sql = f"{sql} COLLATE {collation}"
    sql += " DESC" if descending else ""
    # In SQLite NULLs are smaller than anything else.
    if nulls_first != (not descending):
        sql += " NULLS FIRST" if nulls_first else " NULLS LAST"
    return sql
