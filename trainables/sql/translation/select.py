"""SELECT, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.aggregates import window_text
from trainables.sql.translation.comparisons import collated
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.groups import grouping_sets, holds_aggregate, reads_only_groups
from trainables.sql.translation.kinds import PADDED, Kind, NotKnown, NotSpoken, Said, widest
from trainables.sql.translation.limits import (
    limit_text,
    with_first_rows_inside,
    with_limits,
    without_row_numbers,
)
from trainables.sql.translation.ordering import order_text
from trainables.sql.translation.ranks import first_of_each, has_ties, with_ties
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier
from trainables.sql.translation.sources import From, inline_laterals, sources_of


def select(reading: Reading, node: exp.Select, outer: Scope | None) -> tuple[str, Columns]:
    if not node.expressions:
        raise NotSpoken("a SELECT of nothing")
    for modifier in node.args.get("operation_modifiers") or ():
        if modifier.name.upper() not in ("STRAIGHT_JOIN", "SQL_CALC_FOUND_ROWS", "HIGH_PRIORITY"):
            raise NotKnown(modifier.name)
    node = with_first_rows_inside(reading, inline_laterals(reading, node))
    group = node.args.get("group")
    sets = grouping_sets(reading, node) if group is not None else None
    if sets is not None:
        return _grouped_union(reading, node, sets, outer)
    row_limit, where = without_row_numbers(reading, node)
    sources = sources_of(reading, node, outer)
    scope = sources.scope
    items, columns = _items(reading, node, sources)
    clauses = [f" {sources.sql}"] if sources.sql else []
    if where is not None:
        clauses.append(f" WHERE {condition(reading, where, scope)}")
    named = Scope(scope.sources, outer, columns)
    if group is not None:
        clauses.append(_group(reading, group, named, len(columns)))
    having = node.args.get("having")
    if having is not None:
        clauses.append(f" HAVING {condition(reading, having.this, named)}")
    if group is not None or having is not None or any(map(holds_aggregate, node.expressions)):
        reads_only_groups(reading, node, sources)
    if windows := node.args.get("windows"):
        said = [f"{identifier(w.name)} AS {window_text(reading, _body(w), scope)}" for w in windows]
        clauses.append(f" WINDOW {', '.join(said)}")
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        return first_of_each(reading, node, items, columns, "".join(clauses), named), columns
    if has_ties(node):
        return with_ties(reading, node, items, columns, "".join(clauses), named), columns
    word = "SELECT DISTINCT " if distinct is not None else "SELECT "
    sql = word + ", ".join(items) + "".join(clauses)
    if order := node.args.get("order"):
        sql += " " + order_text(reading, order, named, columns)
    return sql + (row_limit or limit_text(reading, node, named)), columns


def _body(window: exp.Window) -> exp.Window:
    return exp.Window(
        partition_by=window.args.get("partition_by"),
        order=window.args.get("order"),
        spec=window.args.get("spec"),
    )


def _items(reading: Reading, node: exp.Select, sources: From) -> tuple[list[str], Columns]:
    """Returns the result columns and their kinds."""
    items: list[str] = []
    columns: Columns = {}
    for place, item in enumerate(node.expressions, 1):
        if isinstance(item, exp.Star):
            if sources.has_merged_columns:
                raise NotKnown("* over a join by names")
            items.append("*")
            for name, kind in sources.all_columns():
                _add(columns, name, kind)
            continue
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            items.append(f"{identifier(item.table)}.*")
            for name, kind in (sources.scope.sources.get(item.table.lower()) or {}).items():
                _add(columns, name, kind)
            continue
        value = item.this if isinstance(item, exp.Alias) else item
        said = reading.expression(value, sources.scope)
        if said.interval:
            raise NotKnown("an interval as a result")
        sql = _shown(reading, said)
        name = item.alias if isinstance(item, exp.Alias) else ""
        if not name:
            name = value.name if isinstance(value, exp.Column) else f"column {place}"
        items.append(f"{sql} AS {identifier(name)}")
        _add(columns, name.lower(), said.kind._replace(shown=False))
    return items, columns


def _shown(reading: Reading, said: Said) -> str:
    """Returns a value with the digits that a result shows."""
    if not said.kind.shown or said.kind.scale is None:
        return collated(reading, said)
    name = "number_truncate" if reading.is_of("tsql") else "number_round"
    return reading.call(name, said.sql, str(said.kind.scale))


def _add(columns: Columns, name: str, kind: Kind) -> None:
    if kind == PADDED:
        raise NotKnown("a text padded with blanks")
    # Two columns may have one name; a name alone then means neither.
    columns[name if name not in columns else f"{name} {len(columns) + 1}"] = kind


def _group(reading: Reading, group: exp.Group, scope: Scope, count: int) -> str:
    keys = []
    for key in group.expressions:
        if isinstance(key, exp.Literal) and not key.is_string:
            if not 1 <= int(key.name) <= count:
                raise NotSpoken("GROUP BY a column that is not there")
            reading.only("GROUP BY a number", "mysql", "postgres")
            keys.append(key.name)
        else:
            keys.append(collated(reading, reading.expression(key, scope)))
    return f" GROUP BY {', '.join(keys)}"


def _grouped_union(
    reading: Reading, node: exp.Select, sets: list[exp.Select], outer: Scope | None
) -> tuple[str, Columns]:
    """ROLLUP, CUBE and GROUPING SETS: one query for each set of groups."""
    if node.args.get("distinct") or has_ties(node):
        raise NotKnown("DISTINCT or ties over grouping sets")
    said = [reading.query(one, outer) for one in sets]
    columns = dict(
        zip(
            said[0][1],
            (widest(list(kinds)) for kinds in zip(*(c.values() for _, c in said), strict=True)),
            strict=True,
        )
    )
    sql = " UNION ALL ".join(f"SELECT * FROM ({one})" for one, _ in said)
    order = node.args.get("order")
    if order is not None:
        for key in order.expressions:
            key.set("this", _result_column(key.this, node.expressions))
    return with_limits(reading, node, sql, columns, Scope({"": columns}, outer)), columns


def _result_column(key: exp.Expr, items: list[exp.Expr]) -> exp.Expr:
    """Returns a key of ORDER BY as the place of a result column."""
    if isinstance(key, exp.Literal):
        return key
    for place, item in enumerate(items, 1):
        value = item.this if isinstance(item, exp.Alias) else item
        if value == key or (isinstance(key, exp.Column) and item.alias_or_name == key.name):
            return exp.Literal.number(place)
    raise NotKnown("an order of grouping sets by what is no result")
