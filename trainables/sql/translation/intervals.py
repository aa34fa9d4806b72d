"""Intervals, and moments moved by them."""

from __future__ import annotations

import re

from sqlglot import exp

from trainables.sql.translation.kinds import (
    DATE,
    LITERAL,
    STAMP,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import Reading, Scope, string

UNITS = {
    "microsecond": ("second", 1e-6),
    "millisecond": ("second", 1e-3),
    "second": ("second", 1),
    "minute": ("minute", 1),
    "hour": ("hour", 1),
    "day": ("day", 1),
    "week": ("week", 1),
    "month": ("month", 1),
    "mon": ("month", 1),
    "quarter": ("quarter", 1),
    "year": ("year", 1),
    "decade": ("decade", 1),
    "century": ("century", 1),
}

Amounts = tuple[tuple[str, str], ...]


def interval_of(reading: Reading, node: exp.Interval, scope: Scope) -> Amounts:
    """Returns the amounts and units of an interval.

    Raises:
        NotKnown: It has units like `DAY_HOUR`, or clock time inside of its quotes.
    """
    unit, amount = node.args.get("unit"), node.this
    if unit is None:
        if not (isinstance(amount, exp.Literal) and amount.is_string):
            if reading.is_of("mysql") and amount is not None:
                raise NotKnown("the function INTERVAL")
            raise NotSpoken("an interval without a unit")
        return _amounts(str(amount.this))
    name = singular(unit.name)
    if isinstance(unit, exp.IntervalSpan) or name not in UNITS:
        raise NotKnown(f"an interval in {unit.name or 'two units'}")
    if isinstance(amount, exp.Literal):
        if not re.fullmatch(r"-?\d+(\.\d+)?", str(amount.this)):
            raise NotKnown(f"an interval of {amount.this}")
        if reading.is_of("mysql") and name != "second" and "." in str(amount.this):
            raise NotKnown(f"{amount.this} {name}s, which MySQL rounds")
        return ((str(amount.this), name),)
    said = reading.expression(amount, scope)
    if said.kind.name not in ("integer", "unknown"):
        raise NotKnown(f"an interval of a {said.kind.name}")
    return ((said.sql, name),)


def _amounts(text: str) -> Amounts:
    found = re.fullmatch(r"\s*((?:[-+]?\d+(?:\.\d+)?\s*[a-zA-Z]+\s*)+)", text)
    if found is None:
        raise NotKnown(f"the interval {text!r}")
    amounts = []
    for number, unit in re.findall(r"([-+]?\d+(?:\.\d+)?)\s*([a-zA-Z]+)", text):
        name = singular(unit)
        if name not in UNITS:
            raise NotKnown(f"the interval {text!r}")
        amounts.append((number, name))
    return tuple(amounts)


def singular(unit: str) -> str:
    """Returns a unit's name in lower case, without its plural."""
    name = unit.lower()
    return {"centuries": "century", "mins": "minute", "secs": "second", "hrs": "hour"}.get(
        name, name.removesuffix("s") if name != "s" else name
    )


def shifted(reading: Reading, moment: Said, amounts: Amounts, sign: str) -> Said:
    """Says a moment later or earlier by some amounts, the longest unit first."""
    if not (
        moment.kind.is_moment or moment.kind in (LITERAL, UNKNOWN) or moment.kind.name == "text"
    ):
        raise NotKnown(f"an interval added to a {moment.kind.name}")
    if moment.kind.is_text and reading.is_of("oracle"):
        raise NotSpoken("a text as a date")
    sql = moment.sql
    order = list(UNITS)
    by_clock = False
    for amount, unit in sorted(amounts, key=lambda pair: -order.index(pair[1])):
        name, factor = UNITS[unit]
        by_clock |= name in ("second", "minute", "hour")
        number = amount if factor == 1 else f"({amount} * {factor})"
        if reading.is_of("oracle") and name in ("month", "year"):
            # Oracle refuses the 31st of a month that has 30 days, and does not take the last one.
            raise NotKnown("an interval of months in Oracle")
        sql = reading.call(
            "moment_shift", sql, f"(-{number})" if sign == "-" else number, string(name)
        )
    kind: Kind = STAMP if by_clock or moment.kind == STAMP else moment.kind
    if kind.is_text:
        kind = UNKNOWN
    if kind == DATE and by_clock:
        kind = STAMP
    return Said(sql, kind)
