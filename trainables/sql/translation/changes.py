"""INSERT, UPDATE, DELETE and MERGE, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.casts import stored
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.kinds import UNKNOWN, NotKnown, NotSpoken, Said
from trainables.sql.translation.ordering import order_text
from trainables.sql.translation.reading import (
    Columns,
    Reading,
    Scope,
    Table,
    identifier,
    says_statement,
    string,
)
from trainables.sql.translation.sources import From, source, table_name

_SETTINGS = frozenset({"SET_CONFIG", "SETVAL"})


@says_statement(exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Values, exp.Subquery)
def _query(reading: Reading, node: exp.Expr) -> list[str]:
    into = node.args.get("into")
    if reading.is_of("postgres") and len(node.expressions) == 1:
        # Dumps set the search path, and sequences, which follow their columns here.
        calls = list(node.find_all(exp.Anonymous))
        if calls and str(calls[0].this).upper() in _SETTINGS and not node.args.get("from_"):
            return []
    if into is None:
        return [reading.query(node, None)[0]]
    reading.only("SELECT INTO", "postgres", "tsql")
    name = table_name(reading, into.this)
    node = node.copy()
    node.set("into", None)
    return create_as(reading, name, node)


def create_as(reading: Reading, name: str, node: exp.Expr) -> list[str]:
    """Returns the creation of a table from a query."""
    sql, columns = reading.query(node, None)
    reading.tables[name.lower()] = Table(dict(columns))
    return [f"CREATE TABLE {identifier(name)} AS {sql}"]


@says_statement(exp.Insert)
def _insert(reading: Reading, node: exp.Insert) -> list[str]:
    target, names = node.this, []
    if isinstance(target, exp.Schema):
        names = [column.name for column in target.expressions]
        target = target.this
    if not isinstance(target, exp.Table):
        raise NotKnown("INSERT into what is no table")
    name = table_name(reading, target)
    table = reading.table(name)
    columns: list[str] = [column.lower() for column in names]
    if table is not None and not set(columns) <= set(table.columns):
        raise NotSpoken("INSERT into a column that is not there")
    if not columns and table is not None:
        columns = list(table.columns)
    if node.args.get("with_") is not None:
        raise NotKnown("WITH before INSERT")
    body = node.expression
    if body is None and node.args.get("default") and not names:
        reading.only("DEFAULT VALUES", "postgres", "tsql")
        return [f"INSERT INTO {identifier(name)} DEFAULT VALUES"]
    if body is None:
        raise NotKnown("INSERT without values")
    listed = names or _without_generated(table)
    if not names and table is not None and table.counted and reading.is_of("tsql"):
        # T-SQL leaves out the column that counts up.
        columns = listed = [column for column in listed or columns if column != table.counted]
    if isinstance(body, exp.Values):
        said = _rows(reading, body, table, listed if listed else columns)
    else:
        sql, _ = reading.query(body, None)
        said = _stored_query(reading, sql, body, table, listed or columns)
    _count_explicit(reading, table, listed or columns, body)
    word = "INSERT"
    if node.args.get("ignore"):
        reading.only("INSERT IGNORE", "mysql")
        word = "INSERT OR IGNORE"
    shown = f" ({', '.join(identifier(column) for column in listed)})" if listed else ""
    text = f"{word} INTO {identifier(name)}{shown} {said}"
    scope = Scope({name.lower(): table.columns if table else None})
    if conflict := node.args.get("conflict"):
        text += _conflict(reading, conflict, table, scope, said)
    return [text + _returning(reading, node, scope)]


def _without_generated(table: Table | None) -> list[str]:
    """Returns all columns that take values, where that is not all columns."""
    if table is None or not table.generated:
        return []
    return [column for column in table.columns if column not in table.generated]


def _rows(reading: Reading, body: exp.Values, table: Table | None, columns: list[str]) -> str:
    rows = []
    for row in body.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        if columns and len(cells) != len(columns):
            raise NotSpoken("a row of another number of values")
        said = []
        for place, cell in enumerate(cells):
            column = columns[place].lower() if columns else ""
            said.append(_cell(reading, cell, table, column))
        rows.append(f"({', '.join(said)})")
    return f"VALUES {', '.join(rows)}"


def _cell(reading: Reading, cell: exp.Expr, table: Table | None, column: str) -> str:
    kind = table.columns.get(column, UNKNOWN) if table is not None else UNKNOWN
    if isinstance(cell, exp.Column | exp.Var) and cell.name.upper() == "DEFAULT":
        if table is not None and column == table.counted:
            return "NULL"
        if table is not None and column in table.defaults:
            return table.defaults[column]
        if table is not None and column in table.columns:
            return "NULL"
        raise NotKnown("DEFAULT of an unknown column")
    said = reading.expression(cell, Scope({}))
    if (
        table is not None
        and column == table.counted
        and said.literal == "0"
        and reading.is_of("mysql")
    ):
        return "NULL"
    return stored(reading, said, kind)


def _stored_query(
    reading: Reading, sql: str, body: exp.Expr, table: Table | None, columns: list[str]
) -> str:
    """Returns a query whose results are converted to the columns that they go into."""
    _, found = reading.query(body, None)
    if columns and len(found) != len(columns):
        raise NotSpoken("a query of another number of columns")
    if table is None:
        return sql
    names = [f"c{place}" for place in range(len(found))]
    cells = [
        stored(reading, Said(f"[{name}]", kind), table.columns.get(column.lower(), UNKNOWN))
        for name, kind, column in zip(names, found.values(), columns, strict=False)
    ]
    if all(cell == f"[{name}]" for cell, name in zip(cells, names, strict=False)):
        return sql if sql.startswith("SELECT") else f"SELECT * FROM ({sql})"
    listed = ", ".join(f"[{name}]" for name in names)
    return f"SELECT {', '.join(cells)} FROM (WITH [q]({listed}) AS ({sql}) SELECT * FROM [q])"


def _count_explicit(
    reading: Reading, table: Table | None, columns: list[str], body: exp.Expr
) -> None:
    """Keeps account of what is inserted into a column that counts up by itself.

    Raises:
        NotKnown: In PostgreSQL, where values given by hand leave the sequence where it was, and the
            next one that it gives may be there already.
    """
    if table is None or table.counted is None or not reading.is_of("postgres", "oracle"):
        return
    place = next((i for i, column in enumerate(columns) if column.lower() == table.counted), None)
    given = place is not None
    if place is not None and isinstance(body, exp.Values):
        cells = [row.expressions[place] for row in body.expressions if isinstance(row, exp.Tuple)]
        given = not all(isinstance(cell, exp.Column | exp.Var) for cell in cells)
    if given:
        table.given = True
    elif table.given:
        raise NotKnown("a serial column with values given by hand")


def _conflict(
    reading: Reading, conflict: exp.OnConflict, table: Table | None, scope: Scope, said: str
) -> str:
    if conflict.args.get("constraint"):
        raise NotKnown("ON CONFLICT ON CONSTRAINT")
    # Without WHERE the parser of SQLite takes ON for a join's.
    text = " WHERE 1" if said.startswith("SELECT") and " WHERE " not in said else ""
    if said.startswith("SELECT") and not text:
        raise NotKnown("INSERT of a query with ON CONFLICT")
    columns = table.columns if table is not None else None
    scope = Scope({**scope.sources, "excluded": columns})
    action = conflict.args.get("action")
    if conflict.args.get("duplicate"):
        reading.only("ON DUPLICATE KEY", "mysql")
        text += " ON CONFLICT"
    else:
        reading.only("ON CONFLICT", "postgres")
        text += " ON CONFLICT"
        if keys := conflict.args.get("conflict_keys"):
            text += f" ({', '.join(identifier(_key(key)) for key in keys)})"
    if action is not None and "NOTHING" in action.name.upper():
        return text + " DO NOTHING"
    sets = []
    for assignment in conflict.expressions:
        assignment = assignment.copy()
        for call in list(assignment.find_all(exp.Anonymous)):
            if str(call.this).upper() == "VALUES":
                call.replace(exp.column(call.expressions[0].name, "excluded"))
        sets.append(_assignment(reading, assignment, columns, scope))
    text += f" DO UPDATE SET {', '.join(sets)}"
    if where := conflict.args.get("where"):
        text += f" WHERE {condition(reading, where.this, scope)}"
    return text


def _key(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, exp.Ordered) else node
    if not isinstance(inner, exp.Column | exp.Identifier):
        raise NotKnown("ON CONFLICT of an expression")
    return inner.name


def _assignment(reading: Reading, node: exp.Expr, columns: Columns | None, scope: Scope) -> str:
    if not isinstance(node, exp.EQ) or not isinstance(node.left, exp.Column):
        raise NotKnown("an assignment to several columns")
    kind = (columns or {}).get(node.left.name.lower(), UNKNOWN)
    if isinstance(node.right, exp.Column) and node.right.name.upper() == "DEFAULT":
        raise NotKnown("DEFAULT in an assignment")
    value = stored(reading, reading.expression(node.right, scope), kind)
    return f"{identifier(node.left.name)} = {value}"


def _returning(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    returning = node.args.get("returning")
    if returning is None:
        return ""
    reading.only("RETURNING", "postgres")
    items = []
    for item in returning.expressions:
        value = item.this if isinstance(item, exp.Alias) else item
        items.append("*" if isinstance(value, exp.Star) else reading.expression(value, scope).sql)
    return f" RETURNING {', '.join(items)}"


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
    sets = ", ".join(_assignment(reading, item, columns, result.scope) for item in node.expressions)
    text = f"UPDATE {identifier(name)} AS {identifier(alias)} SET {sets}"
    if said:
        text += f" FROM {', '.join(said)}"
    where = " AND ".join(condition(reading, test, result.scope) for test in tests)
    if node.args.get("order") or node.args.get("limit"):
        if said:
            raise NotSpoken("UPDATE of a join with a limit")
        where = _limited(reading, node, name, alias, where, result.scope)
    text += f" WHERE {where}" if where else ""
    return [text + _returning(reading, node, result.scope)]


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
        return [text + _returning(reading, node, scope)]
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
                _assignment(reading, item, columns, result.scope) for item in then.expressions
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
