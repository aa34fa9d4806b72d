"""UPDATE and DELETE, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.assignments import assignment_text, returning_text
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.kinds import NotKnown, NotSpoken
from trainables.sql.translation.ordering import order_text
from trainables.sql.translation.reading import Reading, Scope, identifier, says_statement, string
from trainables.sql.translation.sources import From, source, table_name


@says_statement(exp.Update)
def _update(reading: Reading, node: exp.Update) -> list[str]:
    target = node.this
    joins = list(target.args.get("joins") or ())
    if joins:
        reading.only("UPDATE of a join", "mysql")
    from_ = node.args.get("from_")
    others: list[exp.Expr] = []
    tests: list[exp.Expr] = []
    if from_ is not None:
        reading.only("UPDATE FROM", "postgres", "tsql")
        first = from_.this
        joins = list(first.args.get("joins") or ())
        if reading.is_of("tsql") and _names_target(first, target):
            target = first
        elif reading.is_of("tsql") and any(_names_target(j.this, target) for j in joins):
            raise NotKnown("UPDATE of a table joined later")
        else:
            others.append(first)
    for join in joins:
        if join.args.get("side") or (join.args.get("kind") or "INNER") not in ("INNER", "CROSS"):
            raise NotKnown("UPDATE of an outer join")
        others.append(join.this)
        if join.args.get("on") is not None:
            tests.append(join.args["on"])
    if node.args.get("where") is not None:
        tests.append(node.args["where"].this)
    name = table_name(reading, target)
    alias = target.alias or name
    table = reading.table(name)
    columns = table.columns if table is not None else None
    result = From("", Scope({alias.lower(): columns}))
    said = [source(reading, _without_joins(other), result, None) for other in others]
    _check_order_of_assignments(reading, node)
    if table is not None and table.refreshed:
        raise NotKnown("a column that every UPDATE sets")
    for assignment in node.expressions:
        owner = assignment.left.table if isinstance(assignment.left, exp.Column) else ""
        if owner and owner.lower() not in (alias.lower(), name.lower()):
            raise NotKnown("UPDATE of several tables")
    sets = ", ".join(
        assignment_text(reading, item, columns, result.scope) for item in node.expressions
    )
    text = f"UPDATE {identifier(name)} AS {identifier(alias)} SET {sets}"
    if said:
        text += f" FROM {', '.join(said)}"
    where = " AND ".join(condition(reading, test, result.scope) for test in tests)
    if node.args.get("order") or node.args.get("limit"):
        if said:
            raise NotSpoken("UPDATE of a join with a limit")
        where = _limited(reading, node, name, alias, where, result.scope)
    text += f" WHERE {where}" if where else ""
    return [text + returning_text(reading, node, result.scope)]


def _names_target(node: exp.Expr, target: exp.Expr) -> bool:
    return isinstance(node, exp.Table) and target.name.lower() in (
        node.alias.lower(),
        "" if node.alias else node.name.lower(),
    )


def _without_joins(node: exp.Expr) -> exp.Expr:
    node = node.copy()
    node.set("joins", None)
    return node


def _check_order_of_assignments(reading: Reading, node: exp.Update) -> None:
    """MySQL sees the new value of a column in the assignments after it."""
    assigned: set[str] = set()
    for item in node.expressions:
        if not isinstance(item, exp.EQ):
            continue
        read = {column.name.lower() for column in item.right.find_all(exp.Column)}
        if reading.is_of("mysql") and read & assigned:
            raise NotKnown("an assignment that reads an assigned column")
        assigned.add(item.left.name.lower())


def _limited(
    reading: Reading, node: exp.Expr, name: str, alias: str, where: str, scope: Scope
) -> str:
    """MySQL's ORDER BY and LIMIT after UPDATE and DELETE."""
    reading.only("a limit of a change", "mysql")
    text = f"SELECT {identifier(alias)}.rowid FROM {identifier(name)} AS {identifier(alias)}"
    text += f" WHERE {where}" if where else ""
    if order := node.args.get("order"):
        text += " " + order_text(reading, order, scope, {})
    if limit := node.args.get("limit"):
        text += f" LIMIT {reading.expression(limit.expression, scope).sql}"
    return f"rowid IN ({text})"


@says_statement(exp.Delete)
def _delete(reading: Reading, node: exp.Delete) -> list[str]:
    target, tables, using = node.this, node.args.get("tables"), node.args.get("using")
    where = node.args.get("where")
    if tables and not target:
        reading.only("DELETE without FROM", "tsql", "oracle")
        [target, *others], tables = tables, None
        if others:
            raise NotSpoken("DELETE of several tables without FROM")
    if not tables and not using and not target.args.get("joins"):
        name = table_name(reading, target)
        alias = target.alias or name
        table = reading.table(name)
        columns = table.columns if table is not None else None
        scope = Scope({alias.lower(): columns})
        said = condition(reading, where.this, scope) if where is not None else ""
        if node.args.get("order") or node.args.get("limit"):
            said = _limited(reading, node, name, alias, said, scope)
        text = f"DELETE FROM {identifier(name)} AS {identifier(alias)}"
        text += f" WHERE {said}" if said else ""
        return [text + returning_text(reading, node, scope)]
    if node.args.get("order") or node.args.get("limit") or node.args.get("returning"):
        raise NotKnown("DELETE of a join with more parts")
    if tables:
        reading.only("DELETE of a join", "mysql", "tsql")
        if len(tables) != 1:
            raise NotKnown("DELETE from several tables")
        wanted = tables[0].name.lower()
    else:
        reading.only("DELETE USING", "postgres", "mysql")
        if reading.is_of("mysql"):
            # There USING holds all tables, that which rows are deleted from among them.
            if not any(table.name == target.name for table in using or ()):
                raise NotSpoken("DELETE USING without its own table")
            raise NotKnown("DELETE USING in MySQL")
        wanted = (target.alias or target.name).lower()
    result = From("", Scope({}))
    text = source(reading, target, result, None)
    for other in using or ():
        text += f" CROSS JOIN {source(reading, other, result, None)}"
    owners = {
        (table.alias or table.name).lower(): table
        for table in node.find_all(exp.Table)
        if table.parent is node or isinstance(table.parent, exp.Join)
    }
    if wanted not in owners or wanted not in result.scope.sources:
        raise NotKnown("DELETE from a table that it does not name")
    name = table_name(reading, owners[wanted]) if not tables else _real_name(node, wanted)
    said = f" WHERE {condition(reading, where.this, result.scope)}" if where is not None else ""
    return [
        f"DELETE FROM {identifier(name)} WHERE rowid IN"
        f" (SELECT {identifier(wanted)}.rowid FROM {text}{said})"
    ]


def _real_name(node: exp.Delete, wanted: str) -> str:
    candidates = [node.this, *(join.this for join in node.this.args.get("joins") or ())]
    for table in candidates:
        if isinstance(table, exp.Table) and (table.alias or table.name).lower() == wanted:
            return table.name
    raise NotKnown("DELETE from a table that it does not name")


@says_statement(exp.TruncateTable)
def _truncate(reading: Reading, node: exp.TruncateTable) -> list[str]:
    statements = []
    for item in node.expressions:
        name = table_name(reading, item)
        statements.append(f"DELETE FROM {identifier(name)}")
        table = reading.table(name)
        if table is not None and table.counted and reading.is_of("mysql", "tsql"):
            statements.append(f"DELETE FROM sqlite_sequence WHERE name = {string(name)}")
    return statements
