"""Comparisons as each dialect converts their two sides, IN and BETWEEN among them."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from sqlglot import exp

from trainables.sql.sandbox import moments
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown
from trainables.sql.translation.arithmetic import exact
from trainables.sql.translation.kinds import (
    BOOLEAN,
    COLLATIONS,
    DATE,
    LITERAL,
    PADDED,
    SINGLE,
    STAMP,
    TEXT,
    UNKNOWN,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import Reading, Scope, identifier, says, string

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}


@says(*_OPERATORS)
def comparison(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    operator = _OPERATORS[type(node)]
    if isinstance(node.right, exp.Any | exp.All):
        return _quantified(reading, node, operator, scope)
    left, right = reading.expressions([node.left, node.right], scope)
    if operator not in ("=", "<>") and (left.kind.values or right.kind.values):
        raise NotKnown("a comparison in the order of an enumeration")
    one, other, collation = comparable(reading, left, right)
    return Said(f"({one} {operator} {other}{collation})", BOOLEAN)


def comparable(reading: Reading, left: Said, right: Said) -> tuple[str, str, str]:
    """Returns both sides of a comparison as SQLite compares them like the dialect.

    Returns:
        The sides, and the collation to be written after the second one.

    Raises:
        NotKnown: The dialect converts one side in a way of its own.
    """
    if PADDED in (left.kind, right.kind):
        left, right = _without_padding(left), _without_padding(right)
    names = {left.kind.name, right.kind.name}
    if names == {"literal"} and reading.is_of("oracle"):
        # Both are CHAR, and filled up with blanks to one length.
        left, right = _without_padding(left), _without_padding(right)
    if left.interval or right.interval or names & {"time", "interval"}:
        raise NotKnown("a comparison of times or intervals")
    if "null" in names or names == {"unknown"}:
        return left.sql, right.sql, _collation(reading, left, right)
    if names & {"date", "stamp"}:
        return (*_comparable_moments(reading, left, right), "")
    if "boolean" in names:
        return (*_comparable_truth(reading, left, right), "")
    if names <= {"integer", "decimal", "float", "unknown"}:
        if SINGLE in (left.kind, right.kind) and not (
            left.kind == right.kind or _is_held_by_single(left) or _is_held_by_single(right)
        ):
            raise NotKnown("a float of four bytes compared with a decimal")
        return exact(reading, left).sql, exact(reading, right).sql, ""
    if names <= {"text", "literal", "unknown"}:
        if reading.is_of("mysql") and any((s.literal or "").endswith(" ") for s in (left, right)):
            raise NotKnown("blanks at the end of a text, which count in some collations alone")
        if names == {"literal"} or "text" in names or not reading.is_of("oracle"):
            return left.sql, right.sql, _collation(reading, left, right)
        return left.sql, right.sql, ""
    for number, text in ((left, right), (right, left)):
        if number.kind.is_number and text.literal is not None:
            if re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", text.literal):
                value = text.literal.strip()
                return (value, right.sql, "") if text is left else (left.sql, value, "")
            if reading.is_of("postgres", "oracle", "tsql"):
                raise NotSpoken("a number compared with a text that is none")
    if reading.is_of("postgres"):
        raise NotSpoken("a text compared with a number")
    raise NotKnown("a comparison of a text and a number")


def _is_held_by_single(said: Said) -> bool:
    """Tells whether a number is the same in four bytes as it is written."""
    if said.kind.name == "integer":
        return True
    if said.literal is None:
        return False
    number = float(said.literal)
    try:
        return bool(struct.unpack("f", struct.pack("f", number))[0] == number)
    except OverflowError:
        return False


def _without_padding(said: Said) -> Said:
    if said.kind == PADDED:
        return replace(said, kind=TEXT)
    if said.literal is not None and said.kind == LITERAL:
        text = said.literal.rstrip(" ")
        return Said(string(text), LITERAL, literal=text)
    if said.kind.name == "null":
        return said
    raise NotKnown("a text padded with blanks, compared with another")


def _comparable_moments(reading: Reading, left: Said, right: Said) -> tuple[str, str]:
    if not all(s.kind.is_moment or s.kind.is_text or s.kind == UNKNOWN for s in (left, right)):
        raise NotKnown(f"a comparison of a {left.kind.name} and a {right.kind.name}")
    wide = STAMP in (left.kind, right.kind)
    sides = []
    for side in (left, right):
        if side.literal is not None:
            sides.append(string(moment_literal(reading, side.literal, wide)))
        elif side.kind == DATE and not wide:
            sides.append(side.sql)
        elif side.kind == TEXT and reading.is_of("postgres", "oracle"):
            raise NotSpoken("a date compared with a text")
        else:
            sides.append(reading.call("moment_full" if wide else "moment_full_or_text", side.sql))
    if not wide and any("moment_full_or_text" in side for side in sides):
        sides = [
            side if "moment_full_or_text" in side else reading.call("moment_full_or_text", side)
            for side in sides
        ]
    return sides[0], sides[1]


def moment_literal(reading: Reading, text: str, wide: bool | None) -> str:
    """Returns a literal as a moment is stored: in full, or a date alone where that is all it is.

    Args:
        reading: Its dialect decides what it takes for a date.
        text: The literal.
        wide: Whether the other side has a time of day; None: the literal decides.

    Raises:
        NotSpoken: The dialect refuses it.
        NotKnown: What it takes it for is not known.
    """
    if reading.is_of("oracle"):
        # NLS_DATE_FORMAT is DD-MON-RR, and no text in ISO form fits it.
        raise NotSpoken("a text as a date")
    if reading.is_of("tsql") and re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        moment = moments.read(text)
    except (FailsThere, MeaningUnknown) as failure:
        # None of them takes it for a date, or not all take it for the same one.
        raise NotKnown(str(failure)) from None
    if wide is None:
        return str(moment)
    return str(moment._replace(is_date=not wide and moment.is_date))


def _comparable_truth(reading: Reading, left: Said, right: Said) -> tuple[str, str]:
    sides = []
    for side in (left, right):
        if side.literal is not None and side.kind == LITERAL:
            sides.append(truth_literal(side.literal))
        elif side.kind.name in ("boolean", "unknown") or (
            side.kind.name == "integer" and reading.is_of("mysql", "tsql")
        ):
            sides.append(side.sql)
        else:
            raise NotSpoken(f"a truth value compared with a {side.kind.name}")
    return sides[0], sides[1]


def truth_literal(text: str) -> str:
    """Returns 1 or 0 for what PostgreSQL and T-SQL take for a truth value."""
    word = text.strip().lower()
    if word in ("t", "true", "y", "yes", "on", "1"):
        return "1"
    if word in ("f", "false", "n", "no", "off", "0"):
        return "0"
    raise NotSpoken(f"{text!r} as a truth value")


def _collation(reading: Reading, left: Said, right: Said) -> str:
    name = COLLATIONS.get(reading.dialect)
    if name is None or left.collation:
        # The left side's column decides how the two are compared.
        return ""
    reading.functions.add(name)
    return f" COLLATE {name}"


def collated(reading: Reading, said: Said) -> str:
    """Returns a value as the dialect groups and sorts by it.

    A text that is no column carries the collation along.
    """
    name = COLLATIONS.get(reading.dialect)
    if name is None or said.collation or not (said.kind.is_text or said.kind == UNKNOWN):
        return said.sql
    reading.functions.add(name)
    return f"{said.sql} COLLATE {name}"


def _quantified(reading: Reading, node: exp.Binary, operator: str, scope: Scope) -> Said:
    """`a > ANY (SELECT ...)`: true if it holds for one, NULL if only NULLs leave that open."""
    reading.only("ANY and ALL", "mysql", "postgres", "tsql", "oracle")
    inside = node.right.this
    while isinstance(inside, exp.Paren):
        inside = inside.this
    left = reading.expression(node.left, scope)
    is_any = isinstance(node.right, exp.Any)
    if isinstance(inside, exp.Array):
        reading.only("ARRAY", "postgres")
        sides = [
            comparable(reading, left, item)
            for item in reading.expressions(inside.expressions, scope)
        ]
        tests = [f"({one} {operator} {other}{collation})" for one, other, collation in sides]
        joined = (" OR " if is_any else " AND ").join(tests) or ("0" if is_any else "1")
        return Said(f"({joined})", BOOLEAN)
    if isinstance(inside, exp.Subquery):
        inside = inside.this
    query, columns = reading.query(inside, scope)
    if len(columns) != 1:
        raise NotSpoken("ANY over several columns")
    kind = next(iter(columns.values()))
    one, other, collation = comparable(reading, left, Said("[q].[v]", kind))
    test = f"{one} {operator} {other}{collation}"
    # NULL where no value decides and one of them compares as NULL.
    best = f"MAX({test})" if is_any else f"MIN({test})"
    unsure = f"SUM(({test}) IS NULL) > 0"
    deciding, empty = ("1", "0") if is_any else ("0", "1")
    column = identifier(next(iter(columns)))
    return Said(
        f"(SELECT CASE WHEN {best} = {deciding} THEN {deciding} WHEN {unsure} THEN NULL"
        f" ELSE {empty} END FROM (SELECT {column} AS [v] FROM ({query})) AS [q])",
        BOOLEAN,
    )


@says(exp.NullSafeEQ, exp.NullSafeNEQ)
def _null_safe(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    one, other, collation = comparable(reading, left, right)
    word = "IS" if isinstance(node, exp.NullSafeEQ) else "IS NOT"
    if collation:
        one = f"{one}{collation}"
    return Said(f"({one} {word} {other})", BOOLEAN)


@says(exp.Between)
def _between(reading: Reading, node: exp.Between, scope: Scope) -> Said:
    low, high = (
        exp.GTE(this=node.this, expression=node.args["low"]),
        exp.LTE(this=node.this, expression=node.args["high"]),
    )
    sides = [comparison(reading, side, scope).sql for side in (low, high)]
    if node.args.get("symmetric"):
        reading.only("SYMMETRIC", "postgres")
        swapped = [
            exp.GTE(this=node.this, expression=node.args["high"]),
            exp.LTE(this=node.this, expression=node.args["low"]),
        ]
        others = [comparison(reading, side, scope).sql for side in swapped]
        return Said(f"(({' AND '.join(sides)}) OR ({' AND '.join(others)}))", BOOLEAN)
    return Said(f"({' AND '.join(sides)})", BOOLEAN)


@says(exp.In)
def _in(reading: Reading, node: exp.In, scope: Scope) -> Said:
    query = node.args.get("query")
    if isinstance(node.this, exp.Tuple):
        return _tuple_in(reading, node, scope)
    left = reading.expression(node.this, scope)
    if query is not None:
        inner = query.this if isinstance(query, exp.Subquery) else query
        said, columns = reading.query(inner, scope)
        if len(columns) != 1:
            raise NotSpoken("IN over several columns")
        kind = next(iter(columns.values()))
        one, other, collation = comparable(reading, left, Said("[v]", kind, collation=True))
        if other != "[v]":
            column = identifier(next(iter(columns)))
            said = f"SELECT {other} FROM (SELECT {column} AS [v] FROM ({said}))"
        return Said(f"({one}{collation} IN ({said}))", BOOLEAN)
    pairs = [
        comparable(reading, left, item) for item in reading.expressions(node.expressions, scope)
    ]
    if len({one for one, _, _ in pairs}) != 1:
        tests = [f"({one} = {other}{collation})" for one, other, collation in pairs]
        return Said(f"({' OR '.join(tests)})", BOOLEAN)
    one, _, collation = pairs[0]
    return Said(f"({one}{collation} IN ({', '.join(other for _, other, _ in pairs)}))", BOOLEAN)


def _tuple_in(reading: Reading, node: exp.In, scope: Scope) -> Said:
    reading.only("IN over several columns", "mysql", "postgres", "oracle")
    left = reading.expressions(node.this.expressions, scope)
    if any(side.kind.is_moment or side.kind == UNKNOWN for side in left) or reading.is_of("mysql"):
        raise NotKnown("IN over several columns")
    query = node.args.get("query")
    if query is None:
        raise NotKnown("IN over several columns")
    said, columns = reading.query(query.this, scope)
    if len(columns) != len(left):
        raise NotSpoken("IN over another number of columns")
    return Said(f"(({', '.join(side.sql for side in left)}) IN ({said}))", BOOLEAN)
