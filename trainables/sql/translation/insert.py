"""INSERT, and what a query alone says, in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.assignments import assignment_text, returning_text
from trainables.sql.translation.casts import stored
from trainables.sql.translation.columns import type_words
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.kinds import (
    COLLATIONS,
    LITERAL,
    PADDED,
    UNKNOWN,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import (
    Reading,
    Scope,
    Table,
    identifier,
    says_statement,
    string,
)
from trainables.sql.translation.sources import table_name

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
    if reading.dialect in COLLATIONS and any(kind.is_text for kind in columns.values()):
        # CREATE TABLE AS takes no collations along.
        listed = ", ".join(
            " ".join([identifier(column), *type_words(reading, kind)])
            for column, kind in columns.items()
        )
        start = f"CREATE TABLE {identifier(name)} ({listed})"
        return [start, f"INSERT INTO {identifier(name)} {sql}"]
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
    return [text + returning_text(reading, node, scope)]


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
    if (
        table is not None
        and column == table.counted
        and said.kind.name == "null"
        and reading.is_of("postgres")
    ):
        raise NotKnown("NULL in a serial column")
    width = table.widths.get(column) if table is not None else None
    if width is not None and said.literal is not None and said.kind.is_text:
        # Blanks at the end are filled up in any case.
        text = said.literal.rstrip(" ")
        said = Said(string(text), LITERAL, literal=text)
    if table is not None and width is not None and said.kind.name != "null":
        is_full = said.literal is not None and len(said.literal) == width
        table.columns[column] = table.columns[column] if is_full else PADDED
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
    table.columns.update({column: PADDED for column in columns if column in table.widths})
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
        sets.append(assignment_text(reading, assignment, columns, scope))
    text += f" DO UPDATE SET {', '.join(sets)}"
    if where := conflict.args.get("where"):
        text += f" WHERE {condition(reading, where.this, scope)}"
    return text


def _key(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, exp.Ordered) else node
    if not isinstance(inner, exp.Column | exp.Identifier):
        raise NotKnown("ON CONFLICT of an expression")
    return inner.name
