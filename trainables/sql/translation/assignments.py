"""What UPDATE, INSERT and MERGE share: assignments and RETURNING."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.casts import stored
from trainables.sql.translation.kinds import UNKNOWN, NotKnown
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier


def assignment_text(reading: Reading, node: exp.Expr, columns: Columns | None, scope: Scope) -> str:
    if not isinstance(node, exp.EQ) or not isinstance(node.left, exp.Column):
        raise NotKnown("an assignment to several columns")
    kind = (columns or {}).get(node.left.name.lower(), UNKNOWN)
    if isinstance(node.right, exp.Column) and node.right.name.upper() == "DEFAULT":
        raise NotKnown("DEFAULT in an assignment")
    value = stored(reading, reading.expression(node.right, scope), kind)
    return f"{identifier(node.left.name)} = {value}"


def returning_text(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    returning = node.args.get("returning")
    if returning is None:
        return ""
    reading.only("RETURNING", "postgres")
    items = []
    for item in returning.expressions:
        value = item.this if isinstance(item, exp.Alias) else item
        items.append("*" if isinstance(value, exp.Star) else reading.expression(value, scope).sql)
    return f" RETURNING {', '.join(items)}"
