"""Types as each dialect declares them, and conversions between them."""

from __future__ import annotations

import re

from sqlglot import exp

from trainables.sql.translation.kinds import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    PADDED,
    SINGLE,
    STAMP,
    TEXT,
    TIME,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import Reading, string

_DIGITS = {
    **dict.fromkeys(("TINYINT", "UTINYINT"), 3),
    **dict.fromkeys(("SMALLINT", "USMALLINT", "SMALLSERIAL", "YEAR"), 5),
    **dict.fromkeys(("MEDIUMINT", "UMEDIUMINT"), 8),
    **dict.fromkeys(("INT", "UINT", "SERIAL"), 10),
    **dict.fromkeys(("BIGINT", "UBIGINT", "BIGSERIAL"), 19),
}
_DIGITS_OF_SINGLE = 24
"""Base two: FLOAT(25) and more is a float of eight bytes."""
_FLOATS = frozenset({"FLOAT", "DOUBLE", "UDOUBLE"})
_DECIMALS = frozenset({"DECIMAL", "UDECIMAL", "BIGDECIMAL", "MONEY", "SMALLMONEY"})
_TEXTS = frozenset(
    {
        *("CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "TEXT", "NTEXT", "MEDIUMTEXT", "LONGTEXT"),
        *("TINYTEXT", "BPCHAR", "NAME", "UUID", "UNIQUEIDENTIFIER", "ENUM", "INET", "JSON"),
        *("JSONB", "XML", "SET"),
    }
)
_STAMPS = frozenset(
    {
        *("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMPNTZ"),
        *("DATETIME", "DATETIME2", "SMALLDATETIME"),
    }
)
_BLOBS = frozenset({"BINARY", "VARBINARY", "BLOB", "MEDIUMBLOB", "LONGBLOB", "TINYBLOB", "IMAGE"})

_OF_FEW: dict[str, tuple[str, ...]] = {
    "TEXT": ("mysql", "postgres", "tsql"),
    "BOOLEAN": ("mysql", "postgres"),
    "DATETIME": ("mysql", "tsql"),
    "TINYINT": ("mysql", "tsql"),
    "BIGINT": ("mysql", "postgres", "tsql"),
    "TIME": ("mysql", "postgres", "tsql"),
    "YEAR": ("mysql",),
    "ENUM": ("mysql",),
    "MONEY": ("tsql", "postgres"),
    "SMALLMONEY": ("tsql",),
    "UUID": ("postgres",),
    "JSON": ("mysql", "postgres"),
    "JSONB": ("postgres",),
    "INET": ("postgres",),
    "SERIAL": ("postgres", "mysql"),
    "BIGSERIAL": ("postgres",),
    "BIT": ("tsql", "mysql", "postgres"),
    "UNIQUEIDENTIFIER": ("tsql",),
    "MEDIUMINT": ("mysql",),
}


def declared(reading: Reading, node: exp.Expr) -> Kind:
    """Returns the kind of values of a declared type.

    Raises:
        NotSpoken: The dialect has no such type.
        NotKnown: Its values are none that SQLite has.
    """
    if not isinstance(node, exp.DataType):
        raise NotSpoken("what is no type")
    name = getattr(node.this, "name", str(node.this)).upper()
    if name in _OF_FEW:
        reading.only(f"the type {name}", *_OF_FEW[name])
    if name in _DIGITS:
        return Kind("integer", _DIGITS[name], 0, unsigned=name.startswith("U"))
    if name == "BIT":
        if reading.is_of("postgres"):
            raise NotKnown("strings of bits")
        return Kind("integer", 1, 0)
    if name == "FLOAT" and reading.is_of("mysql", "postgres"):
        sizes = [size.name for size in node.expressions if size.name.isdigit()]
        return FLOAT if len(sizes) == 1 and int(sizes[0]) > _DIGITS_OF_SINGLE else SINGLE
    if name in _FLOATS:
        return FLOAT
    if name in _DECIMALS:
        return _decimal(reading, name, node)
    if name in _TEXTS:
        return TEXT
    if name == "DATE":
        # Oracle's has a time of day.
        return STAMP if reading.is_of("oracle") else DATE
    if name in _STAMPS:
        return STAMP
    if name == "TIME":
        return TIME
    if name == "BOOLEAN":
        return INTEGER if reading.is_of("mysql") else BOOLEAN
    if name in _BLOBS:
        return Kind("blob")
    if name == "ARRAY":
        reading.only("arrays", "postgres")
        return Kind("array")
    if name == "USERDEFINED":
        return UNKNOWN
    if name == "ROWVERSION":
        # T-SQL's TIMESTAMP is no time, and takes no values; nobody means it who writes it.
        raise NotSpoken("TIMESTAMP as a type of T-SQL")
    raise NotKnown(f"the type {name}")


def _decimal(reading: Reading, name: str, node: exp.DataType) -> Kind:
    if name in ("MONEY", "SMALLMONEY"):
        return Kind("decimal", 19, 4)
    sizes = [int(size.name) for size in node.expressions if size.name.isdigit()]
    if len(sizes) == 2:
        return Kind("decimal", sizes[0], sizes[1])
    if sizes:
        return Kind("decimal", sizes[0], 0)
    return {"mysql": Kind("decimal", 10, 0), "tsql": Kind("decimal", 18, 0)}.get(
        reading.dialect, Kind("decimal")
    )


AFFINITIES = {
    # No INTEGER, which as a primary key would count up by itself.
    "integer": "INT",
    "decimal": "REAL",
    "float": "REAL",
    "text": "TEXT",
    "date": "TEXT",
    "stamp": "TEXT",
    "time": "TEXT",
    "boolean": "INT",
    "blob": "BLOB",
    "array": "TEXT",
}
"""How SQLite stores a kind: decimals as floats, so that none of them is divided as an integer."""


def cast_to(reading: Reading, said: Said, node: exp.Expr) -> Said:
    """Says a value converted to a type."""
    kind = declared(reading, node)
    if kind == UNKNOWN:
        raise (NotKnown if _is_enum(reading, node) else NotSpoken)("a type of its own")
    if said.interval:
        raise NotKnown("an interval as another type")
    if said.kind.name == "null":
        return Said("NULL", kind)
    if kind.name == "integer":
        return _to_integer(reading, said, kind)
    if kind.name in ("decimal", "float"):
        return _to_real(reading, said, kind)
    if kind.name == TEXT.name:
        return _to_text(reading, said, node)
    if kind == DATE:
        return _to_date(reading, said)
    if kind == STAMP:
        return _to_stamp(reading, said)
    if kind == TIME and (said.kind == STAMP or said.kind.is_text):
        return Said(reading.call("moment_time", said.sql), TIME)
    if kind == BOOLEAN:
        return _to_truth(said)
    raise NotKnown(f"a {said.kind.name} as a {kind.name}")


def _is_enum(reading: Reading, node: exp.Expr) -> bool:
    return str(node.args.get("kind") or "").rpartition(".")[2].lower() in reading.enums


def _to_integer(reading: Reading, said: Said, kind: Kind) -> Said:
    if kind.unsigned and not said.kind.unsigned:
        inner = _to_integer(reading, said, kind._replace(unsigned=False))
        # A negative one becomes one of 20 digits, or 0, as what it was decides.
        return Said(reading.call("number_known_unsigned", inner.sql), kind)
    name = said.kind.name
    if name == "integer":
        return Said(said.sql, kind)
    if name == "boolean" and reading.is_of("postgres", "mysql"):
        return Said(said.sql, kind)
    if name == "decimal" or (name == "float" and reading.is_of("tsql")):
        if reading.is_of("tsql"):
            return Said(f"CAST({said.sql} AS INTEGER)", kind)
        return Said(reading.call("number_to_integer", said.sql), kind)
    if name == "float":
        return Said(f"CAST({reading.call('number_round_float', said.sql, '0')} AS INTEGER)", kind)
    if said.kind.is_text:
        if reading.is_of("mysql"):
            # Both take the digits at the start.
            return Said(f"CAST({said.sql} AS INTEGER)", kind)
        if said.literal is not None and not re.fullmatch(r"\s*[-+]?\d+\s*", said.literal):
            if reading.is_of("oracle"):
                raise NotKnown("a text as an integer")
            raise NotSpoken(f"{said.literal!r} as an integer")
        if said.literal is None and not reading.is_of("oracle"):
            return Said(f"CAST({reading.call('number_read', said.sql)} AS INTEGER)", kind)
        return (
            Said(str(int(said.literal or 0)), kind)
            if said.literal
            else _unknown(said, "an integer")
        )
    return _unknown(said, "an integer")


def _to_real(reading: Reading, said: Said, kind: Kind) -> Said:
    name = said.kind.name
    if name in ("integer", "decimal", "float"):
        sql = f"CAST({said.sql} AS REAL)"
    elif said.kind.is_text:
        if reading.is_of("mysql"):
            sql = f"CAST({said.sql} AS REAL)"
        else:
            sql = f"CAST({reading.call('number_read', said.sql)} AS REAL)"
    else:
        return _unknown(said, "a number")
    if kind.name == "decimal" and kind.scale is not None:
        if name != "integer":
            sql = reading.call("number_round", sql, str(kind.scale))
        if kind.precision is not None and not _has_room(said.kind, kind):
            function = "number_known_to_fit" if reading.is_of("mysql") else "number_fitting"
            sql = reading.call(function, sql, str(kind.precision - kind.scale))
    return Said(sql, kind)


def _has_room(given: Kind, kind: Kind) -> bool:
    """Tells whether every number of one exact type has room in another one."""
    known = (given.precision, given.scale, kind.precision, kind.scale)
    if None in known:
        return False
    p1, s1, p2, s2 = (value for value in known if value is not None)
    return p1 - s1 < p2 - s2 or (p1 - s1 == p2 - s2 and s1 <= s2)


def _to_text(reading: Reading, said: Said, node: exp.Expr) -> Said:
    name = said.kind.name
    sizes = [size.name for size in node.expressions]
    type_name = getattr(node.this, "name", "")
    is_padded = type_name in ("CHAR", "NCHAR", "BPCHAR") and not reading.is_of("mysql")
    if is_padded and not sizes:
        raise NotKnown("a text padded with blanks")
    if said.kind.is_text or name == "integer":
        sql = said.sql if said.kind.is_text else f"CAST({said.sql} AS TEXT)"
    elif name == "decimal" and said.kind.scale == 0 and not said.kind.shown:
        sql = f"CAST(CAST({said.sql} AS INTEGER) AS TEXT)"
    elif name == "date" and reading.is_of("mysql", "postgres", "tsql"):
        sql = said.sql
    elif name == "stamp" and reading.is_of("mysql", "postgres"):
        sql = reading.call("moment_full", said.sql)
    elif name == "boolean" and reading.is_of("postgres"):
        sql = f"CASE {said.sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    elif name == "unknown":
        sql = reading.call("text_said", said.sql)
    else:
        raise NotKnown(f"a {name} as a text")
    if not sizes and reading.is_of("tsql"):
        sizes = ["30"]
    if is_padded:
        if name == "integer":
            raise NotKnown("an integer as a text of a fixed width")
        return Said(reading.call("text_filled", sql, sizes[0]), TEXT)
    if sizes and sizes[0].isdigit():
        if name == "integer" and int(sizes[0]) < 19 and reading.is_of("tsql", "oracle"):
            if int(sizes[0]) < (said.kind.precision or 19) + 1 and said.literal is None:
                # T-SQL writes a star where an integer has no room, Oracle refuses it.
                sql = f"CASE WHEN LENGTH({sql}) > {sizes[0]} THEN '*' ELSE {sql} END"
                if reading.is_of("oracle"):
                    raise NotKnown("an integer as a short text")
        elif name != "integer":
            sql = f"SUBSTR({sql}, 1, {sizes[0]})"
    return Said(sql, TEXT)


def _to_date(reading: Reading, said: Said) -> Said:
    if said.literal is not None and said.kind.is_text:
        from trainables.sql.translation.comparisons import moment_literal

        text = moment_literal(reading, said.literal, None)
        return Said(string(text[:10]), DATE, literal=text[:10])
    if said.kind.is_moment or said.kind.is_text or said.kind == UNKNOWN:
        return Said(reading.call("moment_date", said.sql), DATE)
    return _unknown(said, "a date")


def _to_stamp(reading: Reading, said: Said) -> Said:
    if said.literal is not None and said.kind.is_text:
        from trainables.sql.translation.comparisons import moment_literal

        return Said(string(moment_literal(reading, said.literal, True)), STAMP)
    if said.kind == STAMP:
        return said
    if said.kind == DATE or said.kind.is_text or said.kind == UNKNOWN:
        if reading.is_of("oracle") and said.kind.is_text:
            raise NotSpoken("a text as a date")
        return Said(reading.call("moment_full", said.sql), STAMP)
    return _unknown(said, "a timestamp")


def _to_truth(said: Said) -> Said:
    if said.kind.name == "boolean":
        return said
    if said.kind.name == "integer":
        return Said(f"({said.sql} <> 0)", BOOLEAN)
    if said.literal is not None:
        from trainables.sql.translation.comparisons import truth_literal

        return Said(truth_literal(said.literal), BOOLEAN)
    return _unknown(said, "a truth value")


def _unknown(said: Said, wanted: str) -> Said:
    raise NotKnown(f"a {said.kind.name} as {wanted}")


def stored(reading: Reading, said: Said, kind: Kind) -> str:
    """Returns a value as a column of a kind stores it.

    Raises:
        NotSpoken: The dialect refuses the value.
        NotKnown: It converts it in a way of its own.
    """
    from trainables.sql.translation.comparisons import moment_literal, truth_literal

    name, value = kind.name, said.kind.name
    name = TEXT.name if name == PADDED.name else name
    if said.interval:
        raise NotKnown("an interval in a column")
    if value == "null" or name in ("unknown", "blob"):
        return said.sql
    if name in ("date", "stamp"):
        if said.literal is not None and said.kind.is_text:
            text = moment_literal(reading, said.literal, name == "stamp")
            if reading.is_of("mysql") and "." in text:
                raise NotKnown("a fraction of a second, which is rounded or cut by a setting")
            return string(text[:10] if name == "date" else text)
        if name == "date" and value in ("stamp", "unknown", "text"):
            return reading.call("moment_date", said.sql)
        if value == name or value in ("unknown", "text"):
            return said.sql
        if value == "date":
            return reading.call("moment_full", said.sql)
    elif name == "boolean" or (name == "integer" and kind.precision == 1 and said.kind.is_text):
        if value in ("boolean", "unknown") or (
            value == "integer" and not reading.is_of("postgres")
        ):
            return said.sql
        if said.literal is not None and said.kind.is_text:
            return truth_literal(said.literal)
    elif name == "integer":
        if value in ("integer", "unknown", "boolean"):
            return said.sql
        if value in ("decimal", "float"):
            return _to_integer(reading, said, kind).sql
        if said.literal is not None and re.fullmatch(r"\s*[-+]?\d+\s*", said.literal):
            return said.literal.strip()
    elif name in ("decimal", "float"):
        if value in ("integer", "unknown", "float", "decimal", "boolean"):
            fits = said.kind.scale is not None and kind.scale is not None
            if name == "float" or kind.scale is None or (fits and said.kind.scale <= kind.scale):  # type: ignore[operator]
                return said.sql
            return reading.call("number_round", said.sql, str(kind.scale))
        if said.literal is not None and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", said.literal):
            given = said.literal.strip()
            if name == "float" or kind.scale is None:
                return given
            return reading.call("number_round", given, str(kind.scale))
    elif name == "array":
        if value in ("array", "literal"):
            return said.sql
    elif kind.values and said.literal is not None:
        return string(_of_enum(reading, said.literal, kind.values))
    elif name in ("text", "time"):
        if value in ("text", "literal", "integer", "unknown", "time"):
            return said.sql
        if name == "text" and value == "date" and reading.is_of("mysql", "postgres"):
            return said.sql
    raise NotKnown(f"a {value} in a column of {name}")


def _of_enum(reading: Reading, literal: str, values: tuple[str, ...]) -> str:
    """Returns the value of an enumeration that a literal names; MySQL keeps its own spelling."""
    if reading.is_of("mysql"):
        same = [value for value in values if value.lower() == literal.rstrip(" ").lower()]
        return same[0] if same else literal
    return literal
