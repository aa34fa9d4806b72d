"""Columns, parentheses, subqueries and what else an operand may be."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.dates import part
from trainables.sql.translation.intervals import interval_of
from trainables.sql.translation.kinds import BOOLEAN, UNKNOWN, Kind, NotKnown, NotSpoken, Said
from trainables.sql.translation.reading import Reading, Scope, identifier, says

_PSEUDO_COLUMNS = {
    "oracle": {"ROWNUM", "ROWID", "LEVEL", "USER", "UID", "CURRVAL", "NEXTVAL"},
    "postgres": {"CTID", "XMIN", "XMAX", "TABLEOID", "CURRENT_USER", "USER"},
}


@says(exp.Column)
def _column(reading: Reading, node: exp.Column, scope: Scope) -> Said:
    if isinstance(node.this, exp.Star):
        return Said(f"{identifier(node.table)}.*")
    name, source = node.name, node.table
    if not node.this.quoted and name.upper() in _PSEUDO_COLUMNS.get(reading.dialect, ()):
        raise NotKnown(name.upper())
    kind = scope.kind(name.lower(), source.lower())
    sql = f"{identifier(source)}.{identifier(name)}" if source else identifier(name)
    return Said(sql, kind, collation=True)


@says(exp.Paren)
def _paren(reading: Reading, node: exp.Paren, scope: Scope) -> Said:
    inner = reading.expression(node.this, scope)
    return inner if inner.interval or inner.sql.startswith("(") else _in_parentheses(inner)


def _in_parentheses(inner: Said) -> Said:
    return Said(f"({inner.sql})", inner.kind, inner.literal, collation=inner.collation)


@says(exp.Exists)
def _exists(reading: Reading, node: exp.Exists, scope: Scope) -> Said:
    query, _ = reading.query(node.this, scope)
    return Said(f"EXISTS ({query})", BOOLEAN)


@says(exp.Subquery)
def _subquery(reading: Reading, node: exp.Subquery, scope: Scope) -> Said:
    query, columns = reading.query(node.this, scope)
    if len(columns) > 1:
        beside = node.parent.iter_expressions() if node.parent is not None else ()
        if any(isinstance(other, exp.Tuple) for other in beside):
            raise NotKnown("a comparison of rows")
        raise NotSpoken("a subquery of several columns as one value")
    kind = next(iter(columns.values())) if columns else UNKNOWN
    return Said(f"({query})", kind._replace(shown=False))


@says(exp.Interval)
def _interval(reading: Reading, node: exp.Interval, scope: Scope) -> Said:
    return Said("", Kind("interval"), interval=interval_of(reading, node, scope))


@says(exp.Extract)
def _extract(reading: Reading, node: exp.Extract, scope: Scope) -> Said:
    reading.only("EXTRACT", "mysql", "postgres", "oracle")
    return part(reading, node.this.name, node.expression, scope)


@says(exp.ArrayOverlaps)
def _overlap(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    reading.only("&& of arrays", "postgres")
    for side in reading.expressions([node.left, node.right], scope):
        if side.kind.is_number or side.kind.is_text or side.kind.name == "boolean":
            raise NotSpoken("&& of what is no array")
    raise NotKnown("arrays")


@says(exp.AtTimeZone)
def _at_time_zone(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    reading.expression(node.this, scope)
    raise NotKnown("time zones")


@says(exp.Collate)
def _collate(reading: Reading, node: exp.Collate, scope: Scope) -> Said:
    reading.expression(node.this, scope)
    raise NotKnown("COLLATE")


@says(exp.Unnest)
def _unnested(reading: Reading, node: exp.Unnest, scope: Scope) -> Said:
    reading.only("UNNEST", "postgres")
    for said in reading.expressions(node.expressions, scope):
        if said.kind.is_number or said.kind.name == "boolean":
            raise NotSpoken("UNNEST of what is no array")
    raise NotKnown("arrays")


@says(exp.Distinct)
def _distinct(reading: Reading, node: exp.Distinct, scope: Scope) -> Said:
    raise NotKnown("DISTINCT over several values")
