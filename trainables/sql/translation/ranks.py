"""Queries that take rows by their rank: DISTINCT ON and WITH TIES."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.kinds import NotKnown, NotSpoken
from trainables.sql.translation.limits import limit_count, limit_options, limit_text
from trainables.sql.translation.ordering import key_text
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier


def first_of_each(
    reading: Reading,
    node: exp.Select,
    items: list[str],
    columns: Columns,
    clauses: str,
    scope: Scope,
) -> str:
    """PostgreSQL's DISTINCT ON: the first row of each group, in the order that is asked for."""
    order, on = node.args.get("order"), node.args["distinct"].args["on"]
    if order is None or node.args.get("group") or any(item.endswith("*") for item in items):
        raise NotKnown("DISTINCT ON without an order, or over groups")
    keys = on.expressions if isinstance(on, exp.Tuple) else [on]
    groups = ", ".join(said.sql for said in reading.expressions(keys, scope))
    inner, outer, kept = _ordered_inside(reading, node, items, columns, scope)
    number = f"ROW_NUMBER() OVER (PARTITION BY {groups} {inner}) AS [first of each]"
    sql = f"SELECT {kept} FROM (SELECT {', '.join([*outer[1], number])}{clauses})"
    return f"{sql} WHERE [first of each] = 1 {outer[0]}" + limit_text(reading, node, scope)


def _ordered_inside(
    reading: Reading, node: exp.Select, items: list[str], columns: Columns, scope: Scope
) -> tuple[str, tuple[str, list[str]], str]:
    """Returns the order for a window, that of the outer query with its columns, and the results."""
    order = node.args["order"]
    keys = []
    for key in order.expressions:
        value = key.this
        if isinstance(value, exp.Literal):
            value = node.expressions[int(value.name) - 1]
        if isinstance(value, exp.Column) and not value.table:
            aliased = [
                i.this
                for i in node.expressions
                if isinstance(i, exp.Alias) and i.alias == value.name
            ]
            value = aliased[0] if aliased else value
        value = value.this if isinstance(value, exp.Alias) else value
        keys.append(exp.Ordered(**{**key.args, "this": value.copy()}))
    texts = [key_text(reading, key, scope, {}) for key in keys]
    said = reading.expressions([key.this for key in keys], scope)
    if any(one.kind.values for one in said):
        raise NotKnown("a rank in the order of an enumeration")
    inner = [f"{one.sql} AS [key {i}]" for i, one in enumerate(said)]
    outside = [
        f"[key {i}]"
        + (
            " COLLATE " + text.rpartition(" COLLATE ")[2]
            if " COLLATE " in text
            else _direction(text)
        )
        for i, text in enumerate(texts)
    ]
    numbered = [f"{item.rpartition(' AS ')[0]} AS [item {i}]" for i, item in enumerate(items)]
    kept = ", ".join(f"[item {i}] AS {identifier(name)}" for i, name in enumerate(columns))
    return (
        f"ORDER BY {', '.join(texts)}",
        (f"ORDER BY {', '.join(outside)}", [*numbered, *inner]),
        kept,
    )


def _direction(text: str) -> str:
    for ending in (" DESC NULLS FIRST", " DESC NULLS LAST", " NULLS FIRST", " NULLS LAST", " DESC"):
        if text.endswith(ending):
            return ending
    return ""


def has_ties(node: exp.Select) -> bool:
    options = limit_options(node)
    return options is not None and bool(options.args.get("with_ties"))


def with_ties(
    reading: Reading,
    node: exp.Select,
    items: list[str],
    columns: Columns,
    clauses: str,
    scope: Scope,
) -> str:
    """FETCH FIRST n ROWS WITH TIES: the rows whose rank is within the number."""
    reading.only("WITH TIES", "postgres", "tsql", "oracle")
    if node.args.get("order") is None:
        raise NotSpoken("WITH TIES without an order")
    if (
        node.args.get("distinct")
        or node.args.get("offset")
        or any(item.endswith("*") for item in items)
    ):
        raise NotKnown("WITH TIES beside DISTINCT, OFFSET or *")
    count = limit_count(reading, node, scope)
    inner, outer, kept = _ordered_inside(reading, node, items, columns, scope)
    sql = f"SELECT {', '.join(outer[1])}, RANK() OVER ({inner}) AS [rank with ties]{clauses}"
    return f"SELECT {kept} FROM ({sql}) WHERE [rank with ties] <= {count} {outer[0]}"
