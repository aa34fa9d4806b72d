"""Parts, truncations and differences of moments, by the names that each dialect has for them."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.kinds import (
    DATE,
    FLOAT,
    INTEGER,
    LITERAL,
    STAMP,
    TEXT,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import Reading, Scope, string

_COMMON = {name: name for name in ("year", "quarter", "month", "day", "hour", "minute", "second")}

PARTS: dict[str, dict[str, str]] = {
    "mysql": {**_COMMON, "week": "week, MySQL mode 0", "microsecond": "microsecond"},
    "postgres": {
        **_COMMON,
        "second": "second with its fraction",
        "dow": "weekday, Sunday is 0",
        "isodow": "weekday, Monday is 1",
        "doy": "day of the year",
        "week": "ISO week",
        "isoyear": "ISO year",
        "epoch": "seconds since 1970",
        "decade": "decade",
        "century": "century",
    },
    "oracle": {name: name for name in ("year", "month", "day", "hour", "minute", "second")},
    "tsql": {
        **_COMMON,
        **dict.fromkeys(("yy", "yyyy"), "year"),
        **dict.fromkeys(("qq", "q"), "quarter"),
        **dict.fromkeys(("mm", "m"), "month"),
        **dict.fromkeys(("dd", "d"), "day"),
        **dict.fromkeys(("dayofyear", "dy", "y"), "day of the year"),
        **dict.fromkeys(("week", "wk", "ww"), "week, T-SQL"),
        **dict.fromkeys(("weekday", "dw"), "weekday, Sunday is 1"),
        "hh": "hour",
        **dict.fromkeys(("mi", "n"), "minute"),
        **dict.fromkeys(("ss", "s"), "second"),
        **dict.fromkeys(("iso_week", "isowk", "isoww"), "ISO week"),
    },
}
"""What each dialect calls the parts of a moment, and their names in `sandbox.moments`.

Sources: MySQL 8.0, 14.7 EXTRACT; PostgreSQL 16, 9.9.1; Oracle 19c, EXTRACT (datetime);
Transact-SQL, DATEPART (weeks start on Sunday, the default of SET DATEFIRST)."""

_TSQL_UNITS = {
    **dict.fromkeys(("year", "yy", "yyyy"), "year"),
    **dict.fromkeys(("quarter", "qq", "q"), "quarter"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("week", "wk", "ww"), "week"),
    **dict.fromkeys(("day", "dd", "d", "dayofyear", "dy", "y"), "day"),
    **dict.fromkeys(("weekday", "dw", "w"), "day"),
    **dict.fromkeys(("hour", "hh"), "hour"),
    **dict.fromkeys(("minute", "mi", "n"), "minute"),
    **dict.fromkeys(("second", "ss", "s"), "second"),
}
_MYSQL_UNITS = {
    name: name for name in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
}
_CLOCK = ("hour", "minute", "second")


def unit_of(reading: Reading, node: exp.Expr) -> str:
    """Returns the unit that a function's first argument names without quotes.

    Raises:
        NotSpoken: The dialect has no such unit.
    """
    name = node.name.lower() if isinstance(node, exp.Column | exp.Var | exp.Identifier) else ""
    units = _TSQL_UNITS if reading.is_of("tsql") else _MYSQL_UNITS
    if name.startswith("sql_tsi_"):
        name = name.removeprefix("sql_tsi_")
    if name not in units:
        if name in ("microsecond", "millisecond", "ms", "nanosecond", "mcs", "ns", "iso_week"):
            raise NotKnown(f"the unit {name}")
        raise NotSpoken(f"the unit {name or 'of a date'}")
    return units[name]


def as_moment(reading: Reading, said: Said) -> Said:
    """Checks that a value is a moment, or a text that its dialect reads as one.

    Raises:
        NotSpoken: Oracle reads no text in ISO form as a date.
        NotKnown: It is something else.
    """
    if said.interval:
        raise NotKnown("an interval as a date")
    if said.kind.is_moment or said.kind in (TEXT, UNKNOWN) or said.kind.name == "null":
        return said
    if said.kind == LITERAL and said.literal is not None:
        if reading.is_of("oracle") or said.literal.lower() == "now":
            # 'now' is SQLite's.
            raise NotSpoken(f"{said.literal!r} as a date")
        if reading.is_of("tsql") and len(said.literal) == 8 and said.literal.isdigit():
            text = f"{said.literal[:4]}-{said.literal[4:6]}-{said.literal[6:]}"
            return Said(string(text), LITERAL, literal=text)
        return said
    if said.kind.is_number or said.kind.name == "boolean":
        if reading.is_of("postgres", "oracle"):
            raise NotSpoken(f"a {said.kind.name} as a date")
        raise NotKnown(f"a {said.kind.name} as a date")
    raise NotKnown(f"a {said.kind.name} as a date")


def part(reading: Reading, name: str, node: exp.Expr, scope: Scope) -> Said:
    """Says a part of a moment, or of the interval between two."""
    known = PARTS[reading.dialect].get(name.lower())
    if known is None:
        if reading.is_of("mysql") and "_" in name:
            raise NotKnown(f"the part {name}")
        if reading.is_of("postgres") and name.lower() in ("millennium", "julian", "milliseconds"):
            raise NotKnown(f"the part {name}")
        raise NotSpoken(f"the part {name}")
    inner = node.unnest() if isinstance(node, exp.Paren) else node
    if reading.is_of("postgres"):
        if isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "AGE":
            return _part_of_age(reading, known, inner, scope)
        if isinstance(inner, exp.Sub):
            between = _part_between(reading, known, inner, scope)
            if between is not None:
                return between
    said = as_moment(reading, reading.expression(node, scope))
    return part_of(reading, known, said)


_PART_OF_POSTGRES = Kind("decimal", None, 0)
"""EXTRACT gives a numeric there (9.9.1), so that a half of it has places."""

_NATIVE = {
    "year": "%Y",
    "month": "%m",
    "day": "%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S",
    "day of the year": "%j",
}


def part_of(reading: Reading, known: str, said: Said) -> Said:
    """Says a part, by its name in `sandbox.moments`, of a moment."""
    kind = _PART_OF_POSTGRES if reading.is_of("postgres") else INTEGER
    kind = FLOAT if known == "second with its fraction" else kind
    kind = TEXT if known.startswith("name") else kind
    if known in _NATIVE and said.kind.is_moment:
        # SQLite's own, where what it is given is a date for certain.
        return Said(f"CAST(STRFTIME('{_NATIVE[known]}', {said.sql}) AS INTEGER)", kind)
    return Said(reading.call("moment_part", said.sql, string(known)), kind)


def _part_of_age(reading: Reading, known: str, age: exp.Anonymous, scope: Scope) -> Said:
    values = [as_moment(reading, said) for said in reading.expressions(age.expressions, scope)]
    if len(values) == 1:
        # From midnight of the current day.
        from trainables.sql.sandbox import clock

        values.insert(0, Said(string(clock.DATE), DATE))
    if len(values) != 2:
        raise NotSpoken("AGE")
    if known not in ("year", "month", "day"):
        raise NotKnown(f"the {known} of an age")
    later, earlier = values
    said = reading.call("moment_age_part", later.sql, earlier.sql, string(known))
    return Said(said, _PART_OF_POSTGRES)


def _part_between(reading: Reading, known: str, node: exp.Sub, scope: Scope) -> Said | None:
    left, right = reading.expressions([node.left, node.right], scope)
    if left.interval or right.interval or STAMP not in (left.kind, right.kind):
        return None
    as_moment(reading, left), as_moment(reading, right)
    seconds = reading.call("moment_seconds_between", left.sql, right.sql)
    if known == "seconds since 1970":
        return Said(seconds, Kind("decimal"))
    if known == "day":
        return Said(f"CAST({seconds} / 86400 AS INTEGER)", _PART_OF_POSTGRES)
    if known == "hour":
        return Said(f"(CAST({seconds} / 3600 AS INTEGER) % 24)", _PART_OF_POSTGRES)
    raise NotKnown(f"the {known} of an interval")


def truncated(reading: Reading, unit: str, said: Said) -> Said:
    """Says the start of the unit that holds a moment."""
    name = unit.lower().removesuffix("s")
    if name not in (
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "quarter",
        "year",
        "decade",
    ):
        raise NotKnown(f"a date cut to the {unit}")
    moment = as_moment(reading, said)
    kind = STAMP if name in _CLOCK else DATE
    return Said(reading.call("moment_truncate", moment.sql, string(name)), kind)
