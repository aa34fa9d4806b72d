"""CREATE of tables, views, indexes and types, said in SQLite: what decorates is left out."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.columns import (
    column_kind,
    column_text,
    constraint_texts,
    counted_column,
    first_count,
    primary_key,
    type_words,
    width,
)
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.insert import create_as
from trainables.sql.translation.kinds import NotKnown, NotSpoken
from trainables.sql.translation.limits_of_types import limit_of_type, room_for_text
from trainables.sql.translation.reading import (
    Reading,
    Scope,
    Table,
    identifier,
    says_statement,
    string,
)
from trainables.sql.translation.sources import table_name

_PLAIN_PROPERTIES = (
    *(exp.EngineProperty, exp.AutoIncrementProperty, exp.CharacterSetProperty),
    *(exp.SchemaCommentProperty, exp.CollateProperty, exp.RowFormatProperty, exp.TemporaryProperty),
)


@says_statement(exp.Create)
def _create(reading: Reading, node: exp.Create) -> list[str]:
    kind = str(node.args.get("kind") or "").upper()
    if kind in ("DATABASE", "SCHEMA", "SEQUENCE"):
        return []
    if kind == "VIRTUAL TABLE":
        raise NotSpoken("CREATE VIRTUAL TABLE")
    if kind == "TYPE":
        return _create_type(reading, node)
    if kind == "INDEX":
        return _create_index(reading, node)
    properties = node.args.get("properties")
    temporary = False
    options = properties.expressions if properties is not None else []
    for item in options:
        if isinstance(item, exp.LikeProperty):
            reading.only("CREATE TABLE LIKE", "mysql")
            return _create_like(reading, table_name(reading, node.this), item.this)
        if isinstance(item, exp.TemporaryProperty):
            temporary = True
        if isinstance(item, exp.AutoIncrementProperty):
            continue
        if not isinstance(item, _PLAIN_PROPERTIES):
            raise NotKnown(f"{type(item).__name__} of a table")
    if kind == "VIEW":
        return _create_view(reading, node)
    if kind != "TABLE" or node.args.get("replace"):
        raise NotKnown(f"CREATE {kind}")
    word = "TEMP TABLE" if temporary else "TABLE"
    exists = "IF NOT EXISTS " if node.args.get("exists") else ""
    if node.expression is not None:
        name = table_name(
            reading, node.this.this if isinstance(node.this, exp.Schema) else node.this
        )
        if isinstance(node.this, exp.Schema):
            raise NotKnown("CREATE TABLE AS with columns")
        body = node.expression
        created, *filled = create_as(reading, name, body)
        if filled and exists:
            raise NotKnown("CREATE TABLE IF NOT EXISTS AS")
        return [created.replace("CREATE TABLE ", f"CREATE {word} {exists}", 1), *filled]
    if not isinstance(node.this, exp.Schema):
        raise NotKnown("CREATE TABLE without columns")
    first = next((i.this.name for i in options if isinstance(i, exp.AutoIncrementProperty)), "")
    start = int(first) if first.isdigit() else first_count(node.this.expressions)
    return create_table(reading, node.this, f"CREATE {word} {exists}", start)


def _create_type(reading: Reading, node: exp.Create) -> list[str]:
    kind = node.expression
    if not isinstance(kind, exp.DataType) or kind.this != exp.DType.ENUM:
        raise NotKnown("CREATE TYPE")
    reading.enums[node.this.name.lower()] = [value.name for value in kind.expressions]
    return []


def _create_like(reading: Reading, name: str, like: exp.Expr) -> list[str]:
    table = reading.tables.get(like.name.lower())
    if table is None:
        raise NotSpoken("a table like one that is not there")
    if table.keys or table.counted or table.generated or table.defaults:
        raise NotKnown("CREATE TABLE LIKE a table with keys")
    reading.tables[name.lower()] = Table(dict(table.columns))
    columns = ", ".join(
        " ".join([identifier(column), *type_words(reading, kind)])
        for column, kind in table.columns.items()
    )
    return [f"CREATE TABLE {identifier(name)} ({columns})"]


def _create_view(reading: Reading, node: exp.Create) -> list[str]:
    target = node.this
    if isinstance(target, exp.Schema):
        raise NotKnown("a view with a list of columns")
    name = table_name(reading, target)
    sql, columns = reading.query(node.expression, None)
    reading.tables[name.lower()] = Table(dict(columns))
    drop = [f"DROP VIEW IF EXISTS {identifier(name)}"] if node.args.get("replace") else []
    return [*drop, f"CREATE VIEW {identifier(name)} AS {sql}"]


def _create_index(reading: Reading, node: exp.Create) -> list[str]:
    index = node.this
    table = index.args.get("table")
    if table is None:
        raise NotKnown("CREATE INDEX")
    name = table_name(reading, table)
    params = index.args.get("params")
    if params is None:
        raise NotKnown("CREATE INDEX")
    if params.args.get("using") is not None and params.args["using"].name.lower() != "btree":
        raise NotKnown("an index of another kind")
    scope = Scope(
        {
            name.lower(): reading.tables[name.lower()].columns
            if name.lower() in reading.tables
            else None
        }
    )
    columns = []
    for column in params.args["columns"]:
        value = column.this if isinstance(column, exp.Ordered) else column
        known = scope.sources[name.lower()] or {}
        if isinstance(value, exp.Anonymous) and str(value.this).lower() in known:
            # MySQL's index over the first characters of a column.
            if node.args.get("unique"):
                raise NotKnown("a unique index over the start of a text")
            value = exp.column(str(value.this))
        said = reading.expression(value, scope).sql
        columns.append(said + (" DESC" if column.args.get("desc") else ""))
    unique = "UNIQUE " if node.args.get("unique") else ""
    exists = "IF NOT EXISTS " if node.args.get("exists") else ""
    label = index.name or f"index of {name} over {len(columns)}"
    keys = ", ".join(columns)
    text = f"CREATE {unique}INDEX {exists}{identifier(label)} ON {identifier(name)} ({keys})"
    if where := params.args.get("where"):
        text += f" WHERE {condition(reading, where.this, scope)}"
    return [text]


def create_table(reading: Reading, schema: exp.Schema, start: str, first: int) -> list[str]:
    name = table_name(reading, schema.this)
    parts = list(schema.expressions)
    table = Table({})
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            table.columns[part.name.lower()] = column_kind(reading, part)
            if (places := width(reading, part)) is not None:
                table.widths[part.name.lower()] = places
            if part.kind is not None and (most := room_for_text(reading, part.kind)) is not None:
                table.longest[part.name.lower()] = most
    table.keys = primary_key(parts)
    table.counted = counted_column(reading, parts)
    scope = Scope({name.lower(): table.columns})
    said: list[str] = []
    constraints: list[str] = []
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            said.append(column_text(reading, part, table, scope))
            kind = table.columns[part.name.lower()]
            if part.name.lower() != table.counted:
                constraints += filter(None, [limit_of_type(reading, part, kind)])
        else:
            constraints += constraint_texts(reading, part, table, scope)
    if table.counted and table.keys not in ((), (table.counted,)):
        raise NotKnown("a column that counts up beside another key")
    reading.tables[name.lower()] = table
    statements = [f"{start}{identifier(name)} ({', '.join([*said, *constraints])})"]
    if table.counted and first != 1:
        statements.append(
            f"INSERT INTO sqlite_sequence (name, seq) VALUES ({string(name)}, {first - 1})"
        )
    return statements
