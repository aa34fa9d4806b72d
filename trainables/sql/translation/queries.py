"""SELECT and what is made of it, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.aggregates import is_aggregate, window_text
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.groups import grouping_sets, is_constant, reads_only_groups
from trainables.sql.translation.kinds import Kind, NotKnown, NotSpoken, Said, widest
from trainables.sql.translation.ordering import key_text, order_text
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier, says_queries
from trainables.sql.translation.sources import From, inline_laterals, sources_of

_SET_OPERATIONS: dict[type[exp.Expr], str] = {
    exp.Union: "UNION",
    exp.Except: "EXCEPT",
    exp.Intersect: "INTERSECT",
}


@says_queries
def query(reading: Reading, node: exp.Expr, outer: Scope | None) -> tuple[str, Columns]:
    """Returns a query of SQLite and the kinds of its columns by their names, in order."""
    while (
        isinstance(node, exp.Subquery) and not node.args.get("with_") and not _has_modifiers(node)
    ):
        node = node.this
    with_ = node.args.get("with_")
    before = len(reading.ctes)
    try:
        prefix = _ctes(reading, with_, outer) if with_ is not None else ""
        if isinstance(node, exp.Select):
            sql, columns = _select(reading, node, outer)
        elif isinstance(node, exp.SetOperation):
            sql, columns = _set_operation(reading, node, outer)
        elif isinstance(node, exp.Values):
            sql, columns = values(reading, node, outer)
        elif isinstance(node, exp.Subquery):
            sql, columns = _modified(reading, node, outer)
        elif isinstance(node, exp.Alias | exp.Condition):
            # To sqlglot any words are an expression, and that may stand beside UNION.
            raise NotSpoken("an expression as a query")
        else:
            raise NotKnown(f"the query {type(node).__name__}")
    finally:
        del reading.ctes[before:]
    return prefix + sql, columns


def _has_modifiers(node: exp.Expr) -> bool:
    return any(node.args.get(part) for part in ("order", "limit", "offset"))


def _ctes(reading: Reading, with_: exp.With, outer: Scope | None) -> str:
    said = []
    for cte in with_.expressions:
        name, names = cte.alias.lower(), [column.name for column in cte.args["alias"].columns]
        if name in reading.tables:
            raise NotKnown("a WITH that has a table's name")
        body = cte.this
        anchor: Columns = {}
        if isinstance(body, exp.Union) and any(
            table.name.lower() == name for table in body.expression.find_all(exp.Table)
        ):
            _, anchor = query(reading, body.this, outer)
            anchor = _renamed(anchor, names)
            reading.ctes.append({name: anchor})
        if not isinstance(body, exp.Query):
            raise NotKnown("a WITH that changes data")
        sql, columns = query(reading, body, outer)
        columns = _renamed(columns, names)
        reading.ctes.append({name: columns})
        listed = f"({', '.join(identifier(column) for column in names)})" if names else ""
        said.append(f"{identifier(cte.alias)}{listed} AS ({sql})")
    return f"WITH RECURSIVE {', '.join(said)} "


def _renamed(columns: Columns, names: list[str]) -> Columns:
    if not names:
        return columns
    if len(names) != len(columns):
        raise NotSpoken("a list of other columns")
    return dict(zip((name.lower() for name in names), columns.values(), strict=True))


def _set_operation(
    reading: Reading, node: exp.SetOperation, outer: Scope | None
) -> tuple[str, Columns]:
    word = _SET_OPERATIONS[type(node)]
    nested = any(isinstance(side, exp.SetOperation) for side in (node.this, node.expression))
    if isinstance(node, exp.Intersect) and nested and not reading.is_of("oracle"):
        # sqlglot reads from left to right, these systems take INTERSECT first.
        raise NotKnown("INTERSECT beside another operation")
    left, columns = query(reading, node.this, outer)
    right, others = query(reading, node.expression, outer)
    if len(columns) != len(others):
        raise NotSpoken(f"{word} of other columns")
    kinds = [widest(list(pair)) for pair in zip(columns.values(), others.values(), strict=True)]
    columns = dict(zip(columns, kinds, strict=True))
    if node.args.get("distinct") is False and word != "UNION":
        reading.only(f"{word} ALL", "postgres", "mysql", "oracle")
        sql = _multiset(word, left, right, len(columns))
    else:
        keyword = f"{word} ALL" if node.args.get("distinct") is False else word
        sql = f"SELECT * FROM ({left}) {keyword} SELECT * FROM ({right})"
    scope = Scope({"": columns}, outer)
    return _with_limits(reading, node, sql, columns, scope), columns


def _multiset(word: str, left: str, right: str, count: int) -> str:
    """EXCEPT ALL and INTERSECT ALL: equal rows are numbered, and then are different."""
    names = ", ".join(f"[c{index}]" for index in range(count))
    sides = [
        f"SELECT {names}, ROW_NUMBER() OVER (PARTITION BY {names}) AS [k] FROM [{side}]"
        for side in "lr"
    ]
    return (
        f"SELECT {names} FROM (WITH [l]({names}) AS ({left}), [r]({names}) AS ({right})"
        f" SELECT * FROM ({sides[0]}) {word} SELECT * FROM ({sides[1]}))"
    )


def _with_limits(reading: Reading, node: exp.Expr, sql: str, columns: Columns, scope: Scope) -> str:
    """Returns a query with the ORDER BY and LIMIT that stand after it."""
    order = node.args.get("order")
    limit = _limit(reading, node, scope)
    if order is None and not limit:
        return sql
    text = f"SELECT * FROM ({sql})"
    if order is not None:
        text += " " + order_text(reading, order, scope, columns)
    return text + limit


def _modified(reading: Reading, node: exp.Subquery, outer: Scope | None) -> tuple[str, Columns]:
    sql, columns = query(reading, node.this, outer)
    return _with_limits(reading, node, sql, columns, Scope({"": columns}, outer)), columns


def values(reading: Reading, node: exp.Values, outer: Scope | None) -> tuple[str, Columns]:
    """Returns VALUES as a query."""
    scope = Scope({}, outer)
    rows = []
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        rows.append(reading.expressions(cells, scope))
    if len({len(row) for row in rows}) != 1:
        raise NotSpoken("VALUES of different lengths")
    kinds = [widest([row[index].kind for row in rows]) for index in range(len(rows[0]))]
    said = ", ".join(f"({', '.join(cell.sql for cell in row)})" for row in rows)
    return f"VALUES {said}", {f"column{i}": kind for i, kind in enumerate(kinds, 1)}


def _select(reading: Reading, node: exp.Select, outer: Scope | None) -> tuple[str, Columns]:
    if not node.expressions:
        raise NotSpoken("a SELECT of nothing")
    for modifier in node.args.get("operation_modifiers") or ():
        if modifier.name.upper() not in ("STRAIGHT_JOIN", "SQL_CALC_FOUND_ROWS", "HIGH_PRIORITY"):
            raise NotKnown(modifier.name)
    node = inline_laterals(reading, node)
    group = node.args.get("group")
    sets = grouping_sets(reading, node) if group is not None else None
    if sets is not None:
        return _grouped_union(reading, node, sets, outer)
    row_limit, where = _row_numbers(reading, node)
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
    if group is not None or having is not None or any(map(_holds_aggregate, node.expressions)):
        reads_only_groups(reading, node, sources)
    if windows := node.args.get("windows"):
        said = [f"{identifier(w.name)} AS {window_text(reading, _body(w), scope)}" for w in windows]
        clauses.append(f" WINDOW {', '.join(said)}")
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        return _first_of_each(reading, node, items, columns, "".join(clauses), named), columns
    if _has_ties(node):
        return _with_ties(reading, node, items, columns, "".join(clauses), named), columns
    word = "SELECT DISTINCT " if distinct is not None else "SELECT "
    sql = word + ", ".join(items) + "".join(clauses)
    if order := node.args.get("order"):
        sql += " " + order_text(reading, order, named, columns)
    return sql + (row_limit or _limit(reading, node, named)), columns


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
        return said.sql
    name = "number_truncate" if reading.is_of("tsql") else "number_round"
    return reading.call(name, said.sql, str(said.kind.scale))


def _add(columns: Columns, name: str, kind: Kind) -> None:
    # Two columns may have one name; a name alone then means neither.
    columns[name if name not in columns else f"{name} {len(columns) + 1}"] = kind


def _holds_aggregate(item: exp.Expr) -> bool:
    """Tells whether an expression aggregates: not in a subquery, and not over a window."""
    if isinstance(item, exp.Query | exp.Subquery):
        return False
    around = item.parent.parent if isinstance(item.parent, exp.Filter) else item.parent
    if is_aggregate(item) and not isinstance(around, exp.Window):
        return True
    return any(_holds_aggregate(child) for child in item.iter_expressions())


def _group(reading: Reading, group: exp.Group, scope: Scope, count: int) -> str:
    keys = []
    for key in group.expressions:
        if isinstance(key, exp.Literal) and not key.is_string:
            if not 1 <= int(key.name) <= count:
                raise NotSpoken("GROUP BY a column that is not there")
            reading.only("GROUP BY a number", "mysql", "postgres")
            keys.append(key.name)
        else:
            keys.append(reading.expression(key, scope).sql)
    return f" GROUP BY {', '.join(keys)}"


def _grouped_union(
    reading: Reading, node: exp.Select, sets: list[exp.Select], outer: Scope | None
) -> tuple[str, Columns]:
    """ROLLUP, CUBE and GROUPING SETS: one query for each set of groups."""
    if node.args.get("distinct") or _has_ties(node):
        raise NotKnown("DISTINCT or ties over grouping sets")
    said = [query(reading, one, outer) for one in sets]
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
    return _with_limits(reading, node, sql, columns, Scope({"": columns}, outer)), columns


def _result_column(key: exp.Expr, items: list[exp.Expr]) -> exp.Expr:
    """Returns a key of ORDER BY as the place of a result column."""
    if isinstance(key, exp.Literal):
        return key
    for place, item in enumerate(items, 1):
        value = item.this if isinstance(item, exp.Alias) else item
        if value == key or (isinstance(key, exp.Column) and item.alias_or_name == key.name):
            return exp.Literal.number(place)
    raise NotKnown("an order of grouping sets by what is no result")


def _first_of_each(
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
    return f"{sql} WHERE [first of each] = 1 {outer[0]}" + _limit(reading, node, scope)


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
    inner = [
        f"{reading.expression(key.this, scope).sql} AS [key {i}]" for i, key in enumerate(keys)
    ]
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


def _has_ties(node: exp.Select) -> bool:
    options = _options(node)
    return options is not None and bool(options.args.get("with_ties"))


def _options(node: exp.Expr) -> exp.Expr | None:
    limit = node.args.get("limit")
    return limit.args.get("limit_options") if limit is not None else None


def _with_ties(
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
    count = _count(reading, node, scope)
    inner, outer, kept = _ordered_inside(reading, node, items, columns, scope)
    sql = f"SELECT {', '.join(outer[1])}, RANK() OVER ({inner}) AS [rank with ties]{clauses}"
    return f"SELECT {kept} FROM ({sql}) WHERE [rank with ties] <= {count} {outer[0]}"


def _count(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    limit = node.args["limit"]
    options = _options(node)
    if options is not None and options.args.get("percent"):
        raise NotKnown("a limit in percent")
    count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
    if count is None:
        return "1"
    count = count.this if isinstance(count, exp.Paren) else count
    if not is_constant(count):
        raise NotKnown("a computed limit")
    return reading.expression(count, scope).sql


def _limit(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is None and offset is None:
        return ""
    if limit is not None:
        options = _options(node)
        if options is not None and options.args.get("with_ties"):
            raise NotKnown("WITH TIES after a set operation")
        text = f" LIMIT {_count(reading, node, scope)}"
    else:
        text = " LIMIT -1"
    if offset is not None:
        if not is_constant(offset.expression):
            raise NotKnown("a computed offset")
        text += f" OFFSET {reading.expression(offset.expression, scope).sql}"
    return text


def _row_numbers(reading: Reading, node: exp.Select) -> tuple[str, exp.Expr | None]:
    """Returns Oracle's `ROWNUM <= n` as a limit, and the rest of the condition."""
    where = node.args.get("where")
    if where is None:
        return "", None
    if not reading.is_of("oracle"):
        return "", where.this
    kept: list[exp.Expr] = []
    limits: list[int] = []
    for part in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
        if isinstance(part, exp.LTE | exp.LT | exp.EQ) and _is_row_number(part.left):
            if not (isinstance(part.right, exp.Literal) and part.right.name.isdigit()):
                raise NotKnown("ROWNUM compared with a computed number")
            number = int(part.right.name)
            if isinstance(part, exp.EQ) and number != 1:
                number = 0
            limits.append(number - isinstance(part, exp.LT))
        else:
            kept.append(part)
    if not limits:
        return "", where.this
    blocked = [name for name in ("order", "group", "distinct", "limit") if node.args.get(name)]
    if blocked or any(map(_holds_aggregate, node.expressions)):
        # It counts rows before they are sorted or grouped.
        raise NotKnown("ROWNUM beside an order or groups")
    return f" LIMIT {min(limits)}", exp.and_(*kept, copy=False) if kept else None


def _is_row_number(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and node.name.upper() == "ROWNUM" and not node.table
