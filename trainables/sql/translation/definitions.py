"""CREATE, ALTER and DROP, said in SQLite: what has a meaning is kept, what decorates is not."""

from __future__ import annotations

import re

from sqlglot import exp

from trainables.sql.sandbox.tokens import tokens
from trainables.sql.translation.casts import AFFINITIES, declared, stored
from trainables.sql.translation.changes import create_as
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.kinds import TEXT, Kind, NotKnown, NotSpoken
from trainables.sql.translation.reading import (
    Reading,
    Scope,
    Table,
    identifier,
    says_statement,
    string,
)
from trainables.sql.translation.sources import table_name

_COLLATED = {"mysql": "like_mysql", "tsql": "like_tsql"}
_ANY = re.IGNORECASE | re.DOTALL
_DECORATIONS = re.compile(
    r"\s*(GO|LOCK\s+TABLES|UNLOCK\s+TABLES|PRINT|DELIMITER|CREATE\s+EXTENSION|REVOKE|GRANT"
    r"|ALTER\s+(TABLE|SEQUENCE|SCHEMA|DATABASE)\s+.*\bOWNER\b|ALTER\s+DATABASE"
    r"|ALTER\s+SEQUENCE\s+\S+\s+OWNED\b|ALTER\s+TABLE\s+\S+\s+(EN|DIS)ABLE\s+KEYS)",
    re.IGNORECASE | re.DOTALL,
)
_CHANGES_MEANING = re.compile(
    r"\b(?:ANSI_NULLS|ANSI_PADDING|QUOTED_IDENTIFIER|CONCAT_NULL_YIELDS_NULL)\b.*\bOFF\b"
    r"|SQL_MODE.*(?:ANSI|PIPES|BACKSLASH|REAL_AS|UNSIGNED|NOT_PREC)"
    r"|\b(?:DATEFIRST|DATEFORMAT|DATESTYLE|LANGUAGE|NLS_\w+|LC_\w+|DIV_PRECISION_INCREMENT)\b",
    re.IGNORECASE | re.DOTALL,
)
_UNTRANSLATED = re.compile(
    r"(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER|DROP)\s+(?:FUNCTION|PROCEDURE|PROC|TRIGGER|EVENT|PACKAGE"
    r"|TYPE|RULE|DOMAIN|MATERIALIZED|ROLE|USER|POLICY|SYNONYM|TABLE|VIEW|INDEX)\b"
    r"|(?:BEGIN|CALL|DECLARE|DO|EXEC|EXECUTE|IF|MERGE|WHILE)\b",
    re.IGNORECASE,
)
"""Statements of which sqlglot does not know all forms, and keeps those as they are."""
_PLAIN_PROPERTIES = (
    *(exp.EngineProperty, exp.AutoIncrementProperty, exp.CharacterSetProperty),
    *(exp.SchemaCommentProperty, exp.CollateProperty, exp.RowFormatProperty, exp.TemporaryProperty),
)


@says_statement(exp.Use, exp.Set, exp.Comment, exp.Grant, exp.Revoke, exp.Commit)
def _decoration(reading: Reading, node: exp.Expr) -> list[str]:
    if isinstance(node, exp.Set):
        for item in node.expressions:
            if _CHANGES_MEANING.search(item.sql()):
                raise NotKnown("a setting that changes what statements mean")
    return []


@says_statement(exp.Transaction)
def _begin(reading: Reading, node: exp.Transaction) -> list[str]:
    return []


@says_statement(exp.Rollback)
def _rollback(reading: Reading, node: exp.Rollback) -> list[str]:
    raise NotKnown("ROLLBACK")


@says_statement(exp.Command, exp.Alias, exp.Column)
def _command(reading: Reading, node: exp.Expr) -> list[str]:
    """What sqlglot does not parse, and a text that is one word to it."""
    text = (
        f"{node.this} {node.args.get('expression') or ''}"
        if isinstance(node, exp.Command)
        else node.sql()
    )
    if isinstance(node, exp.Command):
        words = node.args.get("expression")
        text = f"{node.this} {words.this if isinstance(words, exp.Expr) else words or ''}"
    if _DECORATIONS.match(text):
        return []
    found = re.match(
        r"\s*CREATE\s+TYPE\s+([\w.\"]+)\s+AS\s+ENUM\s*\((.*)\)\s*\Z",
        text,
        re.IGNORECASE | re.DOTALL,
    )
    if found and reading.is_of("postgres"):
        values = re.findall(r"'((?:[^']|'')*)'", found[2])
        reading.enums[found[1].rpartition(".")[2].strip('"').lower()] = values
        return []
    found = re.match(r"\s*REPLACE\s+(INTO\b.*)", text, re.IGNORECASE | re.DOTALL)
    if found and reading.is_of("mysql"):
        from trainables.sql.translation.grammar import parse

        [insert], _ = parse("INSERT " + found[1], "mysql")
        [said] = reading.statement(insert)
        return ["INSERT OR REPLACE" + said.removeprefix("INSERT")]
    if not isinstance(node, exp.Command):
        raise NotSpoken("it is no statement")
    if reading.is_of("tsql", "oracle") and re.match(r"ALTER\b.*\bADD\s+COLUMN\b", text, _ANY):
        raise NotSpoken("ADD COLUMN")
    word = str(node.this).upper()
    if _UNTRANSLATED.match(text) and _has_closed_parentheses(text):
        raise NotKnown(f"a statement {word}")
    raise NotSpoken(f"a statement {word}")


def _has_closed_parentheses(text: str) -> bool:
    if "\\" in text or "$" in text:
        # What is in quotes there depends on the dialect.
        return True
    depth = 0
    for token in tokens(text):
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            return False
    return depth == 0


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
        [sql] = create_as(reading, name, body)
        return [sql.replace("CREATE TABLE ", f"CREATE {word} {exists}", 1)]
    if not isinstance(node.this, exp.Schema):
        raise NotKnown("CREATE TABLE without columns")
    first = next((i.this.name for i in options if isinstance(i, exp.AutoIncrementProperty)), "")
    start = int(first) if first.isdigit() else _first_count(node.this.expressions)
    return _create_table(reading, node.this, f"CREATE {word} {exists}", start)


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
        " ".join([identifier(column), *_type_of(reading, kind)])
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


def _create_table(reading: Reading, schema: exp.Schema, start: str, first: int) -> list[str]:
    name = table_name(reading, schema.this)
    parts = list(schema.expressions)
    table = Table({})
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            table.columns[part.name.lower()] = _column_kind(reading, part)
    table.keys = _primary_key(parts)
    table.counted = _counted(reading, parts)
    scope = Scope({name.lower(): table.columns})
    said: list[str] = []
    constraints: list[str] = []
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            said.append(_column(reading, part, table, scope))
        else:
            constraints += _constraint(reading, part, table, scope)
    if table.counted and table.keys not in ((), (table.counted,)):
        raise NotKnown("a column that counts up beside another key")
    reading.tables[name.lower()] = table
    statements = [f"{start}{identifier(name)} ({', '.join([*said, *constraints])})"]
    if table.counted and first != 1:
        statements.append(
            f"INSERT INTO sqlite_sequence (name, seq) VALUES ({string(name)}, {first - 1})"
        )
    return statements


def _column_kind(reading: Reading, part: exp.ColumnDef) -> Kind:
    if part.kind is None:
        raise NotSpoken("a column without a type")
    kind = declared(reading, part.kind)
    if part.kind.this == exp.DType.USERDEFINED:
        name = str(part.kind.args.get("kind") or "").rpartition(".")[2].strip('"').lower()
        if name in reading.enums:
            return TEXT
        known = {
            **dict.fromkeys(("number",), Kind("decimal")),
            **dict.fromkeys(("clob", "nclob", "long", "citext", "sysname"), TEXT),
        }.get(name)
        if known is None:
            raise NotSpoken(f"the type {name}")
        return known
    return kind


def _constraints(part: exp.ColumnDef) -> list[exp.Expr]:
    return [
        item.kind if isinstance(item, exp.ColumnConstraint) else item for item in part.constraints
    ]


def _primary_key(parts: list[exp.Expr]) -> tuple[str, ...]:
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            if any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in _constraints(part)):
                return (part.name.lower(),)
        else:
            inner = (
                part.expressions[0]
                if isinstance(part, exp.Constraint) and part.expressions
                else part
            )
            if isinstance(inner, exp.PrimaryKey):
                return tuple(
                    (key.this if isinstance(key, exp.Ordered) else key).name.lower()
                    for key in inner.expressions
                )
    return ()


_COUNTING = (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)
_SERIALS = ("SERIAL", "BIGSERIAL", "SMALLSERIAL")


def _counted(reading: Reading, parts: list[exp.Expr]) -> str | None:
    found = []
    for part in parts:
        if not isinstance(part, exp.ColumnDef) or part.kind is None:
            continue
        counts = getattr(part.kind.this, "name", "") in _SERIALS
        for kind in _constraints(part):
            counts |= isinstance(kind, _COUNTING)
            counts |= isinstance(kind, exp.DefaultColumnConstraint) and _is_next_value(kind.this)
        if counts:
            found.append(part.name.lower())
    if len(found) > 1:
        raise NotKnown("two columns that count up")
    return found[0] if found else None


def _is_next_value(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).upper() == "NEXTVAL"


def _first_count(parts: list[exp.Expr]) -> int:
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            for kind in _constraints(part):
                if isinstance(kind, exp.GeneratedAsIdentityColumnConstraint):
                    start, step = kind.args.get("start"), kind.args.get("increment")
                    if step is not None and step.name != "1":
                        raise NotKnown("a column that counts up by other steps")
                    return int(start.name) if start is not None else 1
    return 1


def _column(reading: Reading, part: exp.ColumnDef, table: Table, scope: Scope) -> str:
    name = part.name.lower()
    kind = table.columns[name]
    pieces = [identifier(part.name)]
    if name == table.counted:
        return f"{pieces[0]} INTEGER PRIMARY KEY AUTOINCREMENT"
    pieces += _type_of(reading, kind)
    pieces += [
        _column_constraint(reading, item, name, kind, table, scope) for item in _constraints(part)
    ]
    values = _allowed_values(reading, part)
    if values is not None:
        listed = ", ".join(string(value) for value in values)
        pieces.append(f"CHECK ({identifier(part.name)} IN ({listed}))")
    return " ".join(piece for piece in pieces if piece)


def _type_of(reading: Reading, kind: Kind) -> list[str]:
    """Returns a column's type in SQLite, with the collation of its dialect."""
    pieces = [AFFINITIES[kind.name]] if kind.name in AFFINITIES else []
    collation = _COLLATED.get(reading.dialect)
    if kind == TEXT and collation:
        reading.functions.add(collation)
        pieces.append(f"COLLATE {collation}")
    return pieces


def _allowed_values(reading: Reading, part: exp.ColumnDef) -> list[str] | None:
    assert part.kind is not None
    if part.kind.this == exp.DType.ENUM:
        return [value.name for value in part.kind.expressions]
    if part.kind.this == exp.DType.USERDEFINED:
        name = str(part.kind.args.get("kind") or "").rpartition(".")[2].strip('"').lower()
        return reading.enums.get(name)
    return None


def _column_constraint(
    reading: Reading, item: exp.Expr, name: str, kind: Kind, table: Table, scope: Scope
) -> str:
    if isinstance(item, exp.NotNullColumnConstraint):
        return "" if item.args.get("allow_null") else "NOT NULL"
    if isinstance(item, exp.PrimaryKeyColumnConstraint):
        # A primary key admits no NULL; SQLite lets them in, but into INTEGER PRIMARY KEY.
        return "PRIMARY KEY NOT NULL"
    if isinstance(item, exp.UniqueColumnConstraint):
        return "UNIQUE"
    if isinstance(item, exp.DefaultColumnConstraint):
        said = stored(reading, reading.expression(item.this, Scope({})), kind)
        table.defaults[name] = said
        return f"DEFAULT ({said})"
    if isinstance(item, exp.CheckColumnConstraint):
        return f"CHECK ({condition(reading, item.this, scope)})"
    if isinstance(item, exp.Reference):
        return _reference(reading, item)
    if isinstance(item, exp.ComputedColumnConstraint):
        table.generated.add(name)
        return f"AS ({reading.expression(item.this, scope).sql}) STORED"
    if isinstance(
        item,
        exp.CommentColumnConstraint
        | exp.CharacterSetColumnConstraint
        | exp.InvisibleColumnConstraint,
    ):
        return ""
    if isinstance(item, exp.OnUpdateColumnConstraint):
        table.refreshed = True
        return ""
    if isinstance(item, exp.CollateColumnConstraint):
        if re.search(r"_(bin|cs|as)\b|_CS_|_BIN", item.sql(), re.IGNORECASE):
            raise NotKnown("a collation of its own")
        return ""
    raise NotKnown(f"{type(item).__name__} of a column")


def _reference(reading: Reading, node: exp.Expr) -> str:
    target = node.this
    columns = ""
    if isinstance(target, exp.Schema):
        columns = f" ({', '.join(identifier(column.name) for column in target.expressions)})"
        target = target.this
    options = [str(option).upper() for option in node.args.get("options") or ()]
    known = [option for option in options if option.startswith(("ON DELETE", "ON UPDATE"))]
    if len(known) != len(options):
        raise NotKnown(f"a foreign key {options}")
    return " ".join([f"REFERENCES {identifier(table_name(reading, target))}{columns}", *known])


def _constraint(reading: Reading, node: exp.Expr, table: Table, scope: Scope) -> list[str]:
    """Returns the constraints of a table; the plain indexes of MySQL are none."""
    if isinstance(node, exp.Constraint):
        return [
            text for part in node.expressions for text in _constraint(reading, part, table, scope)
        ]
    if isinstance(node, exp.IndexColumnConstraint) or (
        isinstance(node, exp.Anonymous) and str(node.this).upper() in ("INDEX", "KEY", "FULLTEXT")
    ):
        reading.only("KEY in CREATE TABLE", "mysql")
        return []
    if isinstance(node, exp.PrimaryKey):
        keys = [_name_of(key) for key in node.expressions]
        if table.counted and [key.lower() for key in keys] == [table.counted]:
            return []
        return [f"PRIMARY KEY ({', '.join(identifier(key) for key in keys)})"]
    if isinstance(node, exp.UniqueColumnConstraint):
        schema = node.this
        return [f"UNIQUE ({', '.join(identifier(_name_of(key)) for key in schema.expressions)})"]
    if isinstance(node, exp.CheckColumnConstraint):
        return [f"CHECK ({condition(reading, node.this, scope)})"]
    if isinstance(node, exp.ForeignKey):
        columns = ", ".join(identifier(_name_of(key)) for key in node.expressions)
        reference = _reference(reading, node.args["reference"])
        for event in ("delete", "update"):
            if action := node.args.get(event):
                reference += f" ON {event.upper()} {action}"
        return [f"FOREIGN KEY ({columns}) {reference}"]
    raise NotKnown(f"{type(node).__name__} of a table")


def _name_of(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, exp.Ordered) else node
    if not isinstance(inner, exp.Column | exp.Identifier):
        raise NotKnown("a key that is no column")
    return inner.name


@says_statement(exp.Drop)
def _drop(reading: Reading, node: exp.Drop) -> list[str]:
    kind = str(node.args.get("kind") or "").upper()
    exists = "IF EXISTS " if node.args.get("exists") else ""
    if kind in ("DATABASE", "SCHEMA", "SEQUENCE", "TYPE", "EXTENSION"):
        return []
    targets = node.args.get("tables") or ([node.this] if node.this is not None else [])
    if kind == "INDEX":
        if node.args.get("this") is None and len(targets) != 1:
            raise NotKnown("DROP INDEX")
        return [f"DROP INDEX {exists}{identifier(targets[0].name)}"]
    if kind not in ("TABLE", "VIEW") or node.args.get("cascade"):
        if (
            kind == "TABLE"
            and reading.is_of("postgres", "oracle", "mysql")
            and node.args.get("cascade")
        ):
            kind = "TABLE"
        else:
            raise NotKnown(f"DROP {kind}")
    statements = []
    for target in targets:
        name = table_name(reading, target)
        if not exists:
            reading.table(name)
        reading.tables.pop(name.lower(), None)
        statements.append(f"DROP {kind} {exists}{identifier(name)}")
    return statements


@says_statement(exp.Alter)
def _alter(reading: Reading, node: exp.Alter) -> list[str]:
    if str(node.args.get("kind")).upper() != "TABLE":
        raise NotKnown(f"ALTER {node.args.get('kind')}")
    name = table_name(reading, node.this)
    table = reading.table(name)
    return [
        statement
        for action in node.args["actions"]
        for statement in _action(reading, action, name, table)
    ]


def _action(reading: Reading, action: exp.Expr, name: str, table: Table | None) -> list[str]:
    start = f"ALTER TABLE {identifier(name)}"
    if isinstance(action, exp.ColumnDef):
        given = table or Table({})
        given.columns[action.name.lower()] = _column_kind(reading, action)
        if _counted(reading, [action]):
            raise NotKnown("a new column that counts up")
        plain = action.copy()
        plain.set("exists", None)
        said = _column(reading, plain, given, Scope({name.lower(): given.columns}))
        if action.args.get("position"):
            raise NotKnown("the place of a new column")
        return [f"{start} ADD COLUMN {said}"]
    if isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() == "COLUMN":
        if table is not None:
            table.columns.pop(action.this.name.lower(), None)
        return [f"{start} DROP COLUMN {identifier(action.this.name)}"]
    if isinstance(action, exp.RenameColumn):
        old, new = action.this.name, action.args["to"].name
        if table is not None:
            table.columns = {
                (new.lower() if column == old.lower() else column): kind
                for column, kind in table.columns.items()
            }
        return [f"{start} RENAME COLUMN {identifier(old)} TO {identifier(new)}"]
    if isinstance(action, exp.AlterRename):
        new = table_name(reading, action.this)
        if table is not None:
            reading.tables[new.lower()] = reading.tables.pop(name.lower())
        return [f"{start} RENAME TO {identifier(new)}"]
    if isinstance(action, exp.AddConstraint):
        return _added_constraint(reading, action, name)
    raise NotKnown(f"ALTER TABLE {type(action).__name__}")


def _added_constraint(reading: Reading, action: exp.AddConstraint, name: str) -> list[str]:
    """A unique key as an index; what else can be added later SQLite takes with the table only."""
    statements = []
    for item in action.expressions:
        inner = item.expressions[0] if isinstance(item, exp.Constraint) else item
        if isinstance(inner, exp.UniqueColumnConstraint):
            keys = ", ".join(identifier(_name_of(key)) for key in inner.this.expressions)
            label = identifier(f"unique key of {name} {keys}".replace("[", "").replace("]", ""))
            statements.append(f"CREATE UNIQUE INDEX {label} ON {identifier(name)} ({keys})")
        elif isinstance(inner, exp.IndexColumnConstraint):
            continue
        else:
            raise NotKnown("a constraint added to a table")
    return statements


def with_constraints_in_place(trees: list[exp.Expr]) -> list[exp.Expr]:
    """Returns statements in which constraints added to a new table stand in its CREATE TABLE.

    So do defaults of a sequence, as dumps of PostgreSQL write them. What was inserted in between
    does not break them: the dialect has taken it.
    """
    created: dict[str, exp.Schema] = {}
    kept: list[exp.Expr] = []
    for tree in trees:
        if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema):
            created[tree.this.this.name.lower()] = tree.this
        if isinstance(tree, exp.Alter):
            schema = created.get(tree.this.name.lower())
            if schema is not None and all(
                _moved(schema, action) for action in tree.args["actions"]
            ):
                continue
        kept.append(tree)
    return kept


def _moved(schema: exp.Schema, action: exp.Expr) -> bool:
    if isinstance(action, exp.AddConstraint):
        for item in action.expressions:
            schema.append("expressions", item.copy())
        return True
    if isinstance(action, exp.AlterColumn) and action.args.get("default") is not None:
        for part in schema.expressions:
            if isinstance(part, exp.ColumnDef) and part.name.lower() == action.this.name.lower():
                kind = exp.DefaultColumnConstraint(this=action.args["default"].copy())
                part.append("constraints", exp.ColumnConstraint(kind=kind))
                return True
    return False
