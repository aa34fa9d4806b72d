"""Columns and constraints of a table, said in SQLite."""

from __future__ import annotations

import re

from sqlglot import exp

from trainables.sql.translation.casts import AFFINITIES, declared, stored
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.kinds import COLLATIONS, TEXT, UNKNOWN, Kind, NotKnown, NotSpoken
from trainables.sql.translation.reading import Reading, Scope, Table, identifier, string
from trainables.sql.translation.sources import table_name

_OF_ONE = {
    "number": (Kind("decimal"), "oracle"),
    **dict.fromkeys(("clob", "nclob", "long"), (TEXT, "oracle")),
    "citext": (TEXT, "postgres"),
    "sysname": (TEXT, "tsql"),
}
"""Types that sqlglot takes for somebody's own, with their kinds and dialects."""


def column_kind(reading: Reading, part: exp.ColumnDef) -> Kind:
    if part.kind is None:
        if reading.is_of("tsql") and any(
            isinstance(kind, exp.ComputedColumnConstraint) for kind in _constraints(part)
        ):
            return UNKNOWN
        raise NotSpoken("a column without a type")
    kind = declared(reading, part.kind)
    if part.kind.this == exp.DType.USERDEFINED:
        name = str(part.kind.args.get("kind") or "").rpartition(".")[2].strip('"').lower()
        if name in reading.enums:
            return TEXT._replace(values=tuple(reading.enums[name]))
        if name not in _OF_ONE:
            raise NotSpoken(f"the type {name}")
        known, dialect = _OF_ONE[name]
        reading.only(f"the type {name}", dialect)
        return known
    if part.kind.this == exp.DType.ENUM:
        return kind._replace(values=tuple(allowed_values(reading, part) or ()))
    return kind


def width(reading: Reading, part: exp.ColumnDef) -> int | None:
    """Returns how many characters a column fills its texts up to; None if it does not."""
    if part.kind is None or reading.is_of("mysql"):
        return None
    if getattr(part.kind.this, "name", "") not in ("CHAR", "NCHAR"):
        return None
    sizes = [size.name for size in part.kind.expressions]
    return int(sizes[0]) if sizes and sizes[0].isdigit() else 1


def _constraints(part: exp.ColumnDef) -> list[exp.Expr]:
    return [
        item.kind if isinstance(item, exp.ColumnConstraint) else item for item in part.constraints
    ]


def primary_key(parts: list[exp.Expr]) -> tuple[str, ...]:
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


def counted_column(reading: Reading, parts: list[exp.Expr]) -> str | None:
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


def first_count(parts: list[exp.Expr]) -> int:
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            for kind in _constraints(part):
                if isinstance(kind, exp.GeneratedAsIdentityColumnConstraint):
                    start, step = kind.args.get("start"), kind.args.get("increment")
                    if step is not None and step.name != "1":
                        raise NotKnown("a column that counts up by other steps")
                    return int(start.name) if start is not None else 1
    return 1


def column_text(reading: Reading, part: exp.ColumnDef, table: Table, scope: Scope) -> str:
    name = part.name.lower()
    kind = table.columns[name]
    pieces = [identifier(part.name)]
    if name == table.counted:
        return f"{pieces[0]} INTEGER PRIMARY KEY AUTOINCREMENT"
    pieces += type_words(reading, kind)
    pieces += [
        _column_constraint(reading, item, name, kind, table, scope) for item in _constraints(part)
    ]
    values = allowed_values(reading, part)
    if values is not None:
        listed = ", ".join(string(value) for value in values)
        pieces.append(f"CHECK ({identifier(part.name)} IN ({listed}))")
    return " ".join(piece for piece in pieces if piece)


def type_words(reading: Reading, kind: Kind) -> list[str]:
    """Returns a column's type in SQLite, with the collation of its dialect."""
    pieces = [AFFINITIES[kind.name]] if kind.name in AFFINITIES else []
    collation = COLLATIONS.get(reading.dialect)
    if kind.name == TEXT.name and collation:
        reading.functions.add(collation)
        pieces.append(f"COLLATE {collation}")
    return pieces


def allowed_values(reading: Reading, part: exp.ColumnDef) -> list[str] | None:
    if part.kind is None:
        return None
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


def constraint_texts(reading: Reading, node: exp.Expr, table: Table, scope: Scope) -> list[str]:
    """Returns the constraints of a table; the plain indexes of MySQL are none."""
    if isinstance(node, exp.Constraint):
        return [
            text
            for part in node.expressions
            for text in constraint_texts(reading, part, table, scope)
        ]
    if isinstance(node, exp.IndexColumnConstraint) or (
        isinstance(node, exp.Anonymous) and str(node.this).upper() in ("INDEX", "KEY", "FULLTEXT")
    ):
        reading.only("KEY in CREATE TABLE", "mysql")
        return []
    if isinstance(node, exp.PrimaryKey):
        keys = [name_of(key) for key in node.expressions]
        if table.counted and [key.lower() for key in keys] == [table.counted]:
            return []
        return [f"PRIMARY KEY ({', '.join(identifier(key) for key in keys)})"]
    if isinstance(node, exp.UniqueColumnConstraint):
        schema = node.this
        return [f"UNIQUE ({', '.join(identifier(name_of(key)) for key in schema.expressions)})"]
    if isinstance(node, exp.CheckColumnConstraint):
        return [f"CHECK ({condition(reading, node.this, scope)})"]
    if isinstance(node, exp.ForeignKey):
        columns = ", ".join(identifier(name_of(key)) for key in node.expressions)
        reference = _reference(reading, node.args["reference"])
        for event in ("delete", "update"):
            if action := node.args.get(event):
                reference += f" ON {event.upper()} {action}"
        return [f"FOREIGN KEY ({columns}) {reference}"]
    raise NotKnown(f"{type(node).__name__} of a table")


def name_of(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, exp.Ordered) else node
    if not isinstance(inner, exp.Column | exp.Identifier):
        raise NotKnown("a key that is no column")
    return inner.name
