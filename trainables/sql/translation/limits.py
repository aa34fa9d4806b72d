"""LIMIT, TOP, FETCH and ROWNUM, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.groups import holds_aggregate, is_constant
from trainables.sql.translation.kinds import NotKnown
from trainables.sql.translation.ordering import order_text
from trainables.sql.translation.reading import Columns, Reading, Scope


def with_limits(reading: Reading, node: exp.Expr, sql: str, columns: Columns, scope: Scope) -> str:
    """Returns a query with the ORDER BY and LIMIT that stand after it."""
    order = node.args.get("order")
    limit = limit_text(reading, node, scope)
    if order is None and not limit:
        return sql
    text = f"SELECT * FROM ({sql})"
    if order is not None:
        text += " " + order_text(reading, order, scope, columns)
    return text + limit


def limit_options(node: exp.Expr) -> exp.Expr | None:
    limit = node.args.get("limit")
    return limit.args.get("limit_options") if limit is not None else None


def limit_count(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    limit = node.args["limit"]
    options = limit_options(node)
    if options is not None and options.args.get("percent"):
        raise NotKnown("a limit in percent")
    count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
    if count is None:
        return "1"
    count = count.this if isinstance(count, exp.Paren) else count
    if not is_constant(count):
        raise NotKnown("a computed limit")
    return reading.expression(count, scope).sql


def limit_text(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is None and offset is None:
        return ""
    if limit is not None:
        options = limit_options(node)
        if options is not None and options.args.get("with_ties"):
            raise NotKnown("WITH TIES after a set operation")
        text = f" LIMIT {limit_count(reading, node, scope)}"
    else:
        text = " LIMIT -1"
    if offset is not None:
        if not is_constant(offset.expression):
            raise NotKnown("a computed offset")
        text += f" OFFSET {reading.expression(offset.expression, scope).sql}"
    return text


def with_first_rows_inside(reading: Reading, node: exp.Select) -> exp.Select:
    """Returns Oracle's query with the limit of ROWNUM in the subquery whose order it goes by.

    Of the form `SELECT ... FROM (SELECT ... ORDER BY ...) WHERE ROWNUM <= n`.

    Raises:
        NotKnown: Rows are left out by other conditions too, or joined, before they are counted.
    """
    from_, where = node.args.get("from_"), node.args.get("where")
    inner = from_.this.this if from_ is not None and isinstance(from_.this, exp.Subquery) else None
    if inner is None or where is None or inner.args.get("order") is None:
        return node
    limit, condition = without_row_numbers(reading, node)
    if not limit:
        return node
    if condition is not None or node.args.get("joins") or inner.args.get("limit") is not None:
        raise NotKnown("ROWNUM beside conditions on rows in an order")
    node = node.copy()
    count = exp.Literal.number(limit.rpartition(" ")[2])
    node.args["from_"].this.this.set("limit", exp.Limit(expression=count))
    node.set("where", None)
    return node


def without_row_numbers(reading: Reading, node: exp.Select) -> tuple[str, exp.Expr | None]:
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
    if blocked or any(map(holds_aggregate, node.expressions)):
        # It counts rows before they are sorted or grouped.
        raise NotKnown("ROWNUM beside an order or groups")
    return f" LIMIT {min(limits)}", exp.and_(*kept, copy=False) if kept else None


def _is_row_number(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and node.name.upper() == "ROWNUM" and not node.table
