"""Arithmetic and the joining of texts, with the kinds of what comes out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlglot import exp

from trainables.sql.translation.intervals import shifted
from trainables.sql.translation.kinds import (
    FLOAT,
    INTEGER,
    LITERAL,
    NULL,
    STAMP,
    TEXT,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
    widest,
)
from trainables.sql.translation.reading import Reading, Scope, says

_MINIMUM_DIGITS_SHOWN = 6
_MOST_PLACES = 12
"""Of a decimal that a float of usual size still tells from its neighbours."""


@says(exp.Neg)
def _negative(reading: Reading, node: exp.Neg, scope: Scope) -> Said:
    inner = reading.expression(node.this, scope)
    if inner.interval:
        return Said("", Kind("interval"), interval=tuple((f"(-{a})", u) for a, u in inner.interval))
    _numbers(reading, inner)
    literal = f"-{inner.literal}" if inner.literal else None
    return Said(f"(-{inner.sql})", inner.kind._replace(unsigned=False), literal)


@says(exp.Add, exp.Sub)
def _sum(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    sign = "+" if isinstance(node, exp.Add) else "-"
    if right.interval or left.interval:
        if left.interval and (sign == "-" or right.interval):
            raise NotKnown("arithmetic of intervals")
        moment, interval = (left, right) if right.interval else (right, left)
        reading.only("arithmetic with intervals", "mysql", "postgres", "oracle")
        return shifted(reading, moment, interval.interval or (), sign)
    if left.kind.is_moment or right.kind.is_moment:
        return _moment_sum(reading, left, right, sign)
    if reading.is_of("tsql") and sign == "+":
        texts = [side for side in (left, right) if side.kind.is_text]
        if texts:
            if any(not side.kind.is_text and side.kind.name != "null" for side in (left, right)):
                raise NotKnown("+ of a text and a number")
            return Said(f"({left.sql} || {right.sql})", TEXT)
    _numbers(reading, left, right)
    kind = _exact((left.kind, right.kind), max, 1)
    return _checked(reading, Said(f"({left.sql} {sign} {right.sql})", kind), left, right)


@says(exp.Mul)
def _product(reading: Reading, node: exp.Mul, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    if left.interval or right.interval:
        reading.only("arithmetic with intervals", "postgres")
        interval, factor = (left, right) if left.interval else (right, left)
        _numbers(reading, factor)
        if factor.kind.name != "integer":
            raise NotKnown("a fraction of an interval")
        amounts = tuple((f"({a} * {factor.sql})", u) for a, u in interval.interval or ())
        return Said("", Kind("interval"), interval=amounts)
    _numbers(reading, left, right)
    kind = _exact((left.kind, right.kind), sum, 1)
    return _checked(reading, Said(f"({left.sql} * {right.sql})", kind), left, right)


def exact(reading: Reading, said: Said) -> Said:
    """Says a computed decimal without what floats leave of it: 0.57 * 100 is 57, 0.1 + 0.2 is 0.3.

    What has no places that are known, as a quotient has none, stays as it is.
    """
    kind = said.kind
    is_computed = said.literal is None and not re.fullmatch(
        r"(?:\[[^\]]*\]\.)?\[[^\]]*\]", said.sql
    )
    if kind.name != "decimal" or kind.scale is None or kind.shown or not is_computed:
        return said
    if kind.scale > _MOST_PLACES or said.sql.startswith("number_round("):
        return said
    return replace(said, sql=reading.call("number_round", said.sql, str(kind.scale)))


def _checked(reading: Reading, said: Said, left: Said, right: Said) -> Said:
    """Says a sum or product of integers: with an unsigned one MySQL refuses what is negative.

    Source: MySQL 8.0 Reference Manual, 11.1.7 "Out-of-Range and Overflow Handling".
    """
    if said.kind.name != "integer" or not (left.kind.unsigned or right.kind.unsigned):
        return exact(reading, said)
    return Said(reading.call("number_unsigned", said.sql), said.kind._replace(unsigned=True))


@says(exp.Div)
def _quotient(reading: Reading, node: exp.Div, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    if left.interval or right.interval:
        raise NotKnown("arithmetic of intervals")
    _numbers(reading, left, right)
    kinds = {left.kind.name, right.kind.name}
    if reading.is_of("mysql"):
        # By zero is NULL, in SQLite too.
        shown = (
            None if kinds & {"float", "unknown"} or left.kind.scale is None else left.kind.scale + 4
        )
        kind = Kind("decimal", None, shown, True) if shown is not None else FLOAT
        return Said(f"(CAST({left.sql} AS REAL) / {right.sql})", kind)
    if reading.is_of("oracle"):
        return Said(_divided(reading, f"CAST({left.sql} AS REAL)", right), Kind("decimal"))
    if kinds == {"integer"}:
        return Said(_divided(reading, left.sql, right), INTEGER)
    if kinds & {"decimal", "float"}:
        kind = FLOAT if "float" in kinds else _quotient_of_decimals(reading, left.kind, right.kind)
        sql = _divided(reading, f"CAST({left.sql} AS REAL)", right)
        if reading.is_of("tsql") and kind.shown:
            # It is cut where it stands, not where it is shown: 1.0 / 3 * 3 is 0.999999.
            sql = reading.call("number_truncate", sql, str(kind.scale))
            kind = kind._replace(shown=False)
        return Said(sql, kind)
    raise NotKnown("a division of numbers that may be integers or decimals")


def _divided(reading: Reading, numerator: str, divisor: Said) -> str:
    if divisor.literal and float(divisor.literal):
        return f"({numerator} / {divisor.sql})"
    return reading.call("number_divide", numerator, divisor.sql)


def _quotient_of_decimals(reading: Reading, left: Kind, right: Kind) -> Kind:
    """T-SQL cuts a quotient of exact numbers at a scale of its own.

    Source: Transact-SQL, "Precision, scale, and length".
    """
    known = (left.precision, left.scale, right.precision, right.scale)
    if not reading.is_of("tsql"):
        return Kind("decimal")
    if None in known:
        return Kind("decimal", 38, None)
    p1, s1, p2, s2 = (value for value in known if value is not None)
    scale = max(_MINIMUM_DIGITS_SHOWN, s1 + p2 + 1)
    precision = p1 - s1 + s2 + scale
    if precision > 38:
        scale = max(_MINIMUM_DIGITS_SHOWN, scale - (precision - 38))
        precision = 38
    return Kind("decimal", precision, scale, scale <= 9)


@says(exp.IntDiv)
def _whole_quotient(reading: Reading, node: exp.IntDiv, scope: Scope) -> Said:
    reading.only("DIV", "mysql")
    left, right = reading.expressions([node.left, node.right], scope)
    _numbers(reading, left, right)
    return Said(reading.call("number_whole_quotient", left.sql, right.sql), INTEGER)


@says(exp.Mod)
def _remainder(reading: Reading, node: exp.Mod, scope: Scope) -> Said:
    reading.only("%", "mysql", "postgres", "tsql")
    left, right = reading.expressions([node.left, node.right], scope)
    return remainder(reading, left, right)


def remainder(reading: Reading, left: Said, right: Said) -> Said:
    """Says the remainder of a division, which has the sign of the first number everywhere."""
    _numbers(reading, left, right)
    if {left.kind.name, right.kind.name} == {"integer"} and right.literal and int(right.literal):
        return Said(f"({left.sql} % {right.sql})", INTEGER)
    name = {"mysql": "number_remainder_or_null", "oracle": "number_remainder_or_value"}.get(
        reading.dialect, "number_remainder"
    )
    kind = widest([left.kind, right.kind])
    return Said(reading.call(name, left.sql, right.sql), kind)


@says(exp.Pow)
def _power(reading: Reading, node: exp.Pow, scope: Scope) -> Said:
    reading.only("^ as a power", "postgres")
    left, right = reading.expressions([node.left, node.right], scope)
    _numbers(reading, left, right)
    return Said(reading.call("number_power", left.sql, right.sql), FLOAT)


@says(exp.DPipe)
def _joined(reading: Reading, node: exp.DPipe, scope: Scope) -> Said:
    reading.only("||", "postgres", "oracle")
    sides = [as_text(reading, side) for side in reading.expressions([node.left, node.right], scope)]
    if reading.is_of("oracle"):
        joined = reading.call("text_concatenated", *(side.sql for side in sides))
        return Said(f"NULLIF({joined}, '')", TEXT)
    return Said(f"({sides[0].sql} || {sides[1].sql})", TEXT)


def as_text(reading: Reading, said: Said) -> Said:
    """Says a value as the text that its dialect makes of it.

    Raises:
        NotKnown: Of decimals, of which the systems keep the zeros at the end, and of moments of
            which they have formats by settings.
    """
    if said.kind.is_text or said.kind.name in ("integer", "null"):
        return said
    if said.kind.name == "decimal" and said.kind.scale == 0 and not said.kind.shown:
        return Said(f"CAST(CAST({said.sql} AS INTEGER) AS TEXT)", TEXT)
    if said.kind.name == "date" and reading.is_of("mysql", "postgres"):
        return said
    if said.kind.name == "stamp" and reading.is_of("mysql"):
        return Said(reading.call("moment_full", said.sql), TEXT)
    if said.kind.name == "unknown":
        return Said(reading.call("text_said", said.sql), TEXT)
    raise NotKnown(f"{said.kind.name} as a text")


def _numbers(reading: Reading, *values: Said) -> None:
    """Refuses arithmetic of what is no number: the systems convert it in different ways."""
    for value in values:
        name = value.kind.name
        if name == "boolean" and not reading.is_of("mysql"):
            raise NotSpoken("arithmetic of truth values")
        if name == "literal" and value.literal and re.fullmatch(r"-?\d+(\.\d+)?", value.literal):
            continue
        if name not in ("integer", "decimal", "float", "unknown", "null", "boolean"):
            raise NotKnown(f"arithmetic of a {name}")


def _exact(kinds: tuple[Kind, Kind], scale_of: Any, carried: int) -> Kind:
    names = {kind.name for kind in kinds if kind.name != "null"}
    if not names:
        return NULL
    if "unknown" in names or not names <= {"integer", "decimal", "float", "boolean"}:
        return UNKNOWN
    if "float" in names:
        return FLOAT
    first, second = kinds
    scales = (first.scale, second.scale)
    scale = None if None in scales else scale_of(scales)
    if first.precision is None or second.precision is None or None in scales:
        precision = None
    elif scale_of is max:
        whole = max(first.precision - (first.scale or 0), second.precision - (second.scale or 0))
        precision = whole + (scale or 0) + carried
    else:
        precision = first.precision + second.precision + carried
    shown = first.shown or second.shown
    if names <= {"integer", "boolean"}:
        return Kind("integer", precision, 0)
    return Kind("decimal", precision, scale, shown)


def _moment_sum(reading: Reading, left: Said, right: Said, sign: str) -> Said:
    """A date with days added, or two dates subtracted."""
    if left.kind.is_moment and right.kind.name in ("integer", "decimal"):
        if reading.is_of("postgres") and (left.kind == STAMP or right.kind.name != "integer"):
            raise NotSpoken("a timestamp and a number")
        if reading.is_of("mysql"):
            raise NotKnown("arithmetic of a date as a number")
        return shifted(reading, left, ((right.sql, "day"),), sign)
    if sign == "+" and right.kind.is_moment and left.kind.name == "integer":
        return _moment_sum(reading, right, left, sign)
    if sign == "-" and _is_a_moment(left) and _is_a_moment(right):
        if reading.is_of("postgres"):
            if STAMP in (left.kind, right.kind):
                raise NotKnown("a difference of timestamps")
            return Said(reading.call("moment_days_between", left.sql, right.sql), INTEGER)
        if reading.is_of("oracle"):
            if right.literal or left.literal:
                raise NotSpoken("a date as a text")
            return Said(
                reading.call("moment_fraction_of_days", left.sql, right.sql), Kind("decimal")
            )
    raise NotKnown(f"{sign} of a date")


def _is_a_moment(said: Said) -> bool:
    return said.kind.is_moment or said.kind == LITERAL
