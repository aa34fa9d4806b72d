"""WITH, UNION and its like, VALUES, and queries in parentheses, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.comparisons import collated
from trainables.sql.translation.kinds import COLLATIONS, NotKnown, NotSpoken, widest
from trainables.sql.translation.limits import with_limits
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier, says_queries
from trainables.sql.translation.select import select

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
            sql, columns = select(reading, node, outer)
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
        if not isinstance(body, exp.Query):
            raise NotKnown("a WITH that changes data")
        if isinstance(body, exp.Union) and any(
            table.name.lower() == name for table in body.expression.find_all(exp.Table)
        ):
            sql, columns = _recursive(reading, body, name, names, outer)
        else:
            sql, columns = query(reading, body, outer)
            columns = _renamed(columns, names)
        reading.ctes.append({name: columns})
        listed = f"({', '.join(identifier(column) for column in names)})" if names else ""
        said.append(f"{identifier(cte.alias)}{listed} AS ({sql})")
    return f"WITH RECURSIVE {', '.join(said)} "


def _recursive(
    reading: Reading, body: exp.Union, name: str, names: list[str], outer: Scope | None
) -> tuple[str, Columns]:
    """Returns a query over its own rows, of which the first part does not speak."""
    first, columns = query(reading, body.this, outer)
    columns = _renamed(columns, names)
    if reading.is_of("mysql", "tsql") and any(kind.is_text for kind in columns.values()):
        raise NotKnown("a text that grows in a recursion")
    if _has_modifiers(body) or body.args.get("with_"):
        raise NotKnown("a recursion in an order or with a limit")
    reading.ctes.append({name: columns})
    then, others = query(reading, body.expression, outer)
    if len(columns) != len(others):
        raise NotSpoken("UNION of other columns")
    # SQLite looks for the query's own name outside of subqueries alone.
    keyword = "UNION ALL" if body.args.get("distinct") is False else "UNION"
    return f"SELECT * FROM ({first}) {keyword} {then}", columns


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
        if keyword == "UNION" and reading.dialect in COLLATIONS:
            # Of texts that are equal SQLite's UNION keeps the last one, DISTINCT the first.
            both = f"SELECT * FROM ({left}) UNION ALL SELECT * FROM ({right})"
            sql = f"SELECT DISTINCT * FROM ({both})"
        else:
            if reading.dialect in COLLATIONS and keyword != "UNION ALL":
                # Of these too.
                left = f"SELECT DISTINCT * FROM ({left})"
            sql = f"SELECT * FROM ({left}) {keyword} SELECT * FROM ({right})"
    scope = Scope({"": columns}, outer)
    return with_limits(reading, node, sql, columns, scope), columns


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


def _modified(reading: Reading, node: exp.Subquery, outer: Scope | None) -> tuple[str, Columns]:
    sql, columns = query(reading, node.this, outer)
    return with_limits(reading, node, sql, columns, Scope({"": columns}, outer)), columns


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
    said = ", ".join(f"({', '.join(collated(reading, cell) for cell in row)})" for row in rows)
    return f"VALUES {said}", {f"column{i}": kind for i, kind in enumerate(kinds, 1)}
