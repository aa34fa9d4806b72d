"""MERGE, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.assignments import assignment_text
from trainables.sql.translation.casts import stored
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.kinds import UNKNOWN, NotKnown
from trainables.sql.translation.reading import Reading, Scope, identifier, says_statement
from trainables.sql.translation.sources import From, source, table_name


@says_statement(exp.Merge)
def _merge(reading: Reading, node: exp.Merge) -> list[str]:
    """MERGE that updates what it finds and inserts what it does not find."""
    reading.only("MERGE", "postgres", "tsql", "oracle")
    target = node.this
    name = table_name(reading, target)
    alias = target.alias or name
    table = reading.table(name)
    columns = table.columns if table is not None else None
    result = From("", Scope({alias.lower(): columns}))
    other = source(reading, node.args["using"], result, None)
    target_sql = f"{identifier(name)} AS {identifier(alias)}"
    on = node.args["on"]
    on = on.this if isinstance(on, exp.Paren) else on
    test = condition(reading, on, result.scope)
    joined = {column.name.lower() for column in on.find_all(exp.Column)}
    statements: list[str] = []
    seen: set[bool] = set()
    for when in node.args["whens"].expressions:
        matched, then = bool(when.args.get("matched")), when.args["then"]
        if matched in seen or when.args.get("source") or when.args.get("condition"):
            raise NotKnown("MERGE with several cases")
        seen.add(matched)
        if matched and isinstance(then, exp.Update):
            if {item.left.name.lower() for item in then.expressions} & joined:
                raise NotKnown("MERGE that changes what it joins by")
            sets = ", ".join(
                assignment_text(reading, item, columns, result.scope) for item in then.expressions
            )
            statements.insert(
                0,
                f"UPDATE {target_sql} SET {sets} FROM {other} WHERE {test}",
            )
        elif not matched and isinstance(then, exp.Insert):
            names = (
                [column.name for column in then.this.expressions] if then.this is not None else []
            )
            names = names or list(columns or {})
            cells = [
                stored(
                    reading,
                    reading.expression(cell, result.scope),
                    (columns or {}).get(n.lower(), UNKNOWN),
                )
                for n, cell in zip(names, then.expression.expressions, strict=False)
            ]
            listed = ", ".join(identifier(n) for n in names)
            statements.append(
                f"INSERT INTO {identifier(name)} ({listed}) SELECT {', '.join(cells)} FROM {other}"
                f" WHERE NOT EXISTS (SELECT 1 FROM {target_sql} WHERE {test})"
            )
        else:
            raise NotKnown("MERGE that deletes")
    return statements
