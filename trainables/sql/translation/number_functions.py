"""Functions of numbers: rounding, powers, logarithms, numbers from texts and as texts."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.arithmetic import remainder
from trainables.sql.translation.calls import Call, Rule
from trainables.sql.translation.dates import as_moment, truncated
from trainables.sql.translation.kinds import (
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)

_OF_BOTH = frozenset({"SQRT", "EXP", "LN", "LOG", "LOG10", "POWER", "POW"})
"""Of a decimal they give a decimal in PostgreSQL, of other numbers a float."""


def rounded(given: Call) -> Said:
    values = given.values("n?ni")
    reading, value = given.reading, values[0]
    if reading.is_of("tsql"):
        if len(values) < 2:
            raise NotSpoken("ROUND of one argument")
        if len(values) == 3:
            if values[2].literal is None:
                raise NotKnown("ROUND by a function that is not a number")
            name = "number_truncate" if int(values[2].literal) else "number_round"
            return Said(reading.call(name, value.sql, values[1].sql), value.kind)
    elif len(values) > 2:
        raise NotSpoken("ROUND of three arguments")
    digits = values[1].sql if len(values) > 1 else "0"
    if reading.is_of("postgres") and value.kind.name == FLOAT.name and len(values) > 1:
        if isinstance(given.nodes[0], exp.Anonymous) and given.nodes[0].name.upper() in _OF_BOTH:
            raise NotKnown("ROUND of what may be a float or a decimal")
        raise NotSpoken("ROUND of a float to some places")
    name = "number_round" if value.kind.name in ("integer", "decimal") else "number_round_float"
    places = values[1].literal if len(values) > 1 else "0"
    scale = max(0, int(places)) if places is not None and places.lstrip("-").isdigit() else None
    kind = value.kind
    if kind.name == "decimal":
        kind = Kind("decimal", None, scale)
        if scale == 0 and reading.is_of("mysql"):
            kind = Kind("decimal", None, 0)
    return Said(reading.call(name, value.sql, digits), kind)


def truncated_value(given: Call) -> Said:
    """TRUNC of numbers, and of Oracle's dates."""
    reading = given.reading
    if reading.is_of("oracle"):
        values = given.values("a?a")
        if not values[0].kind.is_number:
            if values[0].kind == UNKNOWN:
                raise NotKnown("TRUNC of a number or a date")
            moment = as_moment(reading, values[0])
            if len(values) == 1:
                return Said(reading.call("moment_date", moment.sql), DATE)
            unit = {
                **dict.fromkeys(("YYYY", "YEAR", "YY", "Y", "SYYYY"), "year"),
                **dict.fromkeys(("MM", "MONTH", "MON", "RM"), "month"),
                **dict.fromkeys(("DD", "DDD", "J"), "day"),
                "Q": "quarter",
                "IW": "week",
                "HH24": "hour",
                "HH": "hour",
                "MI": "minute",
            }.get((values[1].literal or "").upper())
            if unit is None:
                raise NotKnown("TRUNC of a date to a unit")
            return truncated(reading, unit, moment)
    if reading.is_of("mysql") and len(given.nodes) != 2:
        raise NotSpoken("TRUNCATE of one argument")
    values = given.values("n?n")
    digits = values[1].sql if len(values) > 1 else "0"
    return Said(reading.call("number_truncate", values[0].sql, digits), values[0].kind)


def whole(function: str) -> Rule:
    """CEIL or FLOOR: of an exact number an integer everywhere but in PostgreSQL's arithmetic."""

    def rule(given: Call) -> Said:
        [value] = given.values("n")
        if value.kind.name == "integer":
            return value
        whole = f"CAST({value.sql} AS INTEGER)"
        compared = ">" if function == "CEIL" else "<"
        step = "+" if function == "CEIL" else "-"
        said = f"({whole} {step} ({value.sql} {compared} {whole}))"
        if given.reading.is_of("mysql"):
            return Said(said, INTEGER)
        return Said(f"CAST({said} AS REAL)", value.kind if value.kind == FLOAT else Kind("decimal"))

    return rule


def absolute(given: Call) -> Said:
    [value] = given.values("n")
    return Said(f"ABS({value.sql})", value.kind)


def signum(given: Call) -> Said:
    [value] = given.values("n")
    return Said(f"(({value.sql} > 0) - ({value.sql} < 0))", INTEGER)


def remainder_of(given: Call) -> Said:
    left, right = given.values("nn")
    return remainder(given.reading, left, right)


def power(given: Call) -> Said:
    base, exponent = given.values("nn")
    if given.reading.is_of("tsql"):
        if base.kind.name not in ("integer", "float"):
            raise NotKnown("POWER of a decimal")
        return Said(
            given.reading.call("number_power_of_integer", base.sql, exponent.sql), base.kind
        )
    return Said(given.reading.call("number_power", base.sql, exponent.sql), FLOAT)


def logarithm(given: Call) -> Said:
    """LOG, whose base differs: 10 in PostgreSQL, e in MySQL and T-SQL, given in Oracle."""
    values = [value.sql for value in given.values("n?n")]
    reading = given.reading
    name = "number_logarithm_or_null" if reading.is_of("mysql") else "number_logarithm"
    if len(values) == 1:
        if reading.is_of("oracle"):
            raise NotSpoken("LOG of one argument")
        return Said(
            reading.call(name, *values, *(("10",) if reading.is_of("postgres") else ())), FLOAT
        )
    # T-SQL has the base after the number, the others before it.
    number, base = values if reading.is_of("tsql") else reversed(values)
    return Said(reading.call(name, number, base), FLOAT)


def logarithm_to(base: str) -> Rule:
    def rule(given: Call) -> Said:
        [value] = given.values("n")
        name = "number_logarithm_or_null" if given.reading.is_of("mysql") else "number_logarithm"
        return Said(given.reading.call(name, value.sql, *([base] if base else [])), FLOAT)

    return rule


def root(given: Call) -> Said:
    [value] = given.values("n")
    name = "number_root_or_null" if given.reading.is_of("mysql") else "number_root"
    return Said(given.reading.call(name, value.sql), FLOAT)


def grouped(given: Call) -> Said:
    """MySQL's FORMAT(number, places)."""
    if len(given.nodes) in (2, 3):
        places = given.reading.expression(given.nodes[1], given.scope)
        if places.kind.name == "literal" and not (places.literal or "").strip().isdigit():
            raise NotSpoken("FORMAT by a pattern")
    values = given.values("na")
    if values[1].kind.is_text:
        raise NotKnown("FORMAT by a text")
    return Said(given.reading.call("number_grouped", *(v.sql for v in values)), TEXT)


def to_number(given: Call) -> Said:
    values = given.values("a?t")
    if len(values) > 1:
        raise NotKnown("TO_NUMBER with a format")
    return Said(given.reading.call("number_read", values[0].sql), Kind("decimal"))


def random_number(given: Call) -> Said:
    raise NotKnown("a random number")


PI = Said("3.141592653589793", FLOAT)
