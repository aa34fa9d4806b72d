"""LIKE and regular expressions."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.kinds import BOOLEAN, PADDED, NotKnown, NotSpoken, Said
from trainables.sql.translation.reading import Reading, Scope, says, string


@says(exp.Like, exp.ILike)
def _like(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    return _like_with(reading, node, scope, None)


def _like_with(reading: Reading, node: exp.Binary, scope: Scope, escape: str | None) -> Said:
    if isinstance(node, exp.ILike):
        reading.only("ILIKE", "postgres")
    if node.args.get("negate"):
        positive = type(node)(this=node.this, expression=node.expression)
        return Said(f"(NOT {_like_with(reading, positive, scope, escape).sql})", BOOLEAN)
    pattern = node.expression
    if isinstance(pattern, exp.Any | exp.All):
        reading.only("LIKE ANY", "postgres")
        inside = pattern.this
        while isinstance(inside, exp.Paren):
            inside = inside.this
        if not isinstance(inside, exp.Array):
            raise NotKnown("LIKE ANY")
        tests = [
            _like(reading, type(node)(this=node.this, expression=item), scope).sql
            for item in inside.expressions
        ]
        return Said(
            "(" + (" OR " if isinstance(pattern, exp.Any) else " AND ").join(tests) + ")", BOOLEAN
        )
    left, right = reading.expressions([node.left, pattern], scope)
    for side in (left, right):
        if side.kind == PADDED:
            raise NotKnown("LIKE of a text padded with blanks")
        if not (side.kind.is_text or side.kind.name in ("unknown", "null")):
            if reading.is_of("postgres"):
                raise NotSpoken(f"LIKE of a {side.kind.name}")
            if reading.is_of("tsql", "oracle") or side.kind.name not in ("integer", "date"):
                raise NotKnown(f"LIKE of a {side.kind.name}")
    name = {"mysql": "text_like_of_mysql", "tsql": "text_like_of_tsql"}.get(
        reading.dialect, "text_like"
    )
    if isinstance(node, exp.ILike):
        name = "text_like_in_any_case"
    mark = string(escape) if escape else "'\\'" if reading.is_of("mysql", "postgres") else "NULL"
    return Said(reading.call(name, left.sql, right.sql, mark), BOOLEAN)


@says(exp.Escape)
def _escape(reading: Reading, node: exp.Escape, scope: Scope) -> Said:
    mark = node.expression
    if not isinstance(node.this, exp.Like | exp.ILike) or not mark.is_string or len(mark.this) != 1:
        raise NotKnown("ESCAPE")
    return _like_with(reading, node.this, scope, str(mark.this))


@says(exp.RegexpLike, exp.RegexpILike)
def _matches(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    reading.only("a regular expression", "mysql", "postgres")
    left, right = reading.expressions([node.this, node.expression], scope)
    for side in (left, right):
        if not (side.kind.is_text or side.kind.name in ("unknown", "null")):
            raise NotKnown(f"a regular expression on a {side.kind.name}")
    any_case = isinstance(node, exp.RegexpILike) or reading.is_of("mysql")
    name = "text_matches_in_any_case" if any_case else "text_matches"
    return Said(reading.call(name, left.sql, right.sql), BOOLEAN)
