"""Literals and the time of day, said in SQLite."""

from __future__ import annotations

import re

from sqlglot import exp

from trainables.sql.sandbox import clock, moments
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown
from trainables.sql.translation.kinds import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    LITERAL,
    NULL,
    STAMP,
    TIME,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import Reading, Scope, says, string


@says(exp.Literal)
def _literal(reading: Reading, node: exp.Literal, scope: Scope) -> Said:
    text = str(node.this)
    if node.is_string:
        if text == "" and reading.is_of("oracle"):
            return Said("NULL", NULL)
        if "\\" in text and reading.is_of("mysql") and not _is_plain(text):
            raise NotKnown("an escape in a string")
        return Said(string(text), LITERAL, literal=text)
    if re.fullmatch(r"\d+", text):
        return Said(text, Kind("integer", len(text), 0), literal=text)
    if re.fullmatch(r"\d*\.\d*", text):
        whole, _, places = text.partition(".")
        digits = len((whole.lstrip("0") or "0") + places)
        return Said(
            f"{whole or 0}.{places or 0}", Kind("decimal", digits, len(places)), literal=text
        )
    if re.fullmatch(r"[\d.]+[eE][-+]?\d+", text):
        return Said(text, FLOAT, literal=text)
    raise NotKnown(f"the literal {text}")


def _is_plain(text: str) -> bool:
    # sqlglot has undone the escapes of a string; a backslash that is left may be one or none.
    return "\\" not in text


@says(exp.ByteString)
def _escaped_string(reading: Reading, node: exp.ByteString, scope: Scope) -> Said:
    """PostgreSQL's E'...', of which sqlglot keeps the escapes."""
    reading.only("E'...'", "postgres")
    text = str(node.this)
    if "\\" in text:
        raise NotKnown("an escape in a string")
    return Said(string(text), LITERAL, literal=text)


@says(exp.RawString, exp.National)
def _raw_string(reading: Reading, node: exp.RawString, scope: Scope) -> Said:
    return Said(string(str(node.this)), LITERAL, literal=str(node.this))


@says(exp.Null)
def _null(reading: Reading, node: exp.Null, scope: Scope) -> Said:
    return Said("NULL", NULL)


@says(exp.Boolean)
def _boolean(reading: Reading, node: exp.Boolean, scope: Scope) -> Said:
    reading.only("TRUE and FALSE", "mysql", "postgres")
    return Said("1" if node.this else "0", BOOLEAN if reading.is_of("postgres") else INTEGER)


@says(exp.DateStrToDate)
def _date_literal(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    """DATE '2024-01-05', which is a date in Oracle too."""
    try:
        moment = moments.read(node.this.name)
    except (FailsThere, MeaningUnknown) as failure:
        raise NotSpoken(str(failure)) from None
    return Said(string(str(moment)), STAMP if reading.is_of("oracle") else DATE)


@says(exp.StrToTime)
def _oracle_timestamp(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    """TIMESTAMP '2024-01-05 10:00:00' of Oracle, which sqlglot gives a format of its own."""
    reading.only("TIMESTAMP with a format", "oracle")
    try:
        moment = moments.read(node.this.name)
    except (FailsThere, MeaningUnknown) as failure:
        raise NotSpoken(str(failure)) from None
    return Said(string(str(moment)), STAMP)


@says(exp.Array)
def _array(reading: Reading, node: exp.Array, scope: Scope) -> Said:
    """ARRAY['a', 'b'] of plain texts or numbers, as PostgreSQL writes it as a text."""
    reading.only("ARRAY", "postgres")
    values = []
    for said in reading.expressions(node.expressions, scope):
        if said.literal is None or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", said.literal):
            raise NotKnown("an array of other than plain values")
        values.append(said.literal)
    return Said(string("{" + ",".join(values) + "}"), Kind("array"))


@says(exp.CurrentDate)
def _today(reading: Reading, node: exp.CurrentDate, scope: Scope) -> Said:
    if reading.is_of("tsql"):
        raise NotSpoken("CURRENT_DATE")
    # Oracle's has a time of day.
    return now(reading) if reading.is_of("oracle") else Said(string(clock.DATE), DATE)


@says(exp.CurrentTimestamp, exp.Localtimestamp)
def _now(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    return now(reading)


def now(reading: Reading) -> Said:
    """Says the time of day, which stands still."""
    return Said(string(f"{clock.DATE} {clock.TIME}"), STAMP)


@says(exp.CurrentTime, exp.Localtime)
def _time(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    if reading.is_of("mysql") and isinstance(node, exp.Localtime):
        return now(reading)
    return Said(string(clock.TIME), TIME)
